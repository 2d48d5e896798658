// The objective of pairs of answers: DPO and its kin beside a reference, CPO, ORPO, SimPO and AlphaPO without one. With a
// little likelihood of the chosen answer beside it where that is asked for: a preference loss alone is content when both
// log-probabilities fall as long as the gap grows. The formulas are in pair-losses.ts and reference-free.ts.
import { UserError } from '../../base/errors.js';
import type { MethodName, PreferenceConfig } from '../../config/preference.js';
import { packPairs } from '../../data/sequences.js';
import { shuffledBatches } from '../../data/shuffled.js';
import type { TokenBatch, TokenSequence } from '../../data/types.js';
import type { Model } from '../../model/model.js';
import { add, mul, type Scalar, sub, sum, type Tensor1D, tensor1d } from '../../tensor/tf.js';
import { type LossContext, type Objective, undivided } from '../objective.js';
import { divergenceScores } from './divergence.js';
import {
  isSorting,
  type LearntTokens,
  learntTokens,
  type PairFigures,
  type PairValues,
  perToken,
  sides,
  tokensIn,
  weightedLosses,
} from './pair-losses.js';
import { oddsRatio, referenceFree } from './reference-free.js';
import { elements, groupedLogProbabilities, ownerOf, recordTokenFigures } from './sequence-log-probabilities.js';

/** An answer after its prompt, with loss on the answer only. */
export interface ReferencedSequence extends TokenSequence {
  /** log π_ref of the answer, summed over its tokens; read by methods that need one. */
  reference: number;
}

export interface PreferencePair {
  chosen: ReferencedSequence;
  rejected: ReferencedSequence;
  /** Of its loss; default: 1. */
  weight?: number;
}

/** Its owners are the chosen answers, then the rejected ones. Its weight is the sum of the pairs' own. */
export interface PairBatch extends TokenBatch {
  /** log π_ref by owner. */
  references: Float32Array;
  /** By pair. */
  pairWeights: Float32Array;
  pairs: readonly PreferencePair[];
  /** Where it is a part of a micro-batch. */
  learnt?: LearntTokens;
  /** The first token of each answer, by owner, where the prompts of the chosen ones are learnt too (orpo). */
  answerStarts?: Int32Array;
}

export interface PreferenceOptions {
  preference: PreferenceConfig;
  batchSize: number;
  padId: number;
  seed: number;
}

export function preferenceObjective(pairs: readonly PreferencePair[], options: PreferenceOptions) {
  const { batchSize: size, seed, padId, preference } = options;
  checkWeights(pairs, preference);
  const batches = shuffledBatches(pairs, { size, seed, name: 'pairs' });
  const isCompared = preference.losses.some(({ name }) => isSorting(name));
  return {
    division: isCompared
      ? undivided
      : {
          units: ({ pairWeights }) => pairWeights.length,
          part: (batch, begin, end) => partOf(batch, { begin, end }, padId, preference),
        },
    next: () => Promise.resolve(pairBatch(batches.next(), padId, preference)),
    state: batches.state,
    restore: batches.restore,
    loss: (model, batch, context) => pairLoss(model, batch, preference, context),
  } satisfies Objective<PairBatch>;
}

export function pairBatch(
  pairs: readonly PreferencePair[],
  padId: number,
  { method }: { method?: MethodName } = {},
): PairBatch {
  const sequences = [...pairs.map(({ chosen }) => chosen), ...pairs.map(({ rejected }) => rejected)];
  const references = Float32Array.from(sequences, ({ reference }) => reference);
  const pairWeights = Float32Array.from(pairs, ({ weight = 1 }) => weight);
  const weight = pairWeights.reduce((total, each) => total + each, 0);
  const figures = { weight, references, pairWeights, pairs };
  if (method !== 'orpo') {
    const own = pairs.map(({ chosen, rejected }) => [chosen, rejected] as const);
    return { ...packPairs(own, { padId }), ...figures };
  }
  const learnt = pairs.map(({ chosen, rejected }) => [withPrompt(chosen), rejected] as const);
  const answerStarts = Int32Array.from(sequences, ({ loss }) => Array.from(loss ?? []).indexOf(1));
  return { ...packPairs(learnt, { padId }), ...figures, answerStarts };
}

/** Some of the pairs, whose loss is their share of the whole micro-batch's. */
function partOf(
  batch: PairBatch,
  { begin, end }: { begin: number; end: number },
  padId: number,
  preference: PreferenceConfig,
): PairBatch {
  const { weights, owners, pairs, weight } = batch;
  if (begin === 0 && end === pairs.length) return batch;
  let tokens = 0;
  for (const [position, each] of weights.entries()) if (each !== 0 && owners[position] < pairs.length) tokens++;
  tokens = Math.max(1, tokens);
  const part = pairBatch(pairs.slice(begin, end), padId, preference);
  return { ...part, learnt: { perPair: tokens / pairs.length, divisor: (tokens * part.weight) / weight } };
}

