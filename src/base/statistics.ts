// How far a measured figure can be trusted: 95 % intervals, from resampling what was measured or from repeated runs.
// The bootstrap (Efron 1979) resamples whole units of evidence; both sides of a difference are resampled together.
import { Random } from './random.js';

/**
 * One independent piece of evidence, such as a task or a document: a figure is Σ value / Σ weight over its units.
 * What hangs together (several wordings of one question) is one unit, or the interval would promise too much.
 */
export interface Unit {
  id: string;
  value: number;
  weight: number;
}

export interface Interval {
  low: number;
  high: number;
}

/** A mean with its 95 % interval; both ends are NaN where there are too few units to say. */
export interface Estimate extends Interval {
  mean: number;
}

const resamples = 2000;

/** Σ value / Σ weight; NaN without units. */
export function ratio(units: readonly Unit[]): number {
  let value = 0;
  let weight = 0;
  for (const unit of units) {
    value += unit.value;
    weight += unit.weight;
  }
  return value / weight;
}

/** The figure of `units` with its bootstrap interval. Equal units in equal order give equal ends. */
export function bootstrapMean(units: readonly Unit[], seed = 0): Estimate {
  const pool = units.every(isAllOrNothing) ? [...units, ...fill(units, 0, 2), ...fill(units, 1, 2)] : units;
  const values = resample(units.length, pool.length, seed, (chosen) => ratio(chosen.map((i) => pool[i])));
  return { mean: ratio(units), ...values };
}

/**
 * What `after` gained on `before`, over the units that both have: the units are drawn once and each side is measured
 * on the same draw, so that hard tasks are hard for both.
 */
export function pairedBootstrap(before: readonly Unit[], after: readonly Unit[], seed = 0): Estimate {
  const known = new Map(before.map((unit) => [unit.id, unit]));
  const b = after.filter(({ id }) => known.has(id));
  const a = b.map(({ id }) => known.get(id) as Unit);
  const isCount = [...a, ...b].every(isAllOrNothing);
  const poolA = isCount ? [...a, ...fill(a, 0, 1), ...fill(a, 1, 1)] : a;
  const poolB = isCount ? [...b, ...fill(b, 1, 1), ...fill(b, 0, 1)] : b;
  const gain = (chosen: readonly number[]): number =>
    ratio(chosen.map((i) => poolB[i])) - ratio(chosen.map((i) => poolA[i]));
  return { mean: ratio(b) - ratio(a), ...resample(a.length, poolA.length, seed, gain) };
}

/** Mean over repeated runs with Student's interval; with three runs it is wide, and rightly so. */
export function tInterval(values: readonly number[]): Estimate {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, low: Number.NaN, high: Number.NaN };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = tQuantile(n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half };
}

/** Right or wrong as a whole: then a small sample may by chance hold no failure, or no success, at all. */
function isAllOrNothing({ value, weight }: Unit): boolean {
  return value === 0 || value === weight;
}

/**
 * Made-up units of average weight that all fail (score 0) or all pass (score 1). Twenty right answers out of twenty do
 * not prove that no twenty-first is wrong, but resampling them can only give twenty again. Two passes and two failures
 * beside a share (Agresti & Coull 1998), one change each way beside a difference of shares (Agresti & Min 2005), correct it.
 */
function fill(units: readonly Unit[], score: 0 | 1, count: number): Unit[] {
  const weight = units.reduce((sum, unit) => sum + unit.weight, 0) / Math.max(1, units.length);
  return Array.from({ length: count }, () => ({ id: '', value: score * weight, weight }));
}

/**
 * The 2.5 and 97.5 % points of `measure` over draws with replacement from `size` units, moved outwards to cover what a
 * sample of `n` misses ("expanded percentile interval", Hesterberg 2015, section 4.2).
 */
function resample(n: number, size: number, seed: number, measure: (chosen: readonly number[]) => number): Interval {
  if (n < 2) return { low: Number.NaN, high: Number.NaN };
  const random = Random.stream(seed, 'bootstrap');
  const chosen = new Array<number>(size);
  const values = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < size; i++) chosen[i] = random.integer(0, size);
    values[r] = measure(chosen);
  }
  values.sort();
  const tail = normalTail(Math.sqrt(n / (n - 1)) * tQuantile(n - 1));
  return { low: quantile(values, tail), high: quantile(values, 1 - tail) };
}

/** Linear between neighbours. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

const z = 1.959963984540054;
const firstQuantiles = [12.706205, 4.302653, 3.182446, 2.776445];

/** The 97.5 % point of Student's t: a table, then the expansion in 1/ν (Abramowitz & Stegun 26.7.5), right to 3e-4. */
export function tQuantile(degrees: number): number {
  if (degrees <= firstQuantiles.length) return firstQuantiles[degrees - 1];
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  const g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160;
  return z + g1 / degrees + g2 / degrees ** 2 + g3 / degrees ** 3 + g4 / degrees ** 4;
}

/** P(Z > x) for x ≥ 0 (Abramowitz & Stegun 26.2.17), right to 1e-7. */
function normalTail(x: number): number {
  const t = 1 / (1 + 0.2316419 * x);
  const series = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = series.reduceRight((rest, coefficient) => t * (coefficient + rest), 0);
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}
