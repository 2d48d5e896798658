// `Solve`: the unknowns of linear equations and of polynomials, as `x = 19` line by line.

import type { Tool } from '../../tokenizer/message.js';
import { textOf } from '../calculate/calculate.js';
import { decimalText, printed } from '../calculate/print.js';
import * as exact from '../calculate/rational.js';
import { isExact, middle } from '../calculate/value.js';
import type { Executor, ToolLimits } from '../tool.js';
import { type Equations, readEquations } from './equations.js';
import { asNumber, coefficientsIn, type Polynomial, powersOf, type Ratio, withoutNoise } from './polynomial.js';
import { type Root, rootsOf } from './roots.js';
import { evaluated, type Solution, solveSystem } from './system.js';

const digits = 15;

/**
 * @param text equations, separated by ; or , or line breaks: `x+y=30; x-y=8`, `x^2-5x+6=0`
 * @returns `x = 19\ny = 11`; of several solutions `x_0 = 2\nx_1 = 3`; or that there is none, or infinitely many
 * @throws ToolFailure why that cannot be said, in words for the model
 */
export function solve(text: string): string {
  const equations = readEquations(text);
  const { names } = equations;
  const known = [...equations.known].map(([name, value]) => {
    const number = isExact(value) ? inWords(value, true) : inWords(middle(value), false);
    return `${name} = ${number}`;
  });
  if (names.length === 0) return withoutUnknowns(equations, known);
  if (names.length === 1 && equations.equations.length === 1 && equations.asked.length === 0) {
    const lines = ofOneUnknown(equations);
    if (lines !== undefined) return [...known, ...lines].join('\n');
  }
  const asked = names.flatMap((name, i) => (equations.asked.some((each) => each.text === name) ? [i] : []));
  const { solutions, passedComplex } = solveSystem({ ...equations, unknowns: names.length, asked });
  if (solutions.length === 0) return passedComplex ? 'No real solution.' : 'No solution.';
  return ofSystem(equations, solutions, known).join('\n');
}

function withoutUnknowns({ equations, asked, exact: isExact }: Equations, known: string[]): string {
  const isTrue = equations.every((each) => isNought(each, isExact));
  if (!isTrue) return known.length === 0 ? 'False: the two sides are different numbers.' : 'No solution.';
  const values = asked
    .filter(({ text }) => !known.some((line) => line.startsWith(`${text} = `)))
    .map((each) => answer(each, [], isExact));
  if (known.length + values.length === 0) return 'True: the two sides are the same number.';
  return [...known.sort(), ...values].join('\n');
}

function isNought(polynomial: Polynomial, isExact: boolean): boolean {
  const number = asNumber(polynomial) ?? exact.one;
  return exact.isZero(number) || (!isExact && exact.bits(number.n) - exact.bits(number.d) < -200);
}

/** All roots, those that are not real too; undefined where the general way has to look. */
function ofOneUnknown({
  names: [name],
  equations: [equation],
  nonzero,
  exact: isExact,
}: Equations): string[] | undefined {
  if (asNumber(equation) !== undefined) {
    return [equation.size === 0 ? `Every ${name} is a solution.` : 'No solution.'];
  }
  const numbers = (each: Polynomial) =>
    coefficientsIn(isExact ? each : withoutNoise(each), 0).map((part) => asNumber(part) ?? exact.zero);
  const roots = rootsOf(numbers(equation), isExact).filter(
    (root) => !nonzero.some((each) => isRootOf(root, rootsOf(numbers(each), isExact))),
  );
  if (roots.length === 0) return ['No solution.'];
  const lines = roots.map((root, i) => {
    const label = roots.length === 1 ? name : `${name}_${i}`;
    const times = root.multiplicity === 1 ? '' : ` (${root.multiplicity} times)`;
    return `${label} = ${rootInWords(root)}${times}`;
  });
  return roots.some(({ im }) => exact.isZero(im)) ? lines : ['No real solution. Complex ones:', ...lines];
}

function isRootOf(root: Root, roots: Root[]): boolean {
  return roots.some((each) => rootInWords(each) === rootInWords(root));
}

