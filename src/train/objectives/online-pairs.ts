// Online DPO (Guo et al. 2024, arXiv 2402.04792): of the answers that the policy gave to a prompt, the best and the worst are a pair,
// and it is learnt as DPO learns one that people gave. Answers that are rewarded alike are no pair: nobody has said which is better.
import { Random } from '../../base/random.js';
import type { PreferenceConfig } from '../../config/preference.js';
import type { Metrics } from '../../report/event.js';
import { meanOf } from './advantages.js';
import { pairBatch } from './preference.js';
import {
  type AnswerGroup,
  advantagesOf,
  type BatchOptions,
  hasSpread,
  microBatches,
  type OnlineBatch,
  type PlacedAnswer,
  tokensOf,
  totalRewards,
} from './sampled-batches.js';

export interface PlacedPair {
  chosen: PlacedAnswer;
  rejected: PlacedAnswer;
  /** 0: it stands in for a pair, so that a micro-batch without one has something to be a pass over. */
  weight: number;
}

/** The pairs of one sampling in micro-batches, by step. */
export function pairsOf(groups: readonly AnswerGroup[], options: BatchOptions, seed: number): PlacedPair[][][] {
  const { online } = options;
  const order = Random.stream(seed, 'groups').shuffle(groups.map((_, group) => group));
  const ranks = advantagesOf(groups, options);
  const place = (group: number, i: number): PlacedAnswer => ({
    answer: groups[group].answers[i],
    row: group * options.samplesPerPrompt + i,
  });
  const pairOf = (group: number): PlacedPair | undefined => {
    const own = groups[group].answers.map((_, i) => ranks[group * options.samplesPerPrompt + i]);
    if (!hasSpread(own)) return undefined;
    const known = own.flatMap((rank, i) => (rank === undefined ? [] : [{ rank, i }]));
    const best = known.reduce((a, b) => (b.rank > a.rank ? b : a));
    const worst = known.reduce((a, b) => (b.rank < a.rank ? b : a));
    return { chosen: place(group, best.i), rejected: place(group, worst.i), weight: 1 };
  };
  return Array.from({ length: online.stepsPerSampling }, (_, step) => {
    const own = order.slice(step * online.promptsPerStep, (step + 1) * online.promptsPerStep);
    const pairs = own.flatMap((group) => pairOf(group) ?? []);
    const count = microBatches(options);
    return Array.from({ length: count }, (_, i) => {
      const part = pairs.slice(Math.round((i * pairs.length) / count), Math.round(((i + 1) * pairs.length) / count));
      return part.length > 0 ? part : [{ chosen: place(own[0], 0), rejected: place(own[0], 1), weight: 0 }];
    });
  });
}

/** A micro-batch with all that its loss reads. @param reference By row of the sampling: log π_ref of its counted tokens. */
export function pairedBatch(
  pairs: readonly PlacedPair[],
  reference: readonly (readonly number[])[],
  padId: number,
): OnlineBatch {
  const referenced = ({ answer, row }: PlacedAnswer) => ({ ...answer, reference: sumOf(reference[row]) });
  const rows = pairs.map(({ chosen, rejected, weight }) => {
    return { chosen: referenced(chosen), rejected: referenced(rejected), weight };
  });
  return { ...pairBatch(rows, padId), advantages: [] };
}

/** What the figures of its steps follow from: means over the answers of the pairs of one sampling. */
export interface PairMeans {
  reward: number;
  /** By how much the chosen answer was rewarded more. */
  margin: number;
  tokens: number;
}

/** Undefined without a pair. */
export function pairMeans(
  pairs: readonly PlacedPair[],
  groups: readonly AnswerGroup[],
  { scorers }: Pick<BatchOptions, 'scorers'>,
): PairMeans | undefined {
  const real = pairs.filter(({ weight }) => weight > 0);
  if (real.length === 0) return undefined;
  const totals = groups.flatMap((group) => totalRewards(group, scorers));
  const [chosen, rejected] = [
    meanOf(real.map((pair) => totals[pair.chosen.row])),
    meanOf(real.map((pair) => totals[pair.rejected.row])),
  ];
  const answers = real.flatMap((pair) => [pair.chosen.answer, pair.rejected.answer]);
  return { reward: (chosen + rejected) / 2, margin: chosen - rejected, tokens: meanOf(answers.map(tokensOf)) };
}

/**
 * Under TRL's names, of the answers in pairs, by what the loss has recorded of them; `kl` is ours, per token.
 * TRL: objective/scores is our `reward`, val/contain_eos_token is 1 − completions/clipped_ratio.
 */
export function pairFigures(
  { 'rewards/chosen': chosen, 'rewards/rejected': rejected }: Readonly<Record<string, number>>,
  { reward, margin, tokens }: PairMeans,
  { beta }: Pick<PreferenceConfig, 'beta'>,
): Metrics {
  if (chosen === undefined || rejected === undefined) return {};
  const distance = (chosen + rejected) / 2 / beta;
  return {
    'objective/kl': distance,
    'objective/non_score_reward': -beta * distance,
    'objective/rlhf_reward': reward - beta * distance,
    'objective/scores_margin': margin,
    kl: distance / Math.max(1, tokens),
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
