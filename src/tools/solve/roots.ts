// All roots of a polynomial of one unknown: fractions exactly, the others to many more digits than are written.
// Multiple roots are taken apart first (Yun 1976), the simple ones found together (Aberth 1973) in fixed point.
import * as exact from '../calculate/rational.js';
import { ToolFailure } from '../tool.js';
import { roundedBits } from './polynomial.js';

export interface Root {
  re: exact.Rational;
  /** 0 for a real root. */
  im: exact.Rational;
  /** Whether `re` is the root itself, not a number near to it. */
  exact: boolean;
  multiplicity: number;
}

/** Coefficients, lowest power first; the last is not 0. */
type Coefficients = exact.Rational[];

/**
 * @param coefficients lowest power first, the last not 0
 * @param isExact whether the coefficients are what they say, not numbers near to it
 * @returns real roots in order, then the others
 */
export function rootsOf(coefficients: Coefficients, isExact: boolean): Root[] {
  const factors = isExact ? squareFree(coefficients) : [coefficients];
  const roots = factors.flatMap((factor, i) =>
    simpleRoots(factor, isExact).map((root) => ({ ...root, multiplicity: i + 1 })),
  );
  const order = (a: Root, b: Root) =>
    Number(!exact.isZero(a.im)) - Number(!exact.isZero(b.im)) || exact.compare(a.re, b.re) || exact.compare(a.im, b.im);
  return (isExact ? roots : withoutTwins(roots)).sort(order);
}

/** The i-th (from 0) has the roots of multiplicity i + 1. */
function squareFree(a: Coefficients): Coefficients[] {
  const factors: Coefficients[] = [];
  const slope = derivative(a);
  const common = greatestCommon(a, slope);
  let [b, c] = [quotientOf(a, common), quotientOf(slope, common)];
  while (b.length > 1) {
    const d = difference(c, derivative(b));
    const factor = greatestCommon(b, d);
    factors.push(factor);
    [b, c] = [quotientOf(b, factor), quotientOf(d, factor)];
  }
  return factors;
}

const trimmed = (a: Coefficients): Coefficients => {
  const top = a.findLastIndex((each) => !exact.isZero(each));
  return a.slice(0, top + 1);
};
const derivative = (a: Coefficients): Coefficients =>
  a.slice(1).map((each, i) => exact.multiply(each, exact.whole(i + 1)));
const difference = (a: Coefficients, b: Coefficients): Coefficients =>
  trimmed(
    Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
      exact.subtract(a[i] ?? exact.zero, b[i] ?? exact.zero),
    ),
  );

function divided(a: Coefficients, b: Coefficients): { quotient: Coefficients; rest: Coefficients } {
  const rest = [...a];
  const quotient: Coefficients = [];
  for (let shift = a.length - b.length; shift >= 0; shift--) {
    const times = exact.divide(rest[shift + b.length - 1], b[b.length - 1]);
    quotient[shift] = times;
    for (const [i, each] of b.entries()) rest[shift + i] = exact.subtract(rest[shift + i], exact.multiply(times, each));
  }
  return { quotient, rest: trimmed(rest) };
}

const quotientOf = (a: Coefficients, b: Coefficients): Coefficients =>
  a.length < b.length ? [] : divided(a, b).quotient;

/** With 1 as the coefficient of its highest power. */
function greatestCommon(a: Coefficients, b: Coefficients): Coefficients {
  let [x, y] = [a, trimmed(b)];
  while (y.length > 0) {
    const top = y[y.length - 1];
    const monic = y.map((each) => exact.divide(each, top));
    [x, y] = [monic, divided(x, monic).rest];
  }
  const top = x[x.length - 1];
  return x.map((each) => exact.divide(each, top));
}

/** re + im·i in units of 2^-places. */
interface Complex {
  re: bigint;
  im: bigint;
}

/** Rounds of improvement: each doubles the digits at least where roots are simple. */
const maxRounds = 400;

