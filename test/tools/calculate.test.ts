// What the calculator says of what people and models write: values, and why there is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calculate } from '../../src/tools/calculate/calculate.js';

const said = (text: string): string => {
  try {
    return calculate(text);
  } catch (error) {
    return (error as Error).message;
  }
};
/** Each expression and what it says. */
const check = (cases: Record<string, string | RegExp>): void => {
  for (const [text, wanted] of Object.entries(cases)) {
    const what = `${text} → ${said(text)}`;
    if (typeof wanted === 'string') assert.equal(said(text), wanted, what);
    else assert.match(said(text), wanted, what);
  }
};

test('exact where that is possible, else sixteen right digits', () => {
  check({
    '10^16': '10000000000000000',
    '0.1+0.2': '0.3',
    '1/3': '0.3333333333333333',
    '1/3*3': '1',
    '29-24.7': '4.3',
    'sqrt(2)^2': '2',
    'sin(30°)': '0.5',
    'sin(pi)': '0',
    'log(1000)': '3',
    'log(8,2)': '3',
    '8^(1/3)': '2',
    '(-8)^(1/3)': '-2',
    '4*sqrt(28.125)': '21.21320343559643',
    '10^30+sin(1)-10^30': '0.8414709848078965',
    'exp(1000)': '1.970071114017047e+434',
    '1.0001^10000': '2.718145926825225',
    '7!/(4!*(7-4)!)': '35',
    'C(52,5)': '2598960',
    'round(2.345,2)': '2.35',
    'floor(-1.5)+ceil(1.2)+abs(-3)': '3',
    'gcd(12,18)+lcm(4,6)': '18',
    'max(1,234)': '234',
  });
});

test('as people write it, in both languages', () => {
  check({
    '（１＋２）×３÷４': '2.25',
    '2(3+4)': '14',
    '3 x 4': '12',
    '√16+5²': '29',
    '1,234,567+1': '1234568',
    'sqrt(1,000,000)': '1000',
    '8*4+3=?': '35',
    '2**-3': '0.125',
    '-2^2': '-4',
    '2^3^2': '512',
    '3.5万+2亿': '200035000',
    '209366亿/328.2万': '6379219.98781231',
    '50%': '0.5',
    '20% of 50': '10',
    '1000*(1+5%)': '1050',
    '6.6%-6.7%': '-0.001',
    '100+(10%)': '100.1',
    '17 % 5': '2',
    '-17 mod 5': '3',
    'math.sqrt(16)': '4',
  });
});

test('what has no value, or could be meant in two ways, says why', () => {
  check({
    '': /empty/,
    '1/0': /^Division by zero\.$/,
    'sqrt(-4)': /negative number has no real square root/,
    'ln(0)': /above 0/,
    'y+1': /"y" is not a number/,
    'sqr(4)': /Did you mean sqrt/,
    '209366亿美元/328.2万人': /"亿美元" is not a number/,
    '-9 == 1 - 8': /compares/,
    '2022-09-01 - 1998-11-20': /date/,
    '100+10%': /two ways: write \*\(1\+10%\) or \+\(10%\)/,
    '1/2pi': /two ways/,
    '3 4': /no operator between "3" and "4"/,
    '((1': /A \) is missing/,
    '1+': /missing after "1\+"/,
    'sqrt 4': /needs brackets/,
    'nCr(5)': /takes 2 numbers, not 1/,
    '"a".format(1)': /not part of an expression/,
  });
});

test('what would take too long is refused before it begins', () => {
  check({
    '2^10^10': /more than 10,000 digits/,
    '10^9!': /more than 10,000 digits/,
    '(10^9)!': /at most 3000!/,
    '1e99999': /too large/,
    'ncr(10^11,10^10)': /too many/,
    'sin(10^400)': /angle is too large/,
    'exp(exp(exp(10)))': /too large/,
    [`${'('.repeat(500)}1${')'.repeat(500)}`]: /nested too deeply/,
    [`${'-'.repeat(500)}1`]: /nested too deeply/,
    [`1${'+1'.repeat(2000)}`]: /too long/,
    [`1${'+1'.repeat(900)}`]: '901',
  });
});
