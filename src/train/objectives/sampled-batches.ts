// What one sampling of answers is to the steps that learn from it: how much better than its group each answer was rewarded, in
// micro-batches, and the figures that TRL logs of it.
import { Random } from '../../base/random.js';
import type { OnlineConfig, OnlineMethod } from '../../config/online.js';
import type { PolicyConfig } from '../../config/policy.js';
import { packSequences } from '../../data/sequences.js';
import type { TokenBatch, TokenSequence } from '../../data/types.js';
import type { Metrics } from '../../report/event.js';
import { centredInGroups, groupAdvantages, leaveOneOut, meanOf, mixedRewards, weightedSum } from './advantages.js';
import { answerFigures, rewardFigures } from './answer-figures.js';
import type { TokenCredit } from './critic.js';
import { policyWeight } from './policy-losses.js';
import type { PairBatch } from './preference.js';

/** An answer after its prompt, with loss on what the policy wrote. */
export interface SampledAnswer extends TokenSequence {
  loss: ArrayLike<number>;
  /** It did not run into the limit. */
  ended: boolean;
}

/** The answers to one prompt. */
export interface AnswerGroup {
  answers: readonly SampledAnswer[];
  /** By scorer, of each answer; undefined: it could not be scored. */
  rewards: readonly (readonly (number | undefined)[])[];
  /** What a program says of each, 0 to 1, whoever scores them: nothing is learnt from it. Absent: the prompt has no check. */
  right?: readonly number[];
}

/** Its owners are answers. Its weight is what the loss divides by. Of pairs it is what preference.ts takes, and has no advantages. */
export interface OnlineBatch extends TokenBatch, Partial<Pick<PairBatch, 'references' | 'pairWeights'>> {
  /** By answer. */
  advantages: readonly number[];
  /** log π of the counted tokens under the policy that sampled, where that is another by now; and under the reference. */
  old?: Float32Array;
  reference?: Float32Array;
  /** Of PPO, whose advantages are the tokens' own. */
  credit?: TokenCredit;
  /** The policy stays as it is: its critic learns first. */
  isWarmup?: boolean;
}

export interface RewardSource {
  name: string;
  weight: number;
}

export interface BatchOptions {
  method: OnlineMethod;
  policy: PolicyConfig;
  online: OnlineConfig;
  samplesPerPrompt: number;
  maxNewTokens: number;
  /** Answers of a micro-batch, or pairs of them. */
  batchSize: number;
  padId: number;
  scorers: readonly RewardSource[];
}

type StepShape = Pick<BatchOptions, 'method' | 'online' | 'samplesPerPrompt'>;

/** What a step learns from: answers, or pairs of them. */
export function rowsOfStep({ method, online, samplesPerPrompt }: StepShape): number {
  return online.promptsPerStep * (method === 'online-dpo' ? 1 : samplesPerPrompt);
}

/** Micro-batches of a step. */
export function microBatches(options: StepShape & Pick<BatchOptions, 'batchSize'>): number {
  return Math.ceil(rowsOfStep(options) / options.batchSize);
}

/** What an answer is worth in all; undefined where no scorer could score it. */
export function totalRewards({ rewards }: AnswerGroup, scorers: readonly RewardSource[]): (number | undefined)[] {
  return weightedSum(
    rewards,
    scorers.map(({ weight }) => weight),
  );
}

/** What an answer is learnt by where its group does not scale it further: that of one scorer as it is, those of several mixed. */
export function learntRewards(group: AnswerGroup, scorers: readonly RewardSource[]): (number | undefined)[] {
  if (scorers.length === 1) return totalRewards(group, scorers);
  return mixedRewards(
    group.rewards,
    scorers.map(({ weight }) => weight),
  );
}

/** Differences that are rounding. */
const minSpread = 1e-9;

/** Whether some answers of a group are rewarded more than others: without that nothing is to be learnt from them. */
export function hasSpread(totals: readonly (number | undefined)[]): boolean {
  const known = totals.filter((reward) => reward !== undefined);
  return known.length > 1 && Math.max(...known) - Math.min(...known) > minSpread;
}

/** The answers of one sampling in micro-batches, by step. Nothing is known of advantages yet. */
export function batchesOf(groups: readonly AnswerGroup[], options: BatchOptions, seed: number): PlacedAnswer[][][] {
  const { online, samplesPerPrompt, scorers } = options;
  const order = Random.stream(seed, 'groups').shuffle(groups.map((_, group) => group));
  return Array.from({ length: online.stepsPerSampling }, (_, step) => {
    const own = order.slice(step * online.promptsPerStep, (step + 1) * online.promptsPerStep);
    const answers = own.flatMap((group) => {
      const totals = totalRewards(groups[group], scorers);
      return groups[group].answers.flatMap((answer, i): PlacedAnswer[] =>
        totals[i] === undefined ? [] : [{ answer, row: group * samplesPerPrompt + i }],
      );
    });
    const count = microBatches(options);
    return Array.from({ length: count }, (_, i) =>
      answers.slice(Math.round((i * answers.length) / count), Math.round(((i + 1) * answers.length) / count)),
    );
  });
}

/** An answer, and its place among all of its sampling. */
export interface PlacedAnswer {
  answer: SampledAnswer;
  row: number;
}

/** The answers to a prompt read it once. */
export function packedAnswers(
  answers: readonly PlacedAnswer[],
  { padId, samplesPerPrompt }: Pick<BatchOptions, 'padId' | 'samplesPerPrompt'>,
): TokenBatch {
  const groups = new Map<number, number[]>();
  for (const [i, { row }] of answers.entries()) {
    const group = Math.floor(row / samplesPerPrompt);
    groups.set(group, [...(groups.get(group) ?? []), i]);
  }
  return packSequences(
    answers.map(({ answer }) => answer),
    { padId, groups: [...groups.values()] },
  );
}

