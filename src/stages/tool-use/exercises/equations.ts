// Equations, systems of two, and puzzles that are one: Solve.
import type { Random } from '../../../base/random.js';
import { call, type Draw, type Exercise, holding } from '../exercise.js';
import { asked, wordingSets } from '../wordings.js';

const sets = () => wordingSets('solve', ['asked', 'system', 'puzzles']);

const unknowns = ['x', 'y', 'z', 'n', 't', 'k'] as const;

function term(factor: number, x: string): string {
  return factor === 1 ? x : `${factor}${x}`;
}
function signed(value: number): string {
  return value < 0 ? `-${-value}` : `+${value}`;
}

/** `ax+b=c` with a whole solution. */
export function linear(random: Random, x: string): string {
  const value = random.integer(-40, 90);
  const [a, b] = [random.integer(2, 30), random.integer(1, 200) * random.choose([1, -1])];
  return `${term(a, x)}${signed(b)}=${a * value + b}`;
}

export function equations(draw: Draw): Exercise {
  const { random, language } = draw;
  const base = { kind: 'solve', language, needs: ['Solve'] };
  const shape = random.uniform();
  const said = (results: string): string =>
    results
      .trim()
      .split(/\s*[\n;]\s*/)
      .join(language === 'zh' ? '，' : ', ');
  const ending = ([r]: readonly string[]) => holding(said(r), said(r));
  if (shape < 0.3) {
    const [x, y] = random.choose([
      ['x', 'y'],
      ['a', 'b'],
      ['m', 'n'],
    ]);
    const [p, q] = [random.integer(-20, 60), random.integer(-20, 60)];
    const [a, b, c] = [random.integer(1, 10), random.integer(1, 10), random.integer(1, 10)];
    const e = `${term(a, x)}+${term(b, y)}=${a * p + b * q}`;
    const f = `${term(c, x)}-${term(b, y)}=${c * p - b * q}`;
    return {
      ...base,
      ...asked(sets().system, { e, f, x, y }, draw),
      turns: [() => [call('Solve', { equations: `${e}; ${f}` })]],
      ending,
    };
  }
  if (shape < 0.4) {
    const [a, b, value] = [random.integer(2, 30), random.integer(1, 200), random.integer(1, 90)];
    const c = a * value + b;
    return {
      ...base,
      ...asked(sets().puzzles, { a, b, c }, draw),
      turns: [() => [call('Solve', { equations: `${a}x+${b}=${c}` })]],
      ending,
    };
  }
  const x = random.choose(unknowns);
  let e = linear(random, x);
  if (shape > 0.8) {
    const [r, s] = [random.integer(-12, 13), random.integer(-12, 13)];
    if (r + s !== 0 && r * s !== 0) e = `${x}^2${signed(-(r + s))}${x}${signed(r * s)}=0`;
  }
  return {
    ...base,
    ...asked(sets().asked, { e, x }, draw),
    turns: [() => [call('Solve', { equations: e })]],
    ending,
  };
}