function simpleRoots(coefficients: Coefficients, isExact: boolean): Omit<Root, 'multiplicity'>[] {
  const zeros = coefficients.findIndex((each) => !exact.isZero(each));
  const rest = wholeNumbers(coefficients.slice(zeros));
  const zero = { re: exact.zero, im: exact.zero, exact: isExact };
  const roots = isExact ? (zeros > 0 ? [zero] : []) : Array.from({ length: zeros }, () => zero);
  if (rest.length < 2) return roots;
  if (rest.length === 2) return [...roots, { re: exact.fraction(-rest[0], rest[1]), im: exact.zero, exact: isExact }];
  const { found, places } = approximateRoots(rest);
  return [...roots, ...found.map((root) => recognised(root, places, rest, isExact))];
}

/** A root as it is written: real where its imaginary part is only error, exact where a fraction near it is the root. */
function recognised(
  root: Complex,
  places: number,
  coefficients: bigint[],
  isExact: boolean,
): Omit<Root, 'multiplicity'> {
  const { re, im } = root;
  const unit = 1n << BigInt(places);
  const size = Math.max(exact.bits(re), exact.bits(im));
  // An error grows where roots lie close together: a third of the digits is for that.
  const isReal = exact.bits(im) < size - 100;
  if (!isReal) {
    const real = exact.bits(re) < size - 100 ? 0n : re;
    return { re: exact.fraction(real, unit), im: exact.fraction(im, unit), exact: false };
  }
  const top = coefficients[coefficients.length - 1];
  const near = exact.fraction(exact.round(exact.fraction(re * top, unit)), top);
  const gap = sizeOf(exact.subtract(near, exact.fraction(re, unit)));
  if (isExact && gap < sizeOf(near) - 100 && valueAt(coefficients, near) === 0n)
    return { re: near, im: exact.zero, exact: true };
  return { re: exact.fraction(re, unit), im: exact.zero, exact: false };
}

/** p(n / d)·d^degree */
function valueAt(coefficients: bigint[], { n, d }: exact.Rational): bigint {
  let [value, scale] = [0n, 1n];
  for (let i = coefficients.length - 1; i >= 0; i--) {
    value = value * n + coefficients[i] * scale;
    scale *= d;
  }
  return value;
}

function wholeNumbers(coefficients: Coefficients): bigint[] {
  const common = coefficients.reduce((least, { d }) => (least / exact.gcd(least, d)) * d, 1n);
  const all = coefficients.map(({ n, d }) => n * (common / d));
  const shared = all.reduce(exact.gcd);
  return all.map((each) => each / shared);
}

/** Of a polynomial of degree ≥ 2 whose roots are not 0. */
function approximateRoots(coefficients: bigint[]): { found: Complex[]; places: number } {
  const radii = startingRadii(coefficients);
  const places = 360 + 3 * Math.max(0, -Math.floor(radii[0]), Math.ceil(radii[radii.length - 1]));
  if (places > 4000) throw new ToolFailure('The coefficients are too far apart in size to find the roots.');
  const found = radii.map((radius, i) => startingPoint(radius, 0.4 + (2 * Math.PI * i) / radii.length, places));
  for (let round = 0; round < maxRounds; round++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (const [i, z] of found.entries()) {
      const step = improvement(coefficients, found, i, places);
      found[i] = { re: z.re - step.re, im: z.im - step.im };
      largest = Math.max(largest, bitsOf(step) - bitsOf(found[i]));
    }
    if (largest < -140) return { found, places };
  }
  throw new ToolFailure('The roots of this equation are too close together to be separated.');
}

const bitsOf = ({ re, im }: Complex): number => Math.max(exact.bits(re), exact.bits(im));

