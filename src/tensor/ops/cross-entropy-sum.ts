// The loss of a training step, Σ weights[n] · nll[n], as one number whose gradients are computed along with it: the
// logits are needed once, where a backward pass of its own would compute them again (Hsu et al. 2024, Liger kernel).
import { checkTensor } from '../check.js';
import { checkMatrix, heldIn, isFrozen, isHalf, type Matrix } from '../matrix.js';
import { type Op, runOp } from '../op.js';
import { engine, mul, type Scalar, sum, type Tensor, type Tensor1D, type Tensor2D } from '../tf.js';
import { crossEntropy, crossEntropyOp } from './cross-entropy.js';

/** Elements of the output projection above which its packed copy costs more memory than the second pass costs time. */
const maxWeight = 2 ** 25;

const forward: Op<{ halves: boolean }>['forward'] = ([hidden, weight, targets, weights]) => {
  const inputs = [hidden, weight, targets];
  const attributes = { halves: false };
  const outputs = crossEntropyOp.forward(inputs, attributes);
  const gradients = crossEntropyOp.backward(weights, inputs, outputs, attributes, () => true) as Tensor[];
  return [sum(mul(outputs[0], weights)), ...gradients];
};

export const crossEntropySumOp: Op<{ halves: boolean }> = {
  name: 'CrossEntropySum',
  // The sum [], and its gradients with respect to hidden and weight.
  outputs: 3,
  differentiable: () => 2,
  forward,
  reads: { inputs: [], outputs: [1, 2] },
  backward: (dy, _, [, dHidden, dWeight]) => [mul(dHidden, dy), mul(dWeight, dy)],
};

/** Of a weight that nobody trains: one gradient, that of hidden. */
export const frozenCrossEntropySumOp: Op<{ halves: boolean }> = {
  ...crossEntropySumOp,
  name: 'FrozenCrossEntropySum',
  outputs: 2,
  differentiable: () => 1,
  forward: (inputs, attributes) => forward(inputs, attributes).slice(0, 2),
  reads: { inputs: [], outputs: [1] },
  backward: (dy, _, [, dHidden]) => [mul(dHidden, dy)],
};

/** hidden [N, d], weight [V, d], targets int32 [N] in 0..V−1, weights [N] → Σ weights · nll, in nats. */
export function crossEntropySum(hidden: Tensor2D, weight: Matrix, targets: Tensor1D, weights: Tensor1D): Scalar {
  const isRecording = engine().state.gradientDepth > 0;
  if (!isRecording || weight.shape[0] * weight.shape[1] > maxWeight) {
    return sum(mul(crossEntropy(hidden, weight, targets), weights)) as Scalar;
  }
  const sizes = checkTensor('crossEntropySum', 'hidden', hidden, ['N', 'd']);
  checkMatrix('crossEntropySum', 'weight', weight, ['V', 'd'], sizes);
  checkTensor('crossEntropySum', 'targets', targets, ['N'], 'int32', sizes);
  checkTensor('crossEntropySum', 'weights', weights, ['N'], 'float32', sizes);
  const op = isFrozen(weight) ? frozenCrossEntropySumOp : crossEntropySumOp;
  return runOp(op, [hidden, heldIn(weight), targets, weights], { halves: isHalf(weight) }) as Tensor as Scalar;
}
