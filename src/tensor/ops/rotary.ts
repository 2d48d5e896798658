// Rotary position embedding (Su et al. 2021), Llama's layout: dimension i turns together with i + D/2,
// by the angle position · θ^(−2i/D).
import { checkTensor } from '../check.js';
import { type Op, runOp, shapeOf } from '../op.js';
import type { Tensor, Tensor1D } from '../tf.js';
import { add, cast, concat, cos, mul, neg, reshape, sin, slice, sub, tensor1d } from '../tf.js';

export const rotaryOp: Op<{ theta: number }> = {
  name: 'Rotary',
  outputs: 1,
  differentiable: () => 1,
  forward: ([x, positions], { theta }) => [rotate(x, positions, theta, 1)],
  // A rotation's transpose turns the other way.
  backward: (dy, [, positions], _, { theta }) => [rotate(dy, positions, theta, -1)],
};

/** x […, H, D] with D even, positions int32 [N], one for all heads of each of the N leading places → […, H, D]. */
export function rotary<T extends Tensor>(x: T, positions: Tensor1D, theta: number): T {
  const sizes = checkTensor('rotary', 'x', x, ['…', 'H', 'D']);
  const [heads, dimension] = shapeOf(x).slice(-2);
  checkTensor('rotary', 'positions', positions, [x.size / Math.max(1, heads * dimension)], 'int32', sizes);
  if (dimension % 2 !== 0) throw new TypeError(`rotary: the head dimension must be even, got ${dimension}`);
  return runOp(rotaryOp, [x, positions], { theta }) as T;
}

function rotate(x: Tensor, positions: Tensor, theta: number, direction: 1 | -1): Tensor {
  const [heads, dimension] = shapeOf(x).slice(-2);
  const count = positions.size;
  const half = dimension / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => theta ** ((-2 * i) / dimension));
  const angles = mul(reshape(cast(positions, 'float32'), [count, 1, 1]), reshape(tensor1d(frequencies), [1, 1, half]));
  const c = cos(angles); // [N, 1, D/2]
  const s = direction === 1 ? sin(angles) : neg(sin(angles));
  const flat = reshape(x, [count, heads, dimension]);
  const first = slice(flat, [0, 0, 0], [count, heads, half]);
  const second = slice(flat, [0, 0, half], [count, heads, half]);
  return reshape(concat([sub(mul(first, c), mul(second, s)), add(mul(second, c), mul(first, s))], 2), x.shape);
}
