// Calculate and Solve against fractions, mpmath and SymPy (scripts/golden/make_calculate.py): every digit that is written.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { calculate } from '../../src/tools/calculate/calculate.js';
import { solve } from '../../src/tools/solve/solve.js';

interface Golden {
  expressions: [text: string, value: string][];
  linear: [text: string, values: 'none' | 'many' | Record<string, string>][];
  polynomials: [text: string, roots: [re: string, im: string, multiplicity: number][]][];
}

const golden: Golden = JSON.parse(readFileSync(new URL('calculate.json', import.meta.url), 'utf8'));

/** `-12.50` and `-1.25e+1` as `-125e-1`. */
function plain(text: string): string {
  const [, sign, whole, places = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(text) ?? [];
  assert.ok(whole !== undefined, text);
  const digits = `${whole}${places}`.replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  return `${sign}${kept}e${Number(exponent) - places.length + digits.length - kept.length}`;
}

test('expressions have the value that mpmath gives them, to the last of sixteen digits', () => {
  assert.ok(golden.expressions.length >= 400);
  for (const [text, value] of golden.expressions) assert.equal(plain(calculate(text)), plain(value), text);
});

test('linear systems have the solutions that SymPy finds', () => {
  const kinds = { none: 0, many: 0, one: 0 };
  for (const [text, values] of golden.linear) {
    const said = solve(text);
    if (typeof values === 'string') {
      kinds[values]++;
      assert.match(said, values === 'none' ? /^No solution\.$/ : /^Infinitely many/, text);
      continue;
    }
    kinds.one++;
    const ours = said.split('\n').map((line) => line.split(/ = | ≈ /).slice(0, 2));
    for (const [name, value] of ours) {
      const [n, d = '1'] = values[name].split('/');
      const isFraction = value.includes('/');
      if (isFraction || d === '1') assert.equal(value, values[name], text);
      else assert.ok(Math.abs(Number(value) / (Number(n) / Number(d)) - 1) < 1e-14, `${text}: ${name} = ${value}`);
    }
    assert.equal(ours.length, Object.keys(values).length, text);
  }
  assert.ok(Math.min(...Object.values(kinds)) >= 3, JSON.stringify(kinds));
});

test('polynomials have the roots that SymPy finds, as often', () => {
  for (const [text, roots] of golden.polynomials) {
    const lines = solve(text)
      .split('\n')
      .filter((line) => line.startsWith('x'));
    const ours = lines.map((line) => {
      const [, value, times = '1'] = /^x(?:_\d+)? = (.*?)(?: \((\d+) times\))?$/.exec(line) ?? [];
      const parts = (value.split(' ≈ ').at(-1) ?? '').split(/ (?=[+-] )/);
      const im = parts.at(-1)?.endsWith('i') ? (parts.pop() ?? '') : '';
      const [re = '0'] = parts;
      const imaginary = im.replace(/[ +i]/g, '');
      return [Number(re), im === '' ? 0 : Number(/\d/.test(imaginary) ? imaginary : `${imaginary}1`), Number(times)];
    });
    assert.equal(ours.length, roots.length, text);
    for (const [re, im, multiplicity] of roots) {
      const [n, d = '1'] = re.split('/');
      const wanted = [Number(n) / Number(d), Number(im)];
      const size = Math.max(Math.abs(wanted[0]), Math.abs(wanted[1]), 1e-300);
      const near = ours.find((each) => wanted.every((part, i) => Math.abs(part - each[i]) < 2e-14 * size));
      assert.equal(near?.[2], multiplicity, `${text}: ${re} + ${im}i in ${JSON.stringify(ours)}`);
    }
  }
});
