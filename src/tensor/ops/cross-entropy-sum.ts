// The loss of a training step, Σ weights[n] · nll[n], as one number whose gradients are computed along with it: the
// logits are needed once, where a backward pass of its own would compute them again (Hsu et al. 2024, Liger kernel).
import { checkTensor } from '../check.js';
import { type Op, runOp } from '../op.js';
import { engine, mul, type Scalar, sum, type Tensor, type Tensor1D, type Tensor2D } from '../tf.js';
import { crossEntropy, crossEntropyOp } from './cross-entropy.js';

/** Elements of the output projection above which its packed copy costs more memory than the second pass costs time. */
const maxWeight = 2 ** 25;

export const crossEntropySumOp: Op<Record<string, never>> = {
  name: 'CrossEntropySum',
  // The sum [], and its gradients with respect to hidden and weight.
  outputs: 3,
  differentiable: () => 2,
  forward: ([hidden, weight, targets, weights]) => {
    const inputs = [hidden, weight, targets];
    const outputs = crossEntropyOp.forward(inputs, {});
    return [sum(mul(outputs[0], weights)), ...crossEntropyOp.backward(weights, inputs, outputs, {})];
  },
  backward: (dy, _, [, dHidden, dWeight]) => [mul(dHidden, dy), mul(dWeight, dy)],
};

/** hidden [N, d], weight [V, d], targets int32 [N] in 0..V−1, weights [N] → Σ weights · nll, in nats. */
export function crossEntropySum(hidden: Tensor2D, weight: Tensor2D, targets: Tensor1D, weights: Tensor1D): Scalar {
  const isRecording = engine().state.gradientDepth > 0;
  if (!isRecording || weight.size > maxWeight) {
    return sum(mul(crossEntropy(hidden, weight, targets), weights)) as Scalar;
  }
  const sizes = checkTensor('crossEntropySum', 'hidden', hidden, ['N', 'd']);
  checkTensor('crossEntropySum', 'weight', weight, ['V', 'd'], 'float32', sizes);
  checkTensor('crossEntropySum', 'targets', targets, ['N'], 'int32', sizes);
  checkTensor('crossEntropySum', 'weights', weights, ['N'], 'float32', sizes);
  return runOp(crossEntropySumOp, [hidden, weight, targets, weights], {}) as Tensor as Scalar;
}
