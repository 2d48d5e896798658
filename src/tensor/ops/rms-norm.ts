// RMSNorm (Zhang & Sennrich 2019): y = x / sqrt(mean(x²) + ε) · w, over the last axis.
import { checkTensor } from '../check.js';
import { type Op, runOp } from '../op.js';
import type { Tensor, Tensor1D, Tensor2D } from '../tf.js';
import { add, mean, mul, rsqrt, square, sub, sum } from '../tf.js';

export const rmsNormOp: Op<{ epsilon: number }> = {
  name: 'RmsNorm',
  outputs: 1,
  differentiable: () => 2,
  forward: ([x, weight], { epsilon }) => [mul(mul(x, inverseRms(x, epsilon)), weight)],
  backward: (dy, [x, weight], _, { epsilon }) => {
    const r = inverseRms(x, epsilon); // [N, 1]
    const normalised = mul(x, r); // [N, d]
    const g = mul(dy, weight);
    const projection = mean(mul(g, normalised), -1, true); // [N, 1]
    return [mul(r, sub(g, mul(normalised, projection))), sum(mul(dy, normalised), 0)];
  },
};

/** x [N, d], weight [d] → [N, d]. */
export function rmsNorm(x: Tensor2D, weight: Tensor1D, epsilon: number): Tensor2D {
  const sizes = checkTensor('rmsNorm', 'x', x, ['N', 'd']);
  checkTensor('rmsNorm', 'weight', weight, ['d'], 'float32', sizes);
  return runOp(rmsNormOp, [x, weight], { epsilon }) as Tensor2D;
}

function inverseRms(x: Tensor, epsilon: number): Tensor {
  return rsqrt(add(mean(square(x), -1, true), epsilon));
}
