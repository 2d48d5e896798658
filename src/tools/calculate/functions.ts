// The functions of a calculator: exact where the result is a fraction, else to the precision that is asked for.
import { ToolFailure } from '../tool.js';
import * as exact from './rational.js';
import * as real from './real.js';
import {
  arithmetic,
  asReal,
  isExact,
  logarithmOf,
  nearestWhole,
  quotient,
  rootOf,
  signOf,
  type Value,
} from './value.js';

type Compute = (given: Value[], precision: number) => Value;

interface CalculatorFunction {
  least: number;
  most: number;
  compute: Compute;
}

const halfOf = (a: real.Real): real.Real => ({ ...a, e: a.e - 1 });
const unit: real.Real = { m: 1n, e: 0, r: 0n };

/** Of one real number; `at` names arguments for which the result is a fraction. */
function transcendental(
  compute: (a: real.Real, precision: number) => real.Real,
  at: readonly (readonly [number, number])[] = [[0, 0]],
): CalculatorFunction {
  const known = at.map(([x, y]) => [exact.whole(x), exact.whole(y)] as const);
  return {
    least: 1,
    most: 1,
    compute: ([a], precision) => {
      const found = isExact(a) ? known.find(([x]) => exact.same(x, a)) : undefined;
      return found === undefined ? compute(asReal(a, precision), precision) : found[1];
    },
  };
}

const one = (compute: Compute): CalculatorFunction => ({ least: 1, most: 1, compute });
const two = (compute: Compute): CalculatorFunction => ({ least: 2, most: 2, compute });
const several = (compute: Compute): CalculatorFunction => ({ least: 1, most: 1000, compute });

function inDomain(fits: boolean, words: string): void {
  if (!fits) throw new ToolFailure(words);
}

const sine = (a: real.Real, p: number) => real.sineAndCosine(a, p)[0];
const cosine = (a: real.Real, p: number) => real.sineAndCosine(a, p)[1];
const tangent = (a: real.Real, p: number) => real.divide(...real.sineAndCosine(a, p), p);

function arcSine(a: real.Real, p: number): real.Real {
  const rest = real.add(unit, real.negate(real.multiply(a, a, p)), p);
  inDomain(real.sign(rest) > 0, 'asin and acos need a number from -1 to 1.');
  return real.arcTangent(real.divide(a, real.squareRoot(rest, p), p), p);
}

/** (e^a ± e^-a) / 2 */
function hyperbolic(a: real.Real, p: number, plus: boolean): real.Real {
  // Near 0 the two cancel; the error says by how much, and a higher precision follows.
  const up = real.exponential(a, p);
  const down = real.divide(unit, up, p);
  return halfOf(real.add(up, plus ? down : real.negate(down), p));
}

const maxFactorial = 3000;

function factorial(value: Value): Value {
  const n = wholeOf(value, 'A factorial needs a whole number from 0.');
  inDomain(n >= 0n, 'A factorial needs a whole number from 0.');
  inDomain(n <= maxFactorial, `This factorial is too large: at most ${maxFactorial}!.`);
  return exact.whole(productOf(1n, n));
}

/** from·(from + 1)···to: halves of like size multiply fastest. */
function productOf(from: bigint, to: bigint): bigint {
  if (to - from > 8n) {
    const middle = (from + to) / 2n;
    return productOf(from, middle) * productOf(middle + 1n, to);
  }
  let product = 1n;
  for (let k = from; k <= to; k++) product *= k;
  return product;
}

/** n·(n − 1)···(n − k + 1), divided by k! where the order does not count. */
function choices([n, k]: Value[], ordered: boolean): Value {
  const words = 'Combinations and permutations need two whole numbers, n >= k >= 0.';
  const [from, taken] = [wholeOf(n, words), wholeOf(k, words)];
  inDomain(taken >= 0n && from >= taken, words);
  const steps = !ordered && from - taken < taken ? from - taken : taken;
  inDomain(
    steps <= maxFactorial && exact.bits(from) * Number(steps) <= real.maxExponent * 2,
    'These combinations are too many to count here.',
  );
  const product = productOf(from - steps + 1n, from);
  return exact.whole(ordered ? product : product / productOf(1n, steps));
}

function wholeOf(value: Value, words: string): bigint {
  inDomain(isExact(value) && exact.isWhole(value), words);
  return (value as exact.Rational).n;
}

/** To whole numbers by `rule`, or to so many decimal places. */
function rounding(rule: (value: exact.Rational) => bigint): CalculatorFunction {
  const compute: Compute = ([a, places], precision) => {
    const words = 'The second number of round is how many decimal places: a whole number from -100 to 100.';
    const digits = places === undefined ? 0 : Number(wholeOf(places, words));
    inDomain(Math.abs(digits) <= 100, words);
    const scale = exact.power(exact.whole(10), digits);
    const scaled = arithmetic.multiply(a, scale, precision);
    const n = isExact(scaled) ? rule(scaled) : nearestWhole(scaled, rule);
    return exact.divide(exact.whole(n), scale);
  };
  return { least: 1, most: 2, compute };
}

function extreme(wanted: 1 | -1): CalculatorFunction {
  return several((given, precision) =>
    given.reduce((best, each) => (signOf(arithmetic.subtract(each, best, precision)) === wanted ? each : best)),
  );
}