/** Its prompt counts, too; what a tool said within the answer does not. */
function withPrompt<Sequence extends TokenSequence>(sequence: Sequence): Sequence {
  const { loss } = sequence;
  if (loss === undefined) return sequence;
  const start = Array.from(loss).indexOf(1);
  return { ...sequence, loss: Array.from(loss, (weight, i) => (i < start ? 1 : weight)) };
}

/** What a loss compares whole batches by has no weight of one pair. */
function checkWeights(pairs: readonly PreferencePair[], { losses }: PreferenceConfig): void {
  const sorting = losses.find(({ name }) => isSorting(name));
  if (sorting === undefined || pairs.every(({ weight = 1 }) => weight === 1)) return;
  throw new UserError({
    where: 'align.data',
    what: `${sorting.name} cannot weigh one pair more than another`,
    why: 'it compares the sorted answers of a whole micro-batch, in which no pair keeps its place',
    next: 'Give all of `data` one weight, or choose another `loss`',
  });
}

/** The loss of each pair, of any method of pairs. */
export function preferenceLoss(values: PairValues, preference: PreferenceConfig): PairFigures {
  if (preference.method === 'orpo') return oddsRatio(values, preference);
  if (preference.method === 'simpo' || preference.method === 'alphapo' || preference.method === 'cpo') {
    return referenceFree(values, preference);
  }
  const { policy, reference, counts } = values;
  const { beta, fDivergence, fDivergenceAlpha, sftWeight, discopopTau } = preference;
  const ratios = sides((side) => sub(policy[side], reference[side]) as Tensor1D);
  const scores = sides((side) => divergenceScores(ratios[side], fDivergence, fDivergenceAlpha));
  const meanChosen = learntTokens(values).perPair;
  const terms = { beta, discopopTau, policy, reference, counts, meanChosen, ratios, scores };
  const own = weightedLosses(terms, preference);
  const losses = sftWeight > 0 ? add(own, mul(perToken(policy.chosen, counts.chosen), -sftWeight)) : own;
  const rewards = sides((side) => mul(ratios[side], beta) as Tensor1D);
  const figures = { 'loss/preference': own, 'logps/chosen': policy.chosen, 'logps/rejected': policy.rejected };
  return { losses: losses as Tensor1D, rewards, figures };
}

/** The loss of a micro-batch of pairs, summed. */
export function pairLoss(
  model: Model,
  batch: Omit<PairBatch, 'pairs'>,
  preference: PreferenceConfig,
  { record, ...pass }: LossContext,
): Scalar {
  const { references, pairWeights } = batch;
  const count = pairWeights.length;
  const { sums, counts: all, tokens } = groupedLogProbabilities(model, batch, groupsOf(batch, count), pass);
  const values: PairValues = {
    policy: { chosen: elements(sums, 0, count), rejected: elements(sums, count, count) },
    reference: { chosen: tensor1d(references.subarray(0, count)), rejected: tensor1d(references.subarray(count)) },
    counts: { chosen: all.subarray(0, count), rejected: all.subarray(count, 2 * count) },
    learnt: batch.learnt,
  };
  if (batch.answerStarts !== undefined) {
    const prompts = elements(sums, 2 * count, count);
    const learnt = tokensIn(all) - tokensIn(values.counts.rejected);
    values.whole = { sum: add(sum(values.policy.chosen), sum(prompts)) as Scalar, count: learnt };
  }
  const { losses, rewards, figures } = preferenceLoss(values, preference);
  const margins = sub(rewards.chosen, rewards.rejected);
  const weights = pairWeights;
  record('rewards/chosen', rewards.chosen, { weights });
  record('rewards/rejected', rewards.rejected, { weights });
  record('rewards/margins', margins, { weights });
  record('rewards/accuracies', margins, { weights, each: (margin) => (margin > 0 ? 1 : 0) });
  for (const [name, value] of Object.entries(figures)) {
    record(name, value, { weights: value.size === count ? weights : [batch.weight] });
  }
  recordTokenFigures(record, tokens, (group) =>
    group < count ? 'chosen' : group < 2 * count ? 'rejected' : undefined,
  );
  const isPlain = pairWeights.every((weight) => weight === 1);
  return sum(isPlain ? losses : mul(losses, tensor1d(pairWeights))) as Scalar;
}

/** Each chosen answer, each rejected one, and, where that is learnt too, the prompt of each chosen one. */
function groupsOf(batch: Omit<PairBatch, 'pairs'>, count: number) {
  const starts = batch.answerStarts;
  return {
    groups: starts === undefined ? 2 * count : 3 * count,
    groupOf: (position: number): number => {
      const owner = ownerOf(batch, position);
      const isPrompt = owner >= 0 && starts !== undefined && batch.positions[position] + 1 < starts[owner];
      return isPrompt ? 2 * count + owner : owner;
    },
  };
}
