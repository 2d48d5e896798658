// The model's states where a prediction counts: what every loss over tokens begins with. Only these leave the last layer and go
// through the output projection, for most of a chat batch does not count.
import type { TokenBatch } from '../../data/types.js';
import { type ForwardOptions, forward, modelInput } from '../../model/forward.js';
import type { Model } from '../../model/model.js';
import { embeddingNoise } from '../../model/noise.js';
import { type Tensor1D, type Tensor2D, tensor1d } from '../../tensor/tf.js';

export interface CountedStates {
  /** [n, d], of the positions whose prediction counts. */
  hidden: Tensor2D;
  /** What follows them: int32 [n]. */
  targets: Tensor1D;
  positions: Int32Array;
}

export function countedStates(model: Model, batch: TokenBatch, options: ForwardOptions): CountedStates {
  const positions = countedPositions(batch);
  const { noise } = options;
  const addToEmbeddings =
    noise && noise.neftune > 0 ? embeddingNoise(batch, model.config.hidden_size, noise) : undefined;
  const hidden = forward(model, modelInput(batch, positions), { ...options, addToEmbeddings });
  const targets = tensor1d(
    positions.map((position) => batch.targets[position]),
    'int32',
  );
  return { hidden, targets, positions };
}

/**
 * Positions of the batch that have a weight. Where there are none, the first one stands in, with its weight of 0, because
 * not every backend computes with tensors that have no elements.
 */
function countedPositions(batch: TokenBatch): Int32Array {
  const positions = new Int32Array(batch.weights.length);
  let count = 0;
  for (let i = 0; i < positions.length; i++) if (batch.weights[i] !== 0) positions[count++] = i;
  return positions.subarray(0, Math.max(1, count));
}
