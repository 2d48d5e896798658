// Polynomials of several unknowns with fractions as coefficients: what an equation becomes before it is solved.
import * as exact from '../calculate/rational.js';
import { ToolFailure } from '../tool.js';

/** Coefficients by powers: `2,0,1` is x²z where the unknowns are x, y, z. No coefficient is 0. */
export type Polynomial = ReadonlyMap<string, exact.Rational>;

/** Highest power, and most terms, of what is worked with. */
export const maxDegree = 24;
const maxTerms = 400;
/** Coefficients with more bits than this would take too long. */
const maxBits = 20_000;

const keys = new Map<string, readonly number[]>();

export function powersOf(key: string): readonly number[] {
  const found = keys.get(key) ?? key.split(',').map(Number);
  if (keys.size > 10_000) keys.clear();
  keys.set(key, found);
  return found;
}

export function constantOf(value: exact.Rational, unknowns: number): Polynomial {
  return new Map(exact.isZero(value) ? [] : [[new Array(unknowns).fill(0).join(','), value]]);
}

export function unknownOf(index: number, unknowns: number): Polynomial {
  return new Map([[Array.from({ length: unknowns }, (_, i) => (i === index ? 1 : 0)).join(','), exact.one]]);
}

function collected(terms: Iterable<readonly [string, exact.Rational]>): Polynomial {
  const sum = new Map<string, exact.Rational>();
  for (const [key, value] of terms) {
    const total = exact.add(sum.get(key) ?? exact.zero, value);
    if (exact.isZero(total)) sum.delete(key);
    else sum.set(key, total);
  }
  if (sum.size > maxTerms) throw new ToolFailure('These equations have too many terms.');
  for (const { n, d } of sum.values()) {
    if (exact.bits(n) > maxBits || exact.bits(d) > maxBits)
      throw new ToolFailure('These equations have too large numbers.');
  }
  return sum;
}

export const add = (a: Polynomial, b: Polynomial): Polynomial => collected([...a, ...b]);
export const scale = (a: Polynomial, by: exact.Rational): Polynomial =>
  collected([...a].map(([key, value]) => [key, exact.multiply(value, by)] as const));
export const subtract = (a: Polynomial, b: Polynomial): Polynomial => add(a, scale(b, exact.whole(-1)));

export function multiply(a: Polynomial, b: Polynomial): Polynomial {
  if (a.size * b.size > maxTerms * 20) throw new ToolFailure('These equations have too many terms.');
  const terms: [string, exact.Rational][] = [];
  for (const [left, x] of a) {
    for (const [right, y] of b) {
      const [p, q] = [powersOf(left), powersOf(right)];
      const powers = p.map((power, i) => power + q[i]);
      if (powers.reduce((sum, each) => sum + each, 0) > maxDegree)
        throw new ToolFailure(`These equations have too high powers: at most ${maxDegree}.`);
      terms.push([powers.join(','), exact.multiply(x, y)]);
    }
  }
  return collected(terms);
}

/** @param to a whole number from 0 */
export function raise(a: Polynomial, to: number, unknowns: number): Polynomial {
  let result = constantOf(exact.one, unknowns);
  for (let i = 0; i < to; i++) result = multiply(result, a);
  return result;
}

/** The number that it is, where no unknown is in it. */
export function asNumber(a: Polynomial): exact.Rational | undefined {
  if (a.size === 0) return exact.zero;
  if (a.size > 1) return undefined;
  const [[key, value]] = a;
  return powersOf(key).every((power) => power === 0) ? value : undefined;
}

export const degreeIn = (a: Polynomial, index: number): number =>
  Math.max(0, ...[...a.keys()].map((key) => powersOf(key)[index]));

export const totalDegree = (a: Polynomial): number =>
  Math.max(0, ...[...a.keys()].map((key) => powersOf(key).reduce((sum, each) => sum + each, 0)));

/** Which unknowns are in it. */
export function unknownsIn(a: Polynomial): number[] {
  const found = new Set<number>();
  for (const key of a.keys()) {
    for (const [i, power] of powersOf(key).entries()) if (power > 0) found.add(i);
  }
  return [...found].sort((x, y) => x - y);
}

/** As a polynomial of one unknown: its coefficients, which are polynomials of the others, lowest power first. */
export function coefficientsIn(a: Polynomial, index: number): Polynomial[] {
  const terms: [string, exact.Rational][][] = Array.from({ length: degreeIn(a, index) + 1 }, () => []);
  for (const [key, value] of a) {
    const powers = [...powersOf(key)];
    const power = powers[index];
    powers[index] = 0;
    terms[power].push([powers.join(','), value]);
  }
  return terms.map(collected);
}

/** A quotient of two; `den` is not 0. */
export interface Ratio {
  num: Polynomial;
  den: Polynomial;
}

/** `a` where an unknown is `by`, multiplied by den to the power in which the unknown occurs: a = 0 stays true. */
export function substituted(a: Polynomial, index: number, by: Ratio, unknowns: number): Polynomial {
  const parts = coefficientsIn(a, index);
  const highest = parts.length - 1;
  if (highest === 0) return a;
  let sum: Polynomial = new Map();
  for (const [power, part] of parts.entries()) {
    if (part.size === 0) continue;
    const times = multiply(raise(by.num, power, unknowns), raise(by.den, highest - power, unknowns));
    sum = add(sum, multiply(part, times));
  }
  return sum;
}

/** Bits of coefficients that no fraction is. */
export const roundedBits = 480;

/** To so many bits, without what is only the noise of earlier rounding. */
export function withoutNoise(a: Polynomial): Polynomial {
  const size = ({ n, d }: exact.Rational) => exact.bits(n) - exact.bits(d);
  const largest = Math.max(...[...a.values()].map(size));
  const kept = [...a].filter(([, value]) => size(value) > largest - roundedBits / 2);
  return new Map(kept.map(([key, value]) => [key, rounded(value)]));
}

export function rounded(value: exact.Rational): exact.Rational {
  const excess = exact.bits(value.n) - exact.bits(value.d) - roundedBits;
  if (exact.bits(value.d) <= roundedBits || excess >= 0) return value;
  return exact.fraction((value.n << BigInt(-excess)) / value.d, 1n << BigInt(-excess));
}
