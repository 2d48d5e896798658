// What the stages minimise, as functions of a model and a batch. They know nothing of loops or optimizers.
// All of them return sums, so that accumulated micro-batches weigh every token (or pair) alike.
import type { TokenBatch } from '../data/types.js';
import { forward, outputWeight } from '../model/forward.js';
import type { Model } from '../model/model.js';
import { crossEntropy } from '../tensor/ops/cross-entropy.js';
import { crossEntropySum } from '../tensor/ops/cross-entropy-sum.js';
import { embedding } from '../tensor/ops/embedding.js';
import { linear } from '../tensor/ops/linear.js';
import {
  add,
  mul,
  neg,
  reshape,
  type Scalar,
  softplus,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tensor3d,
} from '../tensor/tf.js';

/**
 * Positions of the batch whose prediction counts: those with a weight. Where there are none, the first one stands in, with
 * its weight of 0, because not every backend computes with tensors that have no elements.
 */
function countedPositions(batch: TokenBatch): Int32Array {
  const positions = new Int32Array(batch.weights.length);
  let count = 0;
  for (let i = 0; i < positions.length; i++) if (batch.weights[i] !== 0) positions[count++] = i;
  return positions.subarray(0, Math.max(1, count));
}

interface CountedStates {
  /** [n, d], of the positions whose prediction counts. */
  hidden: Tensor2D;
  /** What follows them: int32 [n]. */
  targets: Tensor1D;
  positions: Int32Array;
}

function countedStates(model: Model, batch: TokenBatch): CountedStates {
  const { rows, columns } = batch;
  const positions = countedPositions(batch);
  const hidden = forward(model, {
    tokens: tensor1d(batch.tokens, 'int32'),
    positions: tensor1d(batch.positions, 'int32'),
    ranges: tensor3d(batch.ranges, [rows, columns, 2], 'int32'),
  });
  // Only the positions that count go through the output projection: most of a chat batch does not.
  const chosen = positions.length === hidden.shape[0] ? hidden : embedding(hidden, tensor1d(positions, 'int32'));
  const targets = tensor1d(
    positions.map((position) => batch.targets[position]),
    'int32',
  );
  return { hidden: chosen, targets, positions };
}

/**
 * Weighted sum of the negative log-likelihood over the batch, in nats; `zLoss` adds so many times (log Z)², Z the sum of
 * the exponentials of the logits, which keeps them from drifting (Chowdhery et al. 2022, PaLM, §5).
 */
export function negativeLogLikelihood(model: Model, batch: TokenBatch, zLoss = 0): Scalar {
  const { hidden, targets, positions } = countedStates(model, batch);
  const weights = tensor1d(Float32Array.from(positions, (position) => batch.weights[position]));
  const output = outputWeight(model);
  if (zLoss === 0) return crossEntropySum(hidden, output, targets, weights);
  const losses = crossEntropy(hidden, output, targets);
  // Each loss is log Z less the target's logit.
  const logZ = add(losses, sum(mul(hidden, embedding(output, targets)), 1));
  return sum(mul(add(losses, mul(mul(logZ, logZ), zLoss)), weights)) as Scalar;
}

/** log π of each sequence of the batch, summed over its counted tokens [sequences], and how many those are. */
export function sequenceLogProbabilities(
  model: Model,
  batch: TokenBatch,
): { logProbabilities: Tensor1D; counts: Float32Array } {
  const { hidden, targets, positions } = countedStates(model, batch);
  const losses = crossEntropy(hidden, outputWeight(model), targets);
  const sequences = batch.sequences.length;
  const counts = new Float32Array(sequences);
  const membership = new Float32Array(sequences * positions.length); // [sequences, n]
  positions.forEach((position, index) => {
    if (batch.weights[position] === 0) return;
    const owner = batch.owners[position];
    membership[owner * positions.length + index] = 1;
    counts[owner]++;
  });
  const sums = linear(reshape(losses, [1, -1]) as Tensor2D, tensor2d(membership, [sequences, positions.length]));
  return { logProbabilities: neg(reshape(sums, [sequences])) as Tensor1D, counts };
}

export interface DpoTerms {
  /** Σ over pairs of −log σ(β Δ). */
  loss: Scalar;
  /** β (log π − log π_ref), per pair. */
  chosenRewards: Tensor1D;
  rejectedRewards: Tensor1D;
}

/**
 * Direct preference optimisation (Rafailov et al. 2023, eq. 7): −log σ(β[(log π_w − log π_ref,w) − (log π_l − log π_ref,l)]).
 * All inputs [pairs], log-probabilities summed over each answer's tokens, its end token included.
 */
export function dpo(
  policyChosen: Tensor1D,
  policyRejected: Tensor1D,
  referenceChosen: Tensor1D,
  referenceRejected: Tensor1D,
  beta: number,
): DpoTerms {
  const chosenRewards = mul(sub(policyChosen, referenceChosen), beta) as Tensor1D;
  const rejectedRewards = mul(sub(policyRejected, referenceRejected), beta) as Tensor1D;
  const margins = sub(chosenRewards, rejectedRewards);
  return { loss: sum(softplus(neg(margins))) as Scalar, chosenRewards, rejectedRewards }; // −log σ(x) = softplus(−x)
}

/** Mean negative log-likelihood per token of each chosen answer, summed over the pairs: keeps their probability up. */
export function chosenLikelihoodLoss(logProbabilities: Tensor1D, counts: Float32Array): Scalar {
  const inverse = Float32Array.from(counts, (count) => -1 / Math.max(1, count));
  return sum(mul(logProbabilities, tensor1d(inverse))) as Scalar;
}

/** a + weight · b. */
export function weighted(a: Scalar, b: Scalar, weight: number): Scalar {
  return add(a, mul(b, weight)) as Scalar;
}
