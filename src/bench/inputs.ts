// Inputs of a benchmark: any numbers do, as long as they are the same each time and none is denormal.
import { sizeOf } from '../base/host-tensor.js';
import { Random } from '../base/random.js';
import { type Tensor, tensor } from '../tensor/tf.js';

/** float32, uniform in ±scale. */
export function randomTensor(shape: readonly number[], scale = 1): Tensor {
  const random = Random.stream(1, shape.join());
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = scale * (2 * random.uniform() - 1);
  return tensor(values, [...shape], 'float32');
}

/** `count` token ids, each in 0..limit−1. */
export function randomIds(count: number, limit: number, random: Random): Int32Array {
  return Int32Array.from({ length: count }, () => random.integer(0, limit));
}

/** [rows · columns]: 0..columns−1 in every row. */
export function rowPositions(rows: number, columns: number): Int32Array {
  return Int32Array.from({ length: rows * columns }, (_, i) => i % columns);
}

/** [rows · columns · 2]: each position attends to its row, from the start up to itself. */
export function causalRanges(rows: number, columns: number): Int32Array {
  return Int32Array.from({ length: rows * columns * 2 }, (_, i) => (i % 2 === 0 ? 0 : (i >> 1) % columns));
}
