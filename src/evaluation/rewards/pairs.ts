// Held-out pairs of answers with the scores that somebody gave them, and what follows from those: how often the chosen answer
// scores higher, of which pairs, and how far a score follows the length of an answer.
import { bootstrapMean, type Estimate, quantile, type Unit } from '../../base/statistics.js';

export interface ScoredSide {
  text: string;
  /** Its length in tokens. */
  tokens: number;
  score: number;
  /** What a program says of it, where one can: 0 to 1. */
  gold?: number;
}

export interface ScoredPair {
  /** Pairs of one prompt share it, and are one piece of evidence. */
  group: string;
  /** What was asked, to be read. */
  prompt: string;
  chosen: ScoredSide;
  rejected: ScoredSide;
  /** By how much the chosen answer is better, where the row says. */
  margin?: number;
  language?: string;
}

export interface PairPart {
  /** 'all pairs', 'zh', 'the chosen answer is shorter', … */
  name: string;
  pairs: number;
  accuracy: Estimate;
}

/** By how much the chosen answer scores higher. */
export const gapOf = ({ chosen, rejected }: ScoredPair): number => chosen.score - rejected.score;

/** 1 where the chosen answer scores higher, 0.5 where both score alike. */
export const rightness = (gap: number): number => (gap === 0 ? 0.5 : Number(gap > 0));

/** One unit for each prompt. */
export function accuracyUnits(pairs: readonly ScoredPair[], gap: (pair: ScoredPair) => number = gapOf): Unit[] {
  const units = new Map<string, Unit>();
  for (const pair of pairs) {
    const { group: id } = pair;
    const unit = units.get(id) ?? { id, value: 0, weight: 0 };
    units.set(id, { id, value: unit.value + rightness(gap(pair)), weight: unit.weight + 1 });
  }
  return [...units.values()];
}

/** Parts of which a figure is given, `byScore` how far apart the scores are. Those that hold no pair are missing. */
export function partsOf(pairs: readonly ScoredPair[], { byScore = true } = {}): PairPart[] {
  const parts: [string, readonly ScoredPair[]][] = [['all pairs', pairs]];
  for (const language of [...new Set(pairs.flatMap((pair) => pair.language ?? []))].sort()) {
    parts.push([language, pairs.filter((pair) => pair.language === language)]);
  }
  const longer = ({ chosen, rejected }: ScoredPair): number => chosen.tokens - rejected.tokens;
  parts.push(['the chosen answer is shorter', pairs.filter((pair) => longer(pair) < 0)]);
  parts.push(['both are equally long', pairs.filter((pair) => longer(pair) === 0)]);
  parts.push(['the chosen answer is longer', pairs.filter((pair) => longer(pair) > 0)]);
  if (byScore) parts.push(...byThirds('scores', pairs, (pair) => Math.abs(gapOf(pair))));
  const withMargin = pairs.filter(({ margin }) => margin !== undefined);
  parts.push(...byThirds('given margins', withMargin, ({ margin = 0 }) => Math.abs(margin)));
  return parts.flatMap(([name, own]) =>
    own.length === 0 ? [] : [{ name, pairs: own.length, accuracy: bootstrapMean(accuracyUnits(own)) }],
  );
}

/** Near, middling and far apart; nothing where all are equally far. */
function byThirds(
  what: string,
  pairs: readonly ScoredPair[],
  of: (pair: ScoredPair) => number,
): [string, readonly ScoredPair[]][] {
  const sorted = Float64Array.from(pairs, of).sort();
  if (sorted.length < 3 || sorted[0] === sorted[sorted.length - 1]) return [];
  const [low, high] = [quantile(sorted, 1 / 3), quantile(sorted, 2 / 3)];
  return [
    [`${what}: the closest third`, pairs.filter((pair) => of(pair) <= low)],
    [`${what}: the middle third`, pairs.filter((pair) => of(pair) > low && of(pair) <= high)],
    [`${what}: the widest third`, pairs.filter((pair) => of(pair) > high)],
  ];
}

/** Rank correlation of what answers score with how long they are, of the two of a pair: 1 where the longer always scores higher. */
export function lengthCorrelation(pairs: readonly ScoredPair[]): number {
  const gaps = pairs.map(gapOf);
  const lengths = pairs.map(({ chosen, rejected }) => chosen.tokens - rejected.tokens);
  // Either answer may be called the first: that one of a pair was chosen has no part in it.
  const both = (values: readonly number[]): number[] => [...values, ...values.map((value) => -value)];
  return rankCorrelation(both(gaps), both(lengths));
}

/** How often the scores order two answers as the checks do, of pairs whose checks tell them apart; undefined without any. */
export function goldAgreement(pairs: readonly ScoredPair[]): { pairs: number; accuracy: Estimate } | undefined {
  const gold = ({ chosen, rejected }: ScoredPair): number => (chosen.gold ?? 0) - (rejected.gold ?? 0);
  const checked = pairs.filter((pair) => pair.chosen.gold !== undefined && gold(pair) !== 0);
  if (checked.length === 0) return undefined;
  const units = accuracyUnits(checked, (pair) => gapOf(pair) * Math.sign(gold(pair)));
  return { pairs: checked.length, accuracy: bootstrapMean(units) };
}

/** The pairs that are scored most wrongly, the worst first. */
export function worstPairs(pairs: readonly ScoredPair[], count: number): ScoredPair[] {
  return pairs
    .filter((pair) => gapOf(pair) < 0)
    .sort((a, b) => gapOf(a) - gapOf(b))
    .slice(0, count);
}

/** Spearman's: of the ranks, equal values sharing one; 0 where either does not vary. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  return correlation(ranksOf(a), ranksOf(b));
}

function ranksOf(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) ranks[order[i]] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - meanA) * (b[i] - meanB);
    aa += (a[i] - meanA) ** 2;
    bb += (b[i] - meanB) ** 2;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}
