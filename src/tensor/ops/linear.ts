// Linear layer: y = x · Wᵀ (+ bias) (+ residual). W is [out, in], as Hugging Face stores it.
// Bias and residual are epilogues: a native kernel adds them while the product is still in registers.
import { checkTensor } from '../check.js';
import { checkMatrix, heldIn, isHalf, type Matrix } from '../matrix.js';
import { type Op, runOp } from '../op.js';
import type { Tensor, Tensor1D, Tensor2D } from '../tf.js';
import { add, clone, matMul, sum } from '../tf.js';

type LinearAttributes = { bias: boolean; residual: boolean; halves: boolean };

export const linearOp: Op<LinearAttributes> = {
  name: 'Linear',
  outputs: 1,
  differentiable: (inputs) => inputs.length,
  forward: ([x, weight, ...extra]) => [extra.reduce((y, term) => add(y, term), matMul(x, weight, false, true))],
  reads: { inputs: [0, 1], outputs: [] },
  backward: (dy, [x, weight], _, { bias, residual }, wanted) => {
    const gradients = [wanted(0) ? matMul(dy, weight) : undefined, wanted(1) ? matMul(dy, x, true, false) : undefined];
    if (bias) gradients.push(sum(dy, 0));
    if (residual) gradients.push(clone(dy));
    return gradients;
  },
};

/** x [N, in], weight [out, in], bias [out], residual [N, out] → [N, out]. A matrix of bf16 has no gradient. */
export function linear(x: Tensor2D, weight: Matrix, extra: { bias?: Tensor1D; residual?: Tensor2D } = {}): Tensor2D {
  const sizes = checkTensor('linear', 'x', x, ['N', 'in']);
  checkMatrix('linear', 'weight', weight, ['out', 'in'], sizes);
  const inputs: Tensor[] = [x, heldIn(weight)];
  if (extra.bias) {
    checkTensor('linear', 'bias', extra.bias, ['out'], 'float32', sizes);
    inputs.push(extra.bias);
  }
  if (extra.residual) {
    checkTensor('linear', 'residual', extra.residual, ['N', 'out'], 'float32', sizes);
    inputs.push(extra.residual);
  }
  const attributes = { bias: extra.bias !== undefined, residual: extra.residual !== undefined, halves: isHalf(weight) };
  return runOp(linearOp, inputs, attributes) as Tensor2D;
}
