// The randomness of a training pass: what adapters drop, and what is added to embeddings. It follows from seed, step and place
// alone, so that a layer that is computed again and a training that is resumed draw the same. Evaluation has none.
import { type HashKey, hashAt, hashKey } from '../base/random.js';
import { type Tensor2D, tensor2d } from '../tensor/tf.js';

export interface Noise {
  /** Share of an adapter's inputs that is set to zero. */
  dropout: number;
  /** α of the noise on embeddings (Jain et al. 2023, "NEFTune"); 0 = none. */
  neftune: number;
  seed: number;
  /** Tells passes apart: of a step and a micro-batch. */
  pass: string;
}

export function noiseKey({ seed, pass }: Noise, what: string): HashKey {
  return hashKey(seed, `${pass} ${what}`);
}

/**
 * NEFTune's noise [B·T, width]: uniform within ±α/√(L·width), L the inputs of each sequence itself, however many share its
 * row. `owners` [B·T]: the sequence of each position, as `positions` counts it from 0 on; −1 is padding, which gets none.
 */
export function embeddingNoise(
  { owners, positions }: { owners: Int32Array; positions: Int32Array },
  width: number,
  noise: Noise,
): Tensor2D {
  const key = noiseKey(noise, 'embeddings');
  const values = new Float32Array(owners.length * width);
  for (let begin = 0; begin < owners.length; ) {
    let end = begin + 1;
    const isNext = () => owners[end] === owners[begin] && positions[end] === positions[end - 1] + 1;
    while (end < owners.length && isNext()) end++;
    if (owners[begin] >= 0) {
      const inputs = positions[end - 1] + 1; // its beginning may be another's
      const bound = noise.neftune / Math.sqrt(inputs * width);
      for (let i = begin * width; i < end * width; i++) values[i] = bound * (hashAt(i, key) / 2 ** 31 - 1);
    }
    begin = end;
  }
  return tensor2d(values, [owners.length, width]);
}
