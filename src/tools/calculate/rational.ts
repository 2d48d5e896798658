// Fractions of whole numbers of any size: sums, products and powers without rounding, as long as there is room for the digits.

/** n / d in lowest terms, d > 0. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

export const zero: Rational = { n: 0n, d: 1n };
export const one: Rational = { n: 1n, d: 1n };

export function whole(n: bigint | number): Rational {
  return { n: BigInt(n), d: 1n };
}

/** @param d not zero */
export function fraction(n: bigint, d: bigint): Rational {
  if (d === 1n) return { n, d };
  if (d > 1n && (d & (d - 1n)) === 0n) {
    // Of a power of two, such as rounded numbers have: no search for a common divisor.
    if (n === 0n) return zero;
    const by = BigInt(Math.min(bits(n & -n), bits(d)) - 1);
    return { n: n >> by, d: d >> by };
  }
  const common = gcd(n, d) * (d < 0n ? -1n : 1n);
  return { n: n / common, d: d / common };
}

export const add = (a: Rational, b: Rational): Rational =>
  a.d === b.d ? fraction(a.n + b.n, a.d) : fraction(a.n * b.d + b.n * a.d, a.d * b.d);
export const negate = (a: Rational): Rational => ({ n: -a.n, d: a.d });
export const subtract = (a: Rational, b: Rational): Rational => add(a, negate(b));
export const multiply = (a: Rational, b: Rational): Rational => fraction(a.n * b.n, a.d * b.d);
/** @param b not zero */
export const divide = (a: Rational, b: Rational): Rational =>
  // What divides evenly needs no common divisor, which takes long to find in large numbers.
  isWhole(a) && isWhole(b) && a.n % b.n === 0n ? whole(a.n / b.n) : fraction(a.n * b.d, a.d * b.n);
export const isWhole = (a: Rational): boolean => a.d === 1n;
export const isZero = (a: Rational): boolean => a.n === 0n;
export const same = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;
export const compare = (a: Rational, b: Rational): number => {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};
export const absolute = (a: Rational): Rational => ({ n: magnitude(a.n), d: a.d });

/** The greatest whole number that is not greater. */
export function floor({ n, d }: Rational): bigint {
  const quotient = n / d;
  return n < 0n && quotient * d !== n ? quotient - 1n : quotient;
}

/** To the nearest whole number; halves away from zero, as at school. */
export function round({ n, d }: Rational): bigint {
  const rounded = (2n * magnitude(n) + d) / (2n * d);
  return n < 0n ? -rounded : rounded;
}

/** @param exponent of at most some thousands: the caller has looked at the size of the result. */
export function power(base: Rational, exponent: number): Rational {
  const to = BigInt(Math.abs(exponent));
  const { n, d } = { n: base.n ** to, d: base.d ** to };
  if (exponent >= 0) return { n, d };
  return n < 0n ? { n: -d, d: -n } : { n: d, d: n };
}

export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [magnitude(a), magnitude(b)];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

export const magnitude = (n: bigint): bigint => (n < 0n ? -n : n);

/** How many bits |n| takes; 0 for 0. */
export function bits(n: bigint): number {
  if (n === 0n) return 0;
  const hex = magnitude(n).toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0], 16)) + 28;
}

/** log2 of n > 0, as a double says it. */
function logTwo(n: bigint): number {
  const excess = Math.max(0, bits(n) - 60);
  return Math.log2(Number(n >> BigInt(excess))) + excess;
}

/** The greatest whole number whose `degree`-th power is not greater than n. @param n ≥ 0 */
export function wholeRoot(n: bigint, degree: number): bigint {
  if (n < 2n) return n;
  const k = BigInt(degree);
  // From just above the root, as near as a double can say, each of Newton's steps doubles the digits.
  const size = logTwo(n) / degree;
  const places = Math.max(0, Math.floor(size) - 50);
  let x = (BigInt(Math.ceil(2 ** (size - places) * (1 + 1e-9))) + 1n) << BigInt(places);
  for (;;) {
    const next = ((k - 1n) * x + n / x ** (k - 1n)) / k;
    if (next >= x) return x;
    x = next;
  }
}

/** The exact `degree`-th root, where there is one. @param a ≥ 0 */
export function exactRoot(a: Rational, degree: number): Rational | undefined {
  if (degree > Math.max(bits(a.n), bits(a.d))) return same(a, one) || isZero(a) ? a : undefined;
  const [n, d] = [wholeRoot(a.n, degree), wholeRoot(a.d, degree)];
  const k = BigInt(degree);
  return n ** k === a.n && d ** k === a.d ? { n, d } : undefined;
}
