// Numbers that no fraction is, to any precision: a middle and how far it can be off. Each step widens that error as it must,
// so that every digit printed is right, on every machine: Math.sin and its like differ from one to the next.
import { ToolFailure } from '../tool.js';
import { bits, magnitude, type Rational, wholeRoot } from './rational.js';

/** Between (m − r)·2^e and (m + r)·2^e. */
export interface Real {
  readonly m: bigint;
  readonly e: number;
  readonly r: bigint;
}

/** A question (which sign? which whole number?) that this precision cannot answer: worth another try with a higher one. */
export class Undecided extends Error {}

/** Largest |exponent of two|: about 10,000 decimal digits. */
export const maxExponent = 33_220;

const shift = (n: bigint, by: number): bigint => (by >= 0 ? n << BigInt(by) : n >> BigInt(-by));

/** Rounded to `precision` bits. */
function rounded({ m, e, r }: Real, precision: number): Real {
  const excess = Math.max(bits(m) - precision, bits(r) - precision);
  const size = bits(m) + e;
  if (size > maxExponent) throw new ToolFailure('The result is too large: it has more than 10,000 digits.');
  if (m !== 0n && size < -maxExponent) throw new ToolFailure('The result is too small: closer to 0 than 10^-10000.');
  if (excess <= 0) return { m, e, r };
  return { m: shift(m, -excess), e: e + excess, r: (r === 0n ? 0n : shift(r, -excess) + 1n) + 1n };
}

export function fromRational({ n, d }: Rational, precision: number): Real {
  if (d === 1n) return rounded({ m: n, e: 0, r: 0n }, precision);
  const by = Math.max(0, precision + bits(d) - bits(n));
  return rounded({ m: shift(n, by) / d, e: -by, r: 1n }, precision);
}

export const negate = ({ m, e, r }: Real): Real => ({ m: -m, e, r });

export function add(a: Real, b: Real, precision: number): Real {
  const e = Math.min(a.e, b.e);
  const [left, right] = [a.e - e, b.e - e];
  return rounded({ m: shift(a.m, left) + shift(b.m, right), e, r: shift(a.r, left) + shift(b.r, right) }, precision);
}

export function multiply(a: Real, b: Real, precision: number): Real {
  const r = magnitude(a.m) * b.r + magnitude(b.m) * a.r + a.r * b.r;
  return rounded({ m: a.m * b.m, e: a.e + b.e, r }, precision);
}

/** −1, 0 or 1. @throws Undecided where the error is larger than the number. */
export function sign({ m, r }: Real): number {
  if (m === 0n && r === 0n) return 0;
  if (magnitude(m) <= r) throw new Undecided();
  return m < 0n ? -1 : 1;
}

export function divide(a: Real, b: Real, precision: number): Real {
  const least = magnitude(b.m) - b.r;
  if (least <= 0n) throw new Undecided();
  const by = Math.max(0, precision + bits(b.m) - bits(a.m));
  const m = shift(a.m, by) / b.m;
  return rounded({ m, e: a.e - by - b.e, r: (shift(a.r, by) + magnitude(m) * b.r) / least + 2n }, precision);
}

/** @param a ≥ 0 */
export function squareRoot(a: Real, precision: number): Real {
  const least = a.m - a.r;
  if (least <= 0n) throw new Undecided();
  let by = Math.max(0, 2 * precision - bits(a.m));
  if ((a.e - by) % 2 !== 0) by++;
  const m = wholeRoot(shift(a.m, by), 2);
  // √(a + δ) − √a ≤ δ / √(a − δ)
  return rounded({ m, e: (a.e - by) / 2, r: shift(a.r, by) / (wholeRoot(shift(least, by), 2) + 1n) + 2n }, precision);
}

/** As a whole number of 2^-places, and how far off in the same unit. */
function fixed({ m, e, r }: Real, places: number): { x: bigint; off: bigint } {
  return { x: shift(m, e + places), off: shift(r, e + places) + (r === 0n ? 1n : 2n) };
}

/** atan(1 / n)·2^places, off by at most one for each of its terms. */
function arcCotangent(n: bigint, places: number): bigint {
  let power = (1n << BigInt(places)) / n;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += k % 4n === 1n ? power / k : -(power / k);
    power /= n * n;
  }
  return sum;
}

const constants = new Map<string, bigint>();

function constant(name: string, places: number, compute: () => bigint): bigint {
  const key = `${name} ${places}`;
  const found = constants.get(key) ?? compute();
  if (constants.size > 200) constants.clear();
  constants.set(key, found);
  return found;
}

const guard = 24;

/** π·2^places by Machin's formula, right to the last place but one. */
function fixedPi(places: number): bigint {
  return constant('pi', places, () => {
    const p = places + guard;
    return shift(16n * arcCotangent(5n, p) - 4n * arcCotangent(239n, p), -guard);
  });
}

/** ln 2·2^places = 2·artanh(1/3). */
function fixedLogTwo(places: number): bigint {
  return constant('log 2', places, () => {
    let power = (1n << BigInt(places + guard + 1)) / 3n;
    let sum = 0n;
    for (let k = 1n; power !== 0n; k += 2n, power /= 9n) sum += power / k;
    return shift(sum, -guard);
  });
}

export const pi = (precision: number): Real => ({ m: fixedPi(precision), e: -precision, r: 2n });

