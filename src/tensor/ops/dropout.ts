// Dropout (Srivastava et al. 2014): each element is set to zero with a probability, and the rest are scaled up to keep the mean.
// Which ones follows from a key and the place alone: backward pass, recomputation and a resumed training draw the same.
import { type HashKey, hashAt } from '../../base/random.js';
import { type Op, runOp } from '../op.js';
import { mul, type Tensor, tensor } from '../tf.js';

/** `threshold`: hashes (of 32 bits) below it are set to zero. */
type DropoutAttributes = { threshold: number; factor: number; key: number[] };

export const dropoutOp: Op<DropoutAttributes> = {
  name: 'Dropout',
  outputs: 1,
  differentiable: () => 1,
  forward: ([x], attributes) => [mul(x, factors(x, attributes))],
  reads: { inputs: [], outputs: [] },
  backward: (dy, _, __, attributes) => [mul(dy, factors(dy, attributes))],
};

/** x of any shape; `rate` of its elements (from 0 to below 1) become 0, by `key`. */
export function dropout<T extends Tensor>(x: T, rate: number, key: HashKey): T {
  if (rate === 0) return x;
  if (!(rate > 0 && rate < 1)) throw new TypeError(`dropout: a rate of ${rate}`);
  const attributes = { threshold: Math.round(rate * 2 ** 32), factor: 1 / (1 - rate), key: [...key] };
  return runOp(dropoutOp, [x], attributes) as T;
}

function factors(x: Tensor, { threshold, factor, key }: DropoutAttributes): Tensor {
  const [a, b] = key;
  const values = new Float32Array(x.size);
  for (let place = 0; place < values.length; place++) values[place] = hashAt(place, [a, b]) < threshold ? 0 : factor;
  return tensor(values, x.shape);
}
