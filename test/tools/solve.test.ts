// What is said of equations: their solutions, that there is none or no end of them, or why that cannot be said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { solve } from '../../src/tools/solve/solve.js';

const said = (text: string): string => {
  try {
    return solve(text);
  } catch (error) {
    return `! ${(error as Error).message}`;
  }
};
const check = (cases: Record<string, string | RegExp>): void => {
  for (const [text, wanted] of Object.entries(cases)) {
    const what = `${text} → ${said(text)}`;
    if (typeof wanted === 'string') assert.equal(said(text), wanted, what);
    else assert.match(said(text), wanted, what);
  }
};

test('systems of linear equations', () => {
  check({
    'x+y=30;x-y=8': 'x = 19\ny = 11',
    'x+2y+3z=14, 2x-y+z=3, 3x+y-z=2': 'x = 1\ny = 2\nz = 3',
    '鸡＋兔＝35；2鸡＋4兔＝94': '兔 = 12\n鸡 = 23',
    'x/4=(120-x)/5': 'x = 160/3 ≈ 53.3333333333333',
    '(600-x)*8*0.5=(570-x)*10': 'x = 550',
    'x+y=1,200, x-y=200': 'x = 700\ny = 500',
    'x+y=1;2x+2y=3': 'No solution.',
    'x+y=1;2x+2y=2': 'Infinitely many solutions:\nx = 1 - y',
    'x=x': 'Every x is a solution.',
    'x+y=30;x-y=8;x*y=?': 'x = 19\ny = 11\nx*y = 209',
    'x=y=3': 'x = 3\ny = 3',
  });
});

test('polynomials of one unknown, and what comes down to them', () => {
  check({
    'x^2-5x+6': 'x_0 = 2\nx_1 = 3',
    'x^2=2': 'x_0 = -1.4142135623731\nx_1 = 1.4142135623731',
    '(x-1)^2(x+2)=0': 'x_0 = -2\nx_1 = 1 (2 times)',
    'x^2-2*sqrt(2)*x+2=0': 'x = 1.4142135623731 (2 times)',
    'x^2+2x+5=0': 'No real solution. Complex ones:\nx_0 = -1 - 2i\nx_1 = -1 + 2i',
    '(x^2-1)/(x-1)=0': 'x = -1',
    '1/x=0': 'No solution.',
    'solve x^2=4 for x': 'x_0 = -2\nx_1 = 2',
    'x+y=5;xy=6': 'x_0 = 3, y_0 = 2\nx_1 = 2, y_1 = 3',
    'x^2+y^2=25; x^2-y^2=7': 'x_0 = -4, y_0 = -3\nx_1 = -4, y_1 = 3\nx_2 = 4, y_2 = -3\nx_3 = 4, y_3 = 3',
    'x^2+y^2=1;x=2': /^x = 2\nNo real solution\. Complex ones:\ny_0 = -1\.73205080756888i\n/,
    'x+y=2;xy=2': 'No real solution.',
    'a=6;b=8;c=sqrt(a^2+b^2)': 'a = 6\nb = 8\nc = 10',
    [`${Array.from({ length: 12 }, (_, i) => `(x-${i + 1})`).join('')}=0`]: /^x_0 = 1\n.*x_11 = 12$/s,
  });
});

test('what is asked for in words is no unknown, and a name that only looks like such a word is one', () => {
  check({
    'find x: 2x=4': 'x = 2',
    'x+y=3; x-y=1; find x and y': 'x = 2\ny = 1',
    'find the value of x+2y where x+y=3; x-y=1': 'x = 2\ny = 1\nx+2y = 4',
    '2x+3=7 solve for x': 'x = 2',
    'x+y=3, x-y=1 for x, y': 'x = 2\ny = 1',
    'Given 2x=4, what is x?': 'x = 2',
    '已知 x+y=3，x-y=1，求x和y的值。': 'x = 2\ny = 1',
    'find=3; find + in = 5': 'find = 3\nin = 2',
  });
});

test('what is beyond it says so', () => {
  check({
    '': /no equation/,
    'x>3': /compares/,
    'sqrt(x)=2': /no unknown inside of sqrt/,
    '2^x=8': /no unknown in an exponent/,
    'x^2+y^2=1': /takes linear equations/,
    'x^100=1': /too high: at most 24/,
    '(a+b+c+d+e+f)^20=1': /too many terms/,
    '1/2x=3': /two ways/,
    'x+y=5,100x=300': /two ways: write ; between/,
    'factor(x)=1': /no function "factor"/,
  });
});
