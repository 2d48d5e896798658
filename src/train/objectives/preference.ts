// Preference objectives over pairs of answers, with a little likelihood of the chosen one beside them: a preference loss
// alone is content when both log-probabilities fall as long as the gap grows. Another loss is a row of the table.
import { packPairs } from '../../data/sequences.js';
import { shuffledBatches } from '../../data/shuffled.js';
import type { TokenBatch, TokenSequence } from '../../data/types.js';
import type { Model } from '../../model/model.js';
import { embedding } from '../../tensor/ops/embedding.js';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '../../tensor/tf.js';
import { add, mul, neg, reshape, softplus, sub, sum, tensor1d } from '../../tensor/tf.js';
import type { LossContext, Objective } from '../objective.js';
import { sequenceLogProbabilities } from './sequence-log-probabilities.js';

/** An answer after its prompt, with loss on the answer only. */
export interface ReferencedSequence extends TokenSequence {
  /** log π_ref of the answer, summed over its tokens. */
  reference: number;
}

export interface PreferencePair {
  chosen: ReferencedSequence;
  rejected: ReferencedSequence;
}

/** Its owners are the chosen answers, then the rejected ones. Its weight is the number of pairs. */
export interface PairBatch extends TokenBatch {
  /** log π_ref by owner. */
  references: Float32Array;
}

/** One tensor or array [pairs] for each side. */
interface Sides<Values = Tensor1D> {
  chosen: Values;
  rejected: Values;
}

interface PreferenceTerms {
  beta: number;
  /** log π, summed over each answer's tokens, its end token included. */
  policy: Sides;
  /** Tokens of each answer, its end token included, for a loss by their mean: see `perToken`. */
  counts: Sides<Float32Array>;
  /** β (log π − log π_ref). */
  rewards: Sides;
  /** The reward of the chosen answer less that of the rejected one. */
  margins: Tensor1D;
}

/** By name: the loss of each pair [pairs], of ops that tensor/gradients.ts lists. */
export const preferenceLosses = {
  /** Direct preference optimisation (Rafailov et al. 2023, eq. 7): −log σ(margin). */
  sigmoid: ({ margins }) => softplus(neg(margins)), // −log σ(x) = softplus(−x)
} satisfies Record<string, (terms: PreferenceTerms) => Tensor>;

export interface PreferenceLossOptions {
  loss?: keyof typeof preferenceLosses;
  beta: number;
  /** Of the mean negative log-likelihood per token of each chosen answer, which keeps its probability up; 0: without. */
  sftWeight: number;
}

export interface PreferenceOptions extends PreferenceLossOptions {
  batchSize: number;
  padId: number;
  seed: number;
}

export function preferenceObjective(pairs: readonly PreferencePair[], options: PreferenceOptions) {
  const { batchSize: size, seed, padId } = options;
  const batches = shuffledBatches(pairs, { size, seed, name: 'pairs' });
  return {
    next: () => Promise.resolve(pairBatch(batches.next(), padId)),
    state: batches.state,
    restore: batches.restore,
    loss: (model, batch, context) => pairLoss(model, batch, options, context),
  } satisfies Objective<PairBatch>;
}

export function pairBatch(pairs: readonly PreferencePair[], padId: number): PairBatch {
  const sides = [...pairs.map(({ chosen }) => chosen), ...pairs.map(({ rejected }) => rejected)];
  const references = Float32Array.from(sides, ({ reference }) => reference);
  const batch = packPairs(
    pairs.map(({ chosen, rejected }) => [chosen, rejected]),
    { padId },
  );
  return { ...batch, weight: pairs.length, references };
}

/** The loss summed over the pairs. `counts`: tokens of each answer. */
export function preferenceLoss(
  policy: Sides,
  reference: Sides,
  counts: Sides<Float32Array>,
  { loss: name = 'sigmoid', beta, sftWeight }: PreferenceLossOptions,
): { loss: Scalar; terms: PreferenceTerms } {
  const reward = (side: keyof Sides): Tensor1D => mul(sub(policy[side], reference[side]), beta);
  const rewards = { chosen: reward('chosen'), rejected: reward('rejected') };
  const terms = { beta, policy, counts, rewards, margins: sub(rewards.chosen, rewards.rejected) as Tensor1D };
  const loss = sum(preferenceLosses[name](terms)) as Scalar;
  if (sftWeight === 0) return { loss, terms };
  return { loss: add(loss, mul(sum(perToken(policy.chosen, counts.chosen)), -sftWeight)), terms };
}

/** The mean over each answer's tokens of what is summed over them. */
function perToken(sums: Tensor1D, counts: Float32Array): Tensor1D {
  return mul(sums, tensor1d(counts.map((count) => 1 / Math.max(1, count))));
}

function pairLoss(
  model: Model,
  batch: PairBatch,
  options: PreferenceLossOptions,
  { record, ...pass }: LossContext,
): Scalar {
  const { weight: count, references } = batch;
  const { logProbabilities, counts: all } = sequenceLogProbabilities(model, batch, pass);
  // `embedding` is the differentiable way to pick rows.
  const column = reshape(logProbabilities, [2 * count, 1]) as Tensor2D;
  const half = (first: number): Tensor1D => {
    const ids = Int32Array.from({ length: count }, (_, i) => first + i);
    return reshape(embedding(column, tensor1d(ids, 'int32')), [count]);
  };
  const policy = { chosen: half(0), rejected: half(count) };
  const reference = { chosen: tensor1d(references.subarray(0, count)), rejected: tensor1d(references.subarray(count)) };
  const counts = { chosen: all.subarray(0, count), rejected: all.subarray(count) };
  const { loss, terms } = preferenceLoss(policy, reference, counts, options);
  record('rewards/chosen', terms.rewards.chosen);
  record('rewards/rejected', terms.rewards.rejected);
  record('rewards/margins', terms.margins);
  record('rewards/accuracies', terms.margins, (margin) => (margin > 0 ? 1 : 0));
  record('logps/chosen', policy.chosen);
  record('logps/rejected', policy.rejected);
  return loss;
}
