// A number of the calculator: a fraction as long as that is exact, else a real number with its error.
import { ToolFailure } from '../tool.js';
import * as exact from './rational.js';
import * as real from './real.js';

export type Value = exact.Rational | real.Real;

/** Whole numbers that take more bits than this are refused. */
const maxBits = real.maxExponent;
/** Fractions that take more become real numbers: their common divisors would take too long to find. */
const maxFractionBits = 4096;

export const isExact = (value: Value): value is exact.Rational => 'n' in value;

export const asReal = (value: Value, precision: number): real.Real =>
  isExact(value) ? real.fromRational(value, precision) : value;

/** @throws real.Undecided, ToolFailure as the operations do. */
export function signOf(value: Value): number {
  if (!isExact(value)) return real.sign(value);
  return value.n < 0n ? -1 : value.n > 0n ? 1 : 0;
}

function combined(
  a: Value,
  b: Value,
  precision: number,
  keepsWhole: (a: exact.Rational, b: exact.Rational) => boolean,
  exactly: (a: exact.Rational, b: exact.Rational) => exact.Rational,
  really: (a: real.Real, b: real.Real, precision: number) => real.Real,
): Value {
  if (isExact(a) && isExact(b) && (keepsWhole(a, b) || sizeOf(a) + sizeOf(b) <= maxFractionBits)) {
    const result = exactly(a, b);
    return Math.max(exact.bits(result.n), exact.bits(result.d)) <= maxBits
      ? result
      : real.fromRational(result, precision);
  }
  return really(asReal(a, precision), asReal(b, precision), precision);
}

const sizeOf = ({ n, d }: exact.Rational): number => exact.bits(n) + exact.bits(d);

const bothWhole = (a: exact.Rational, b: exact.Rational): boolean => exact.isWhole(a) && exact.isWhole(b);

const isZero = (value: Value): boolean => isExact(value) && exact.isZero(value);

export function quotient(a: Value, b: Value, precision: number): Value {
  if (isZero(b)) throw new ToolFailure('Division by zero.');
  return combined(a, b, precision, (x, y) => bothWhole(x, y) && x.n % y.n === 0n, exact.divide, real.divide);
}

function subtract(a: Value, b: Value, precision: number): Value {
  return combined(a, b, precision, bothWhole, exact.subtract, (x, y, p) => real.add(x, real.negate(y), p));
}

function multiply(a: Value, b: Value, precision: number): Value {
  if (isZero(a) || isZero(b)) return exact.zero;
  return combined(a, b, precision, bothWhole, exact.multiply, real.multiply);
}

/** a − b·⌊a / b⌋, which has the sign of b. */
function modulo(a: Value, b: Value, precision: number): Value {
  if (isZero(b)) throw new ToolFailure('Division by zero.');
  const ratio = quotient(a, b, precision);
  const times = isExact(ratio) ? exact.floor(ratio) : nearestWhole(ratio, exact.floor);
  return subtract(a, multiply(b, exact.whole(times), precision), precision);
}

function power(a: Value, b: Value, precision: number): Value {
  if (isExact(b)) {
    if (exact.isZero(b)) return exact.one;
    if (isZero(a)) {
      if (b.n < 0n) throw new ToolFailure('Division by zero.');
      return exact.zero;
    }
    if (isExact(a)) {
      if (exact.same(a, exact.one)) return a;
      if (exact.isWhole(b)) return wholePower(a, b.n, precision);
      if (a.n < 0n) return negativeBase(a, b, precision);
      const root = b.d <= 1000n ? exact.exactRoot(a, Number(b.d)) : undefined;
      if (root !== undefined) return wholePower(root, b.n, precision);
    } else if (exact.isWhole(b) && exact.magnitude(b.n) <= 64n) {
      return repeated(a, b.n, precision);
    }
  }
  const base = asReal(a, precision);
  if (real.sign(base) < 0) throw new ToolFailure('A negative number has no real power of this kind.');
  if (real.sign(base) === 0) return exact.zero;
  return real.exponential(real.multiply(asReal(b, precision), real.logarithm(base, precision), precision), precision);
}

/** Odd roots of negative numbers are real: (-8)^(1/3) = -2. */
function negativeBase(a: exact.Rational, b: exact.Rational, precision: number): Value {
  if (b.d % 2n === 0n) throw new ToolFailure('A negative number has no real even root.');
  const size = power(exact.negate(a), b, precision);
  return b.n % 2n === 0n ? size : subtract(exact.zero, size, precision);
}