/** How far the i-th point is from its root: Newton's step, with the other points pushing it away from theirs. */
function improvement(coefficients: bigint[], points: readonly Complex[], i: number, places: number): Complex {
  const p = BigInt(places);
  const unit = 1n << p;
  const times = (a: Complex, b: Complex): Complex => ({
    re: (a.re * b.re - a.im * b.im) >> p,
    im: (a.re * b.im + a.im * b.re) >> p,
  });
  const over = (a: Complex, b: Complex): Complex | undefined => {
    const norm = b.re * b.re + b.im * b.im;
    if (norm === 0n) return undefined;
    return { re: ((a.re * b.re + a.im * b.im) << p) / norm, im: ((a.im * b.re - a.re * b.im) << p) / norm };
  };
  const z = points[i];
  let [value, slope]: Complex[] = [
    { re: 0n, im: 0n },
    { re: 0n, im: 0n },
  ];
  for (let k = coefficients.length - 1; k >= 0; k--) {
    const turned = times(slope, z);
    slope = { re: turned.re + value.re, im: turned.im + value.im };
    value = times(value, z);
    value = { re: value.re + (coefficients[k] << p), im: value.im };
  }
  const newton = over(value, slope);
  // At the top of a hill there is no slope to follow: a step aside.
  if (newton === undefined) return { re: z.im >> 3n, im: -(z.re >> 2n) };
  let push: Complex = { re: 0n, im: 0n };
  for (const [j, other] of points.entries()) {
    if (j === i) continue;
    const inverse = over({ re: unit, im: 0n }, { re: z.re - other.re, im: z.im - other.im });
    if (inverse !== undefined) push = { re: push.re + inverse.re, im: push.im + inverse.im };
  }
  const share = times(newton, push);
  return over(newton, { re: unit - share.re, im: -share.im }) ?? newton;
}

/** About how large each root is, as a power of two, least first: the slopes of Newton's polygon (Bini 1996). */
function startingRadii(coefficients: bigint[]): number[] {
  const points = coefficients.flatMap((each, k) => (each === 0n ? [] : [{ k, size: exact.bits(each) }]));
  const radii: number[] = [];
  for (let at = 0; at < points.length - 1; ) {
    const from = points[at];
    let next = at + 1;
    const slope = (i: number) => (points[i].size - from.size) / (points[i].k - from.k);
    for (let i = at + 2; i < points.length; i++) if (slope(i) >= slope(next)) next = i;
    for (let k = from.k; k < points[next].k; k++) radii.push(-slope(next));
    at = next;
  }
  return radii;
}

function startingPoint(radius: number, angle: number, places: number): Complex {
  const by = Math.floor(radius) + places - 52;
  const scaled = (share: number): bigint => {
    const n = BigInt(Math.round(share * 2 ** (radius - Math.floor(radius)) * 2 ** 52));
    return by >= 0 ? n << BigInt(by) : n >> BigInt(-by);
  };
  return { re: scaled(Math.cos(angle)), im: scaled(Math.sin(angle)) };
}

/**
 * Roots of rounded coefficients that are one: a root of multiplicity m falls apart into m that lie 2^(-bits / m) apart. Their
 * mean is as right as a simple root.
 */
function withoutTwins(roots: Root[]): Root[] {
  const kept: Root[] = [];
  for (let open = roots; open.length > 0; ) {
    const [first] = open;
    let twins = [first];
    for (let size = open.length; size > 1; size--) {
      const near = open.filter((each) => isNear(first, each, Math.min(roundedBits / size - 16, 120)));
      if (near.length === size) {
        twins = near;
        break;
      }
    }
    kept.push(twins.length === 1 ? first : meanOf(twins));
    open = open.filter((each) => !twins.includes(each));
  }
  return kept;
}

function meanOf(roots: Root[]): Root {
  const share = exact.fraction(1n, BigInt(roots.length));
  const mean = (part: 're' | 'im') => exact.multiply(roots.map((root) => root[part]).reduce(exact.add), share);
  const [re, im] = [mean('re'), mean('im')];
  const isReal = sizeOf(im) < sizeOf(re) - 100;
  const multiplicity = roots.reduce((sum, each) => sum + each.multiplicity, 0);
  return { re, im: isReal ? exact.zero : im, exact: false, multiplicity };
}

const sizeOf = ({ n, d }: exact.Rational): number =>
  n === 0n ? Number.NEGATIVE_INFINITY : exact.bits(n) - exact.bits(d);

function isNear(a: Root, b: Root, bits: number): boolean {
  const size = Math.max(sizeOf(a.re), sizeOf(a.im), sizeOf(b.re), sizeOf(b.im));
  const gap = Math.max(sizeOf(exact.subtract(a.re, b.re)), sizeOf(exact.subtract(a.im, b.im)));
  return gap <= size - Math.max(bits, 16);
}
