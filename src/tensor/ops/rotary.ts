// Rotary position embedding (Su et al. 2021), Llama's layout: dimension i turns together with i + D/2, by the angle
// position · frequency i. architecture/rope.ts says which frequencies.
import { checkTensor } from '../check.js';
import { type Op, runOp, shapeOf } from '../op.js';
import type { Tensor, Tensor1D } from '../tf.js';
import { add, cast, concat, cos, mul, reshape, sin, slice, sub, tensor3d } from '../tf.js';

export type Rotation = {
  /** Of each of the D/2 pairs, in radians a position. */
  frequencies: number[];
  /** What cosines and sines are multiplied by: 1, but for YaRN. */
  scale: number;
};

export const rotaryOp: Op<Rotation> = {
  name: 'Rotary',
  outputs: 1,
  reads: { inputs: [1], outputs: [] },
  differentiable: () => 1,
  forward: ([x, positions], rotation) => [rotate(x, positions, rotation, 1)],
  // A rotation's transpose turns the other way.
  backward: (dy, [, positions], _, rotation) => [rotate(dy, positions, rotation, -1)],
};

/** x […, H, D] with D even, positions int32 [N], one for all heads of each of the N leading places → […, H, D]. */
export function rotary<T extends Tensor>(x: T, positions: Tensor1D, rotation: Rotation): T {
  const sizes = checkTensor('rotary', 'x', x, ['…', 'H', 'D']);
  const [heads, dimension] = shapeOf(x).slice(-2);
  checkTensor('rotary', 'positions', positions, [x.size / Math.max(1, heads * dimension)], 'int32', sizes);
  if (dimension % 2 !== 0) throw new TypeError(`rotary: the head dimension must be even, got ${dimension}`);
  const { length } = rotation.frequencies;
  if (length !== dimension / 2) throw new TypeError(`rotary: ${dimension / 2} frequencies are needed, got ${length}`);
  return runOp(rotaryOp, [x, positions], rotation) as T;
}

function rotate(x: Tensor, positions: Tensor, { frequencies, scale }: Rotation, direction: 1 | -1): Tensor {
  const [heads, dimension] = shapeOf(x).slice(-2);
  const count = positions.size;
  const half = dimension / 2;
  const angles = mul(reshape(cast(positions, 'float32'), [count, 1, 1]), tensor3d(frequencies, [1, 1, half]));
  const c = mul(cos(angles), scale); // [N, 1, D/2]
  const s = mul(sin(angles), direction * scale);
  const flat = reshape(x, [count, heads, dimension]);
  const first = slice(flat, [0, 0, 0], [count, heads, half]);
  const second = slice(flat, [0, 0, half], [count, heads, half]);
  return reshape(concat([sub(mul(first, c), mul(second, s)), add(mul(second, c), mul(first, s))], 2), x.shape);
}
