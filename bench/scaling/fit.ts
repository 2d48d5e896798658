// The fits: a parabola through the losses of one budget, whose lowest point is the best size, and power laws through
// those. Least squares throughout; an interval is what the scatter about the fit allows (Student's t).
import { Random } from '../../src/base/random.js';
import { type Estimate, type Interval, tQuantile } from '../../src/base/statistics.js';

type Point = readonly [x: number, y: number];

export interface PowerLaw {
  /** y = factor · x^exponent + floor. */
  factor: number;
  exponent: Estimate;
  floor: number;
  /** Measured / fitted − 1, in the order of the points. */
  residuals: number[];
}

export function valueAt({ factor, exponent, floor }: PowerLaw, x: number): number {
  return factor * x ** exponent.mean + floor;
}

/** A straight line through the logarithms, of y less a floor that is given. */
export function fitPowerLaw(points: readonly Point[], floor = 0): PowerLaw {
  const logs = points.map(([x, y]): Point => [Math.log(x), Math.log(y - floor)]);
  const n = logs.length;
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / n;
  const spread = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const squares = logs.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  const half = n > 2 ? tQuantile(n - 2) * Math.sqrt(squares / (n - 2) / spread) : Number.NaN;
  const law = {
    factor: Math.exp(meanY - slope * meanX),
    exponent: { mean: slope, low: slope - half, high: slope + half },
    floor,
  };
  return { ...law, residuals: points.map(([x, y]) => y / valueAt({ ...law, residuals: [] }, x) - 1) };
}

/** The floor is whatever leaves the smallest residuals, 0 where a pure power law is as good. */
export function fitPowerLawWithFloor(points: readonly Point[]): PowerLaw {
  const lowest = Math.min(...points.map(([, y]) => y));
  const misfit = (law: PowerLaw): number => law.residuals.reduce((sum, r) => sum + r * r, 0);
  const laws = Array.from({ length: 1000 }, (_, i) => fitPowerLaw(points, (lowest * i) / 1000));
  return laws.reduce((best, law) => (misfit(law) < misfit(best) ? law : best));
}

/** y = floor + curvature · ln²(x / best). */
export interface Valley {
  best: number;
  floor: number;
  curvature: number;
}

/** A parabola in ln x by the normal equations (Cramer's rule, x centred); undefined where it has no lowest point. */
export function fitValley(points: readonly Point[]): Valley | undefined {
  const centre = points.reduce((sum, [x]) => sum + Math.log(x), 0) / points.length;
  const moments = [0, 0, 0, 0, 0];
  const right = [0, 0, 0];
  for (const [x, y] of points) {
    const u = Math.log(x) - centre;
    for (let power = 0; power < 5; power++) moments[power] += u ** power;
    for (let power = 0; power < 3; power++) right[power] += y * u ** power;
  }
  const columns = [0, 1, 2].map((column) => [0, 1, 2].map((row) => moments[row + column]));
  const whole = determinant(columns);
  const [a, b, c] = columns.map((_, k) => determinant(columns.map((each, i) => (i === k ? right : each))) / whole);
  if (!(c > 0)) return undefined;
  const lowest = -b / (2 * c);
  return { best: Math.exp(centre + lowest), floor: a + (b * lowest) / 2, curvature: c };
}

function determinant([a, b, c]: readonly (readonly number[])[]): number {
  const minor = (i: number, j: number): number => b[i] * c[j] - b[j] * c[i];
  return a[0] * minor(1, 2) - a[1] * minor(0, 2) + a[2] * minor(0, 1);
}

const draws = 2000;

/** Where the best size may lie when each loss could as well have come out otherwise by `noise`, one standard deviation. */
export function bestInterval(points: readonly Point[], noise: number): Interval {
  const random = Random.stream(0, 'valley');
  const found = Array.from({ length: draws }, () => {
    const moved = points.map(([x, y]): Point => [x, y + noise * random.normal()]);
    return fitValley(moved)?.best ?? Number.POSITIVE_INFINITY;
  }).sort((a, b) => a - b);
  return { low: found[Math.floor(0.025 * draws)], high: found[Math.ceil(0.975 * draws) - 1] };
}

/** Standard deviation of repeats about their group's mean, over all groups. */
export function pooledDeviation(groups: readonly (readonly number[])[]): number {
  let squares = 0;
  let degrees = 0;
  for (const values of groups) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    squares += values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    degrees += values.length - 1;
  }
  return Math.sqrt(squares / degrees);
}
