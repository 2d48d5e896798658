// SwiGLU (Shazeer 2020): silu(gate) · up, where silu(g) = g · σ(g).
import { checkTensor } from '../check.js';
import { type Op, runOp } from '../op.js';
import type { Tensor2D } from '../tf.js';
import { add, mul, sigmoid, sub } from '../tf.js';

export const swigluOp: Op<Record<string, never>> = {
  name: 'Swiglu',
  outputs: 1,
  reads: { outputs: [] },
  differentiable: () => 2,
  forward: ([gate, up]) => [mul(mul(gate, sigmoid(gate)), up)],
  backward: (dy, [gate, up]) => {
    const s = sigmoid(gate);
    const silu = mul(gate, s);
    const slope = add(s, mul(silu, sub(1, s))); // d silu / d gate
    return [mul(mul(dy, up), slope), mul(dy, silu)];
  },
};

/** gate [N, f], up [N, f] → [N, f]. */
export function swiglu(gate: Tensor2D, up: Tensor2D): Tensor2D {
  const sizes = checkTensor('swiglu', 'gate', gate, ['N', 'f']);
  checkTensor('swiglu', 'up', up, ['N', 'f'], 'float32', sizes);
  return runOp(swigluOp, [gate, up], {}) as Tensor2D;
}
