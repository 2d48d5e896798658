// RMSNorm (Zhang & Sennrich 2019): y = x / sqrt(mean(x²) + ε) · w, over the last axis.
import { checkTensor } from '../check.js';
import { type Op, runOp } from '../op.js';
import type { Tensor, Tensor1D } from '../tf.js';
import { add, mean, mul, reshape, rsqrt, square, sub, sum } from '../tf.js';

export const rmsNormOp: Op<{ epsilon: number }> = {
  name: 'RmsNorm',
  outputs: 1,
  reads: { outputs: [] },
  differentiable: () => 2,
  forward: ([x, weight], { epsilon }) => [mul(mul(x, inverseRms(x, epsilon)), weight)],
  backward: (dy, [x, weight], _, { epsilon }) => {
    const r = inverseRms(x, epsilon); // […, 1]
    const normalised = mul(x, r); // […, d]
    const g = mul(dy, weight);
    const projection = mean(mul(g, normalised), -1, true); // […, 1]
    const terms = reshape(mul(dy, normalised), [-1, weight.size]);
    return [mul(r, sub(g, mul(normalised, projection))), sum(terms, 0)];
  },
};

/** x […, d], weight [d] → […, d]. */
export function rmsNorm<T extends Tensor>(x: T, weight: Tensor1D, epsilon: number): T {
  const sizes = checkTensor('rmsNorm', 'x', x, ['…', 'd']);
  checkTensor('rmsNorm', 'weight', weight, ['d'], 'float32', sizes);
  return runOp(rmsNormOp, [x, weight], { epsilon }) as T;
}

function inverseRms(x: Tensor, epsilon: number): Tensor {
  return rsqrt(add(mean(square(x), -1, true), epsilon));
}