/** The answer of each counted token, in the order in which a loss has them; where none counts, −1 of the one that stands in. */
export function countedOwners({ weights, owners }: TokenBatch): number[] {
  const counted = Array.from(owners).filter((_, cell) => weights[cell] !== 0);
  return counted.length === 0 ? [-1] : counted;
}

/**
 * How much more than its group each answer was rewarded, in the order of groups and answers; undefined: it is not to be learnt from.
 * @param distances Of each answer: Σ (log π − log π_ref), where that is paid with its reward.
 */
export function advantagesOf(
  groups: readonly AnswerGroup[],
  { method, policy, samplesPerPrompt: groupSize, scorers }: BatchOptions,
  distances?: readonly number[],
): readonly (number | undefined)[] {
  const { klWeight } = policy;
  if (method === 'rloo') {
    const totals = groups.flatMap((group) => learntRewards(group, scorers));
    const rewards = totals.map((total, i) =>
      total === undefined ? undefined : total - klWeight * (distances?.[i] ?? 0),
    );
    return leaveOneOut(rewards, groupSize).advantages;
  }
  const rewards = scorers.map((_, i) => groups.flatMap((group) => group.rewards[i]));
  const weights = scorers.map(({ weight }) => weight);
  // Several scorers count as their weights say only where each is normalised by itself.
  const mix = scorers.length > 1 ? 'normalize-then-sum' : 'sum-then-normalize';
  const { advantages } = groupAdvantages(rewards, { weights, groupSize, scale: policy.advantageScale, mix });
  if (distances === undefined) return advantages;
  // After the scaling: in a group that is rewarded (nearly) alike that would blow the distances up, whatever klWeight is.
  const paid = distances.map((distance, i) => (advantages[i] === undefined ? undefined : distance));
  const further = centredInGroups(paid, groupSize);
  return advantages.map((own, i) => (own === undefined ? undefined : own - klWeight * (further[i] ?? 0)));
}

/**
 * A micro-batch with all that its loss reads.
 * @param measured By row of the sampling: log π of its counted tokens.
 */
export function onlineBatch(
  answers: readonly PlacedAnswer[],
  advantages: readonly (number | undefined)[],
  { policy, maxNewTokens, ...layout }: Pick<BatchOptions, 'policy' | 'maxNewTokens' | 'padId' | 'samplesPerPrompt'>,
  { old, reference, credit }: { old?: TokenRows; reference?: TokenRows; credit?: Record<keyof TokenCredit, TokenRows> },
): OnlineBatch {
  const batch = packedAnswers(answers, layout);
  const tokens = answers.reduce((sum, { answer }) => sum + tokensOf(answer), 0);
  const weight = policyWeight(policy, { tokens, rows: answers.length, maxNewTokens });
  const owners = countedOwners(batch);
  const inOrder = (measured: TokenRows): Float32Array => {
    const next = answers.map(() => 0);
    return Float32Array.from(owners, (owner) => (owner < 0 ? 0 : measured[answers[owner].row][next[owner]++]));
  };
  return {
    ...{ ...batch, weight, advantages: answers.map(({ row }) => advantages[row] ?? 0) },
    ...(old !== undefined && { old: inOrder(old) }),
    ...(reference !== undefined && { reference: inOrder(reference) }),
    ...(credit !== undefined && {
      credit: {
        ...{ advantages: inOrder(credit.advantages), returns: inOrder(credit.returns) },
        values: inOrder(credit.values),
      },
    }),
  };
}

/** By row of a sampling, by counted token. */
type TokenRows = readonly (readonly number[])[];

/** Tokens that the policy wrote. */
export function tokensOf({ loss }: SampledAnswer): number {
  let count = 0;
  for (let i = 0; i < loss.length; i++) count += loss[i];
  return count;
}

/**
 * Under TRL's names, where it has one. Of all groups that were `drawn`, some may have given way to others.
 * @param distances As `advantagesOf` takes them: their mean over the tokens is `kl`.
 */
export function samplingFigures(
  groups: readonly AnswerGroup[],
  scorers: readonly RewardSource[],
  { alike, drawn, distances }: { alike: number; drawn: number; distances?: readonly number[] },
): Metrics {
  const totals = groups.map((group) => totalRewards(group, scorers));
  const same = totals.filter((own) => !hasSpread(own)).flat();
  const answers = groups.flatMap(({ answers: own }) => own);
  const right = groups.flatMap((group) => group.right ?? []);
  const lengths = answers.map(tokensOf);
  const isScored = totals.flat().map((reward) => reward !== undefined);
  const learnt = lengths.reduce((sum, length, i) => sum + (isScored[i] ? length : 0), 0);
  const missing = isScored.filter((is) => !is).length;
  return {
    ...rewardFigures(
      scorers.map((_, i) => groups.flatMap(({ rewards }) => [...rewards[i]])),
      {
        // One alone is the reward.
        names: scorers.length > 1 ? scorers.map(({ name }) => name) : [],
        weights: scorers.map(({ weight }) => weight),
        flatShare: alike / drawn,
      },
    ),
    ...(same.length > 0 && { 'rewards/alike': meanOf(same) }),
    ...(right.length > 0 && { 'rewards/right': meanOf(right) }),
    ...(missing > 0 && { 'rewards/missing': missing / answers.length }),
    ...(distances && { kl: distances.reduce((sum, distance) => sum + distance, 0) / Math.max(1, learnt) }),
    ...answerFigures(
      lengths,
      answers.map(({ ended }) => ended),
    ),
  };
}