function wholePower(a: exact.Rational, to: bigint, precision: number): Value {
  const size = Math.max(exact.bits(a.n), exact.bits(a.d)) - 1;
  const isUnit = exact.isWhole(a) && exact.magnitude(a.n) === 1n;
  if (isUnit) return to % 2n === 0n ? exact.one : a;
  const times = exact.magnitude(to);
  // Before anything is multiplied: 2^10^10 would take more than there is.
  const room = exact.isWhole(a) && to > 0n ? maxBits : maxFractionBits;
  if (BigInt(size) * times <= BigInt(room) && times <= BigInt(room)) return exact.power(a, Number(to));
  if (BigInt(size) * times > BigInt(maxBits) && (exact.isWhole(a) || exact.magnitude(a.n) === 1n)) {
    const grows = exact.isWhole(a) === to > 0n;
    throw new ToolFailure(
      `The result is too ${grows ? 'large: it has more than 10,000 digits' : 'small: closer to 0 than 10^-10000'}.`,
    );
  }
  const base = real.fromRational(exact.absolute(a), precision);
  const exponent = real.multiply(
    real.fromRational(exact.whole(to), precision),
    real.logarithm(base, precision),
    precision,
  );
  const result = real.exponential(exponent, precision);
  return a.n < 0n && to % 2n !== 0n ? real.negate(result) : result;
}

/** a^n by squaring. */
function repeated(a: real.Real, n: bigint, precision: number): real.Real {
  let result: real.Real = { m: 1n, e: 0, r: 0n };
  let square = a;
  for (let left = exact.magnitude(n); left > 0n; left >>= 1n) {
    if (left & 1n) result = real.multiply(result, square, precision);
    if (left > 1n) square = real.multiply(square, square, precision);
  }
  return n < 0n ? real.divide({ m: 1n, e: 0, r: 0n }, result, precision) : result;
}

export function rootOf(a: Value, degree: number, precision: number): Value {
  const negative = signOf(a) < 0;
  if (negative && degree % 2 === 0)
    throw new ToolFailure('A negative number has no real square root or other even root.');
  const size = negative ? subtract(exact.zero, a, precision) : a;
  const root = positiveRoot(size, degree, precision);
  return negative ? subtract(exact.zero, root, precision) : root;
}

function positiveRoot(a: Value, degree: number, precision: number): Value {
  if (isExact(a)) {
    const found = exact.exactRoot(a, degree);
    if (found !== undefined) return found;
  }
  if (degree === 2) return real.squareRoot(asReal(a, precision), precision);
  return power(a, { n: 1n, d: BigInt(degree) }, precision);
}

/** The natural one without `base`. */
export function logarithmOf(a: Value, base: Value | undefined, precision: number): Value {
  for (const each of [a, base]) {
    if (each !== undefined && signOf(each) <= 0) throw new ToolFailure('A logarithm needs a number above 0.');
  }
  if (isExact(a) && exact.same(a, exact.one)) return exact.zero;
  const above = real.logarithm(asReal(a, precision), precision);
  if (base === undefined) return above;
  if (isExact(base) && exact.same(base, exact.one)) throw new ToolFailure('1 is no base of logarithms.');
  const result = real.divide(above, real.logarithm(asReal(base, precision), precision), precision);
  return (isExact(a) && isExact(base) ? exactLogarithm(a, base, result) : undefined) ?? result;
}

/** log2(8) = 3, and log(0.01) = -2: the whole number that the result is near, where it is the very exponent. */
function exactLogarithm(a: exact.Rational, base: exact.Rational, near: real.Real): exact.Rational | undefined {
  const n = middle(near);
  const to = Number(exact.round(n));
  if (Math.abs(to) * Math.max(exact.bits(base.n), exact.bits(base.d)) > 2 * maxBits) return undefined;
  return exact.same(exact.power(base, to), a) ? exact.whole(to) : undefined;
}

/** The middle of a real number as a fraction. */
export function middle({ m, e }: real.Real): exact.Rational {
  return e >= 0 ? exact.whole(m << BigInt(e)) : exact.fraction(m, 1n << BigInt(-e));
}

/** Both ends of what a real number can be. */
export function ends({ m, e, r }: real.Real): [low: exact.Rational, high: exact.Rational] {
  return [middle({ m: m - r, e, r: 0n }), middle({ m: m + r, e, r: 0n })];
}

/** A whole number by `rule`, where all that the number can be gives the same. */
export function nearestWhole(value: real.Real, rule: (value: exact.Rational) => bigint): bigint {
  const [low, high] = ends(value).map(rule);
  if (low !== high) throw new real.Undecided();
  return low;
}

/** The operations by name. @throws ToolFailure, real.Undecided */
export const arithmetic = {
  add: (a: Value, b: Value, precision: number): Value => combined(a, b, precision, bothWhole, exact.add, real.add),
  subtract,
  multiply,
  divide: quotient,
  modulo,
  power,
};
