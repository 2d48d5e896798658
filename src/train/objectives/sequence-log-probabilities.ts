// How likely whole answers are: log π summed over the counted tokens of each sequence. What preference losses compare.
import type { TokenBatch } from '../../data/types.js';
import { type ForwardOptions, outputWeight } from '../../model/forward.js';
import type { Model } from '../../model/model.js';
import { crossEntropy } from '../../tensor/ops/cross-entropy.js';
import { linear } from '../../tensor/ops/linear.js';
import { neg, reshape, type Tensor1D, type Tensor2D, tensor2d } from '../../tensor/tf.js';
import { countedStates } from './counted-states.js';

/** log π of each sequence of the batch, summed over its counted tokens [sequences], and how many those are. */
export function sequenceLogProbabilities(
  model: Model,
  batch: TokenBatch,
  options: ForwardOptions = {},
): { logProbabilities: Tensor1D; counts: Float32Array } {
  const { hidden, targets, positions } = countedStates(model, batch, options);
  const losses = crossEntropy(hidden, outputWeight(model), targets);
  const sequences = batch.ids.length;
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