function divisors(combine: (a: bigint, b: bigint) => bigint, name: string): CalculatorFunction {
  return several((given) =>
    exact.whole(given.map((each) => wholeOf(each, `${name} needs whole numbers.`)).reduce(combine)),
  );
}

const total: Compute = (given, precision) => given.reduce((sum, each) => arithmetic.add(sum, each, precision));

const table: Record<string, CalculatorFunction> = {
  sqrt: one(([a], precision) => rootOf(a, 2, precision)),
  cbrt: one(([a], precision) => rootOf(a, 3, precision)),
  root: two(([a, degree], precision) => {
    const words = 'The second number of root is its degree: a whole number from 1 to 1000.';
    const n = wholeOf(degree, words);
    inDomain(n >= 1n && n <= 1000n, words);
    return rootOf(a, Number(n), precision);
  }),
  pow: two(([a, b], precision) => arithmetic.power(a, b, precision)),
  mod: two(([a, b], precision) => arithmetic.modulo(a, b, precision)),
  abs: one(([a], precision) => (signOf(a) < 0 ? arithmetic.subtract(exact.zero, a, precision) : a)),
  sign: one(([a]) => exact.whole(signOf(a))),
  round: rounding(exact.round),
  floor: rounding(exact.floor),
  ceil: rounding((a) => -exact.floor(exact.negate(a))),
  trunc: rounding((a) => a.n / a.d),
  min: extreme(-1),
  max: extreme(1),
  sum: several(total),
  mean: several((given, p) => quotient(total(given, p), exact.whole(given.length), p)),
  gcd: divisors(exact.gcd, 'gcd'),
  lcm: divisors((a, b) => {
    const common = exact.gcd(a, b);
    return common === 0n ? 0n : exact.magnitude((a / common) * b);
  }, 'lcm'),
  factorial: one(([a]) => factorial(a)),
  ncr: two((given) => choices(given, false)),
  npr: two((given) => choices(given, true)),
  exp: transcendental(real.exponential, [[0, 1]]),
  ln: one(([a], precision) => logarithmOf(a, undefined, precision)),
  log: {
    least: 1,
    most: 2,
    compute: ([a, base = exact.whole(10)], precision) => logarithmOf(a, base, precision),
  },
  log2: one(([a], precision) => logarithmOf(a, exact.whole(2), precision)),
  sin: transcendental(sine),
  cos: transcendental(cosine, [[0, 1]]),
  tan: transcendental(tangent),
  cot: transcendental((a, p) => real.divide(cosine(a, p), sine(a, p), p), []),
  sec: transcendental((a, p) => real.divide(unit, cosine(a, p), p), [[0, 1]]),
  csc: transcendental((a, p) => real.divide(unit, sine(a, p), p), []),
  asin: one(([a], p) => {
    // ±1, where the derivative has no bound.
    if (isExact(a) && exact.same(exact.absolute(a), exact.one)) {
      const half = halfOf(real.pi(p));
      return a.n > 0n ? half : real.negate(half);
    }
    return isExact(a) && exact.isZero(a) ? a : arcSine(asReal(a, p), p);
  }),
  acos: one(([a], p) => {
    if (isExact(a) && exact.same(exact.absolute(a), exact.one)) return a.n > 0n ? exact.zero : real.pi(p);
    return real.add(halfOf(real.pi(p)), real.negate(arcSine(asReal(a, p), p)), p);
  }),
  atan: transcendental(real.arcTangent),
  sinh: transcendental((a, p) => hyperbolic(a, p, false)),
  cosh: transcendental((a, p) => hyperbolic(a, p, true), [[0, 1]]),
  tanh: transcendental((a, p) => real.divide(hyperbolic(a, p, false), hyperbolic(a, p, true), p)),
};

/** Other names of the same. */
const synonyms: Record<string, string> = {
  lg: 'log',
  log10: 'log',
  power: 'pow',
  fact: 'factorial',
  ceiling: 'ceil',
  avg: 'mean',
  average: 'mean',
  hcf: 'gcd',
  c: 'ncr',
  comb: 'ncr',
  p: 'npr',
  perm: 'npr',
  arcsin: 'asin',
  arccos: 'acos',
  arctan: 'atan',
  fabs: 'abs',
  fmod: 'mod',
  sgn: 'sign',
  tg: 'tan',
  ctg: 'cot',
};

export const functionNames: readonly string[] = Object.keys(table);

/** The table's name for what was typed: case does not count, Python's `math.` has been taken away. */
export function functionOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (Object.hasOwn(table, lower)) return lower;
  return Object.hasOwn(synonyms, lower) ? synonyms[lower] : undefined;
}

/** @param name one of `functionNames` */
export const takesOne = (name: string): boolean => table[name].most === 1;

/** @param name one of `functionNames` */
export function callFunction(name: string, given: Value[], precision: number): Value {
  const { least, most, compute } = table[name];
  if (given.length < least || given.length > most) {
    const wanted = least === most ? `${least}` : most > 100 ? `at least ${least}` : `${least} or ${most}`;
    throw new ToolFailure(`${name} takes ${wanted} number${wanted === '1' ? '' : 's'}, not ${given.length}.`);
  }
  return compute(given, precision);
}

export { factorial };
