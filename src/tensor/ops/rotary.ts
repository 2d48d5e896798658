// Rotary position embedding (Su et al. 2021), Llama's layout: dimension i turns together with i + D/2,
// by the angle position · θ^(−2i/D).
import { checkTensor } from '../check.js';
import { type Op, runOp, shapeOf } from '../op.js';
import type { Tensor, Tensor1D, Tensor3D } from '../tf.js';
import { add, cast, concat, cos, mul, neg, reshape, sin, slice, sub, tensor1d } from '../tf.js';

export const rotaryOp: Op<{ theta: number }> = {
  name: 'Rotary',
  outputs: 1,
  differentiable: () => 1,
  forward: ([x, positions], { theta }) => [rotate(x, positions, theta, 1)],
  // A rotation's transpose turns the other way.
  backward: (dy, [, positions], _, { theta }) => [rotate(dy, positions, theta, -1)],
};

/** x [N, H, D] with D even, positions int32 [N] → [N, H, D]. */
export function rotary(x: Tensor3D, positions: Tensor1D, theta: number): Tensor3D {
  const sizes = checkTensor('rotary', 'x', x, ['N', 'H', 'D']);
  checkTensor('rotary', 'positions', positions, ['N'], 'int32', sizes);
  if (x.shape[2] % 2 !== 0) throw new TypeError(`rotary: the head dimension must be even, got ${x.shape[2]}`);
  return runOp(rotaryOp, [x, positions], { theta }) as Tensor3D;
}

function rotate(x: Tensor, positions: Tensor, theta: number, direction: 1 | -1): Tensor {
  const [count, heads, dimension] = shapeOf(x);
  const half = dimension / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => theta ** ((-2 * i) / dimension));
  const angles = mul(reshape(cast(positions, 'float32'), [count, 1, 1]), reshape(tensor1d(frequencies), [1, 1, half]));
  const c = cos(angles); // [N, 1, D/2]
  const s = direction === 1 ? sin(angles) : neg(sin(angles));
  const first = slice(x, [0, 0, 0], [count, heads, half]);
  const second = slice(x, [0, 0, half], [count, heads, half]);
  return concat([sub(mul(first, c), mul(second, s)), add(mul(second, c), mul(first, s))], 2);
}