export function exponential(a: Real, precision: number): Real {
  if (bits(a.m) + a.e > 15) {
    if (magnitude(a.m) <= a.r) throw new Undecided();
    throw new ToolFailure(`The result is too ${a.m > 0n ? 'large' : 'small'}: it has more than 10,000 digits.`);
  }
  // e^x = 2^k · e^y with |y| ≤ ln 2 / 2, and e^y = (e^(y/2^s))^(2^s).
  const halvings = 16;
  const places = precision + 2 * halvings + guard;
  const { x, off } = fixed(a, places);
  const logTwo = fixedLogTwo(places);
  const k = Number((2n * x + logTwo) / (2n * logTwo)) - (2n * x + logTwo < 0n ? 1 : 0);
  const y = shift(x - BigInt(k) * logTwo, -halvings);
  const unit = 1n << BigInt(places);
  let [term, sum] = [unit, unit];
  for (let i = 1n; term !== 0n && term !== -1n; i++) {
    term = shift(term * y, -places) / i;
    sum += term;
  }
  for (let i = 0; i < halvings; i++) sum = shift(sum * sum, -places);
  // Each squaring doubles the relative error; that of the argument passes on as it is.
  const r = shift(sum * (off + BigInt(Math.abs(k)) + 2n), 1 - places) + (1n << BigInt(halvings + 10));
  if (bits(off) > places - 2) throw new Undecided();
  return rounded({ m: sum, e: k - places, r }, precision);
}

/** The natural logarithm. @param a > 0 */
export function logarithm(a: Real, precision: number): Real {
  if (a.m - a.r <= 0n) throw new Undecided();
  // a = 2^k · z, z about 1; ln z = 2·artanh((z − 1) / (z + 1)), after square roots that bring z nearer to 1.
  const roots = 8;
  const places = precision + guard + 2 * roots + 16;
  const k = bits(a.m) + a.e;
  let z = shift(a.m, places - bits(a.m));
  const unit = 1n << BigInt(places);
  for (let i = 0; i < roots; i++) z = wholeRoot(z << BigInt(places), 2);
  const ratio = shift(z - unit, places) / (z + unit);
  const square = shift(ratio * ratio, -places);
  let [power, sum] = [ratio, 0n];
  for (let i = 1n; power !== 0n && power !== -1n; i += 2n) {
    sum += power / i;
    power = shift(power * square, -places);
  }
  const m = shift(sum, roots + 1) + BigInt(k) * fixedLogTwo(places);
  const off = a.r === 0n ? 0n : shift(a.r, places) / (a.m - a.r) + 1n;
  return rounded({ m, e: -places, r: off + BigInt(Math.abs(k)) + (1n << BigInt(roots + 10)) }, precision);
}

/** Sine and cosine. @param a in radians */
export function sineAndCosine(a: Real, precision: number): [sine: Real, cosine: Real] {
  const size = bits(a.m) + a.e;
  if (size > 1000) throw new ToolFailure('This angle is too large: at most 10^300.');
  const halvings = 12;
  const places = precision + guard + 2 * halvings;
  // The quarter turns are taken away with as many places of π as the angle has digits.
  const more = Math.max(0, size) + 8;
  const { x, off } = fixed(a, places + more);
  const quarter = shift(fixedPi(places + more), -1);
  const turns = (2n * x + quarter) / (2n * quarter) - (2n * x + quarter < 0n ? 1n : 0n);
  const y = shift(x - turns * quarter, -more - halvings);
  // sin y and 1 − cos y (which keeps the digits of a small angle) by their series, then doubled back.
  const unit = 1n << BigInt(places);
  const square = shift(y * y, -places);
  let [sine, versed] = [0n, 0n];
  let [odd, even] = [y, square / 2n];
  for (let i = 2n; (odd !== 0n && odd !== -1n) || (even !== 0n && even !== -1n); i += 2n) {
    sine += odd;
    versed += even;
    odd = -shift(odd * square, -places) / (i * (i + 1n));
    even = -shift(even * square, -places) / ((i + 1n) * (i + 2n));
  }
  for (let i = 0; i < halvings; i++) {
    sine = shift(sine * (unit - versed), 1 - places);
    versed = shift(versed * (2n * unit - versed), 1 - places);
  }
  const r = shift(off, -more) + (1n << BigInt(2 * halvings + 10));
  const s = { m: sine, e: -places, r };
  const c = { m: unit - versed, e: -places, r };
  const turned = [
    [s, c],
    [c, negate(s)],
    [negate(s), negate(c)],
    [negate(c), s],
  ][Number(((turns % 4n) + 4n) % 4n)];
  return [rounded(turned[0], precision), rounded(turned[1], precision)];
}

/** Between −π/2 and π/2. */
export function arcTangent(a: Real, precision: number): Real {
  const places = precision + guard + 24;
  const unit = { m: 1n, e: 0, r: 0n };
  if (bits(a.m) + a.e > 1 && magnitude(a.m) > a.r) {
    const inverse = arcTangent(divide(unit, a, places), precision + 8);
    const half = { ...pi(places), e: -places - 1 };
    return add(a.m < 0n ? negate(half) : half, negate(inverse), precision);
  }
  // atan x = 2·atan(x / (1 + √(1 + x²))), until x is small.
  const halvings = 8;
  let x = a;
  for (let i = 0; i < halvings; i++) {
    const root = squareRoot(add(unit, multiply(x, x, places), places), places);
    x = divide(x, add(unit, root, places), places);
  }
  const { x: f, off } = fixed(x, places);
  const square = shift(f * f, -places);
  let [power, sum] = [f, 0n];
  for (let i = 1n; power !== 0n && power !== -1n; i += 2n) {
    sum += i % 4n === 1n ? power / i : -(power / i);
    power = shift(power * square, -places);
  }
  return rounded({ m: sum, e: halvings - places, r: off + 1024n }, precision);
}
