// How far a reward may be followed: of n answers the one that it scores best is taken, and a program says what that is worth (gold).
// The more answers, the further the chosen ones are from the model's own: KL = ln n − (n − 1) / n. Gold rises first, and falls
// where the reward is followed past what it knows (Gao et al. 2022, arXiv 2210.10760).
import { type Estimate, pairedBootstrap, type Unit } from '../../base/statistics.js';

/** Answers to one prompt. */
export interface GoldGroup {
  id: string;
  /** By the reward that is judged. */
  scores: readonly number[];
  /** By a program: 0 to 1. */
  gold: readonly number[];
}

export interface BestOfNPoint {
  n: number;
  /** Nats. */
  kl: number;
  gold: number;
}

export interface BestOfN {
  points: BestOfNPoint[];
  prompts: number;
  /** What the best of the most answers is worth more than any answer. */
  gain: Estimate;
  /** KL at which gold is predicted to turn, in nats: by the fit, else where the points do; absent: not within what was measured. */
  turnsAt?: number;
}

/** Differences of gold that are none. */
const rounding = 1e-9;

export const klOfBest = (n: number): number => Math.log(n) - (n - 1) / n;

/** `groups` have equally many answers, and there are two groups or more. */
export function bestOfN(groups: readonly GoldGroup[]): BestOfN {
  const most = Math.min(...groups.map(({ scores }) => scores.length));
  const curves = groups.map((group) => expectedGold(group, most));
  const points = Array.from({ length: most }, (_, i): BestOfNPoint => {
    const gold = curves.reduce((sum, curve) => sum + curve[i], 0) / curves.length;
    return { n: i + 1, kl: klOfBest(i + 1), gold };
  });
  const units = (at: number): Unit[] => groups.map(({ id }, g) => ({ id, value: curves[g][at], weight: 1 }));
  const gain = pairedBootstrap(units(0), units(most - 1));
  const turnsAt = turningPoint(points) ?? topOf(points, (at) => pairedBootstrap(units(at), units(most - 1)));
  return { points, prompts: groups.length, gain, ...(turnsAt !== undefined && { turnsAt }) };
}

/**
 * Gold of the best-scored of n answers, for n = 1 … `most`, expected over all ways to draw n of those that there are: of N sorted
 * ones, the i-th is the best of a draw in C(i − 1, n − 1) of C(N, n) cases. Answers that score alike share their gold.
 */
function expectedGold({ scores, gold }: GoldGroup, most: number): number[] {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a] - scores[b]);
  const sorted = order.map((i) => {
    const alike = order.filter((j) => scores[j] === scores[i]);
    return alike.reduce((sum, j) => sum + gold[j], 0) / alike.length;
  });
  const count = sorted.length;
  return Array.from({ length: most }, (_, at) => {
    const n = at + 1;
    let share = n / count; // of the last one to be the best
    let sum = 0;
    for (let i = count; i >= n; i--) {
      sum += share * sorted[i - 1];
      share *= (i - n) / (i - 1 || 1); // C(i − 2, n − 1) / C(i − 1, n − 1)
    }
    return sum;
  });
}

/** Of a curve of another shape: its own top, where gold has fallen from there on beyond doubt. */
function topOf(points: readonly BestOfNPoint[], changeFrom: (at: number) => Estimate): number | undefined {
  const at = points.reduce((best, { gold }, i) => (gold > points[best].gold ? i : best), 0);
  return changeFrom(at).high < -rounding ? points[at].kl : undefined;
}

/** Where d (α − β d), d = √KL, fitted to the gain by least squares, has its top; undefined where nothing moves, or beyond the last point. */
function turningPoint(points: readonly BestOfNPoint[]): number | undefined {
  const [{ gold: start }] = points;
  let [s2, s3, s4, y1, y2] = [0, 0, 0, 0, 0];
  for (const { kl, gold } of points) {
    const d = Math.sqrt(kl);
    s2 += d ** 2;
    s3 += d ** 3;
    s4 += d ** 4;
    y1 += d * (gold - start);
    y2 += d * d * (gold - start);
  }
  if (points.every(({ gold }) => Math.abs(gold - start) < rounding)) return undefined;
  const determinant = s2 * s4 - s3 * s3;
  if (determinant === 0) return undefined;
  const alpha = (y1 * s4 - y2 * s3) / determinant;
  const beta = (y1 * s3 - y2 * s2) / determinant; // of −d²
  if (alpha <= 0) return 0;
  const top = beta > 0 ? (alpha / (2 * beta)) ** 2 : Number.POSITIVE_INFINITY;
  return top <= points[points.length - 1].kl ? top : undefined;
}