function rootInWords({ re, im, exact: known }: Root): string {
  if (exact.isZero(im)) return inWords(re, known);
  const size = decimalText(exact.absolute(im), digits);
  const imaginary = `${size === '1' ? '' : size}i`;
  if (exact.isZero(re)) return `${im.n < 0n ? '-' : ''}${imaginary}`;
  return `${decimalText(re, digits)} ${im.n < 0n ? '-' : '+'} ${imaginary}`;
}

/** `19`, `2.5`, `160/3 ≈ 53.3333333333333`; only digits where the number is not exact. */
function inWords(value: exact.Rational, isExact: boolean): string {
  if (exact.isWhole(value) && isExact) return printed(value);
  const text = decimalText(value, digits);
  if (!isExact) return exact.bits(value.n) - exact.bits(value.d) < -200 ? '0' : text;
  const isShort = `${exact.magnitude(value.n)}${value.d}`.length <= 20;
  return !isShort || isTerminating(value, text) ? text : `${value.n}/${value.d} ≈ ${text}`;
}

/** Whether the decimals say all. */
function isTerminating({ n, d }: exact.Rational, text: string): boolean {
  if (text.includes('e')) return false;
  const [whole, places = ''] = text.split('.');
  return BigInt(whole + places) * d === n * 10n ** BigInt(places.length);
}

function ofSystem({ names, asked }: Equations, solutions: Solution[], known: string[]): string[] {
  const isOpen = solutions.some(({ values }) => values.some((value) => value === undefined));
  const only = solutions.length === 1;
  const lines = solutions.flatMap(({ values, exact: isExact }, i) => {
    const label = (name: string) => (only ? name : `${name}_${i}`);
    const parts = names.flatMap((name, k) => {
      const value = values[k];
      return value === undefined ? [] : [`${label(name)} = ${ratioInWords(value, names, isExact)}`];
    });
    const more = asked.filter(({ text }) => !names.includes(text)).map((each) => answer(each, values, isExact, names));
    return only ? [...[...known, ...parts].sort(), ...more] : [[...parts, ...more].join(', ')];
  });
  if (!only) lines.unshift(...known);
  if (!isOpen) return lines;
  return lines.length === 0
    ? ['Every choice of the unknowns is a solution.']
    : ['Infinitely many solutions:', ...lines];
}

function answer(
  { text, ratio }: Equations['asked'][number],
  values: Solution['values'],
  isExact: boolean,
  names: string[] = [],
): string {
  return `${text} = ${ratioInWords(evaluated(ratio, values), names, isExact)}`;
}

function ratioInWords({ num, den }: Ratio, names: string[], isExact: boolean): string {
  const [above, below] = [asNumber(num), asNumber(den)];
  if (above !== undefined && below !== undefined) return inWords(exact.divide(above, below), isExact);
  const top = sumInWords(num, names, isExact);
  if (below !== undefined && exact.same(below, exact.one)) return top;
  const bracketed = (text: string) => (/[ */]/.test(text) ? `(${text})` : text);
  return `${bracketed(top)}/${bracketed(sumInWords(den, names, isExact))}`;
}

/** `5000 - y`, `3*x^2*y/4 + 1` */
function sumInWords(polynomial: Polynomial, names: string[], isExact: boolean): string {
  const terms = [...polynomial].map(([key, value]) => {
    const letters = powersOf(key).flatMap((power, i) =>
      power === 0 ? [] : [power === 1 ? names[i] : `${names[i]}^${power}`],
    );
    const size = exact.absolute(value);
    const number = isExact ? `${size.n}${exact.isWhole(size) ? '' : `/${size.d}`}` : decimalText(size, digits);
    const factors = exact.same(size, exact.one) && letters.length > 0 ? letters : [number, ...letters];
    return { negative: value.n < 0n, text: factors.join('*') };
  });
  const [first, ...rest] = terms.sort((a, b) => Number(a.negative) - Number(b.negative));
  if (first === undefined) return '0';
  return `${first.negative ? '-' : ''}${first.text}${rest.map(({ negative, text }) => ` ${negative ? '-' : '+'} ${text}`).join('')}`;
}

export function openSolve({ tool, limits }: { tool: Tool; limits: ToolLimits }): Executor {
  // MOSS's own name of the argument is understood too.
  return { tool, limits, run: ({ equations, equation }) => solve(textOf(equations ?? equation, 'equations')) };
}
