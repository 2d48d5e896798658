// The loss of a training step, Σ weights[n] · nll[n], as one number whose gradients are computed along with it: the
// logits are needed once, where a backward pass of its own would compute them again (Hsu et al. 2024, Liger kernel).
import { checkTensor } from '../check.js';
import { checkMatrix, heldIn, isFrozen, isHalf, type Matrix } from '../matrix.js';
import { type Op, runOp, runWholeOp } from '../op.js';
import { dispose, engine, mul, type Scalar, sum, type Tensor, type Tensor1D, type Tensor2D } from '../tf.js';
import { crossEntropy, crossEntropyFiguresOp, crossEntropyOp, crossEntropyWithFigures } from './cross-entropy.js';

/** Elements of the output projection above which its packed copy costs more memory than the second pass costs time. */
const maxWeight = 2 ** 25;

interface SumKind {
  /** Nobody trains the weight: it has no gradient. */
  isFrozen: boolean;
  /** The figures of `crossEntropyWithFigures` come last. */
  hasFigures: boolean;
}

export function crossEntropySumName({ isFrozen, hasFigures }: SumKind): string {
  return `${isFrozen ? 'Frozen' : ''}CrossEntropySum${hasFigures ? 'Figures' : ''}`;
}

function sumOp(kind: SumKind): Op<{ halves: boolean }> {
  const gradients = kind.isFrozen ? 1 : 2;
  return {
    name: crossEntropySumName(kind),
    // The sum [], and its gradients with respect to hidden and weight.
    outputs: 1 + gradients + Number(kind.hasFigures),
    differentiable: () => gradients,
    forward: ([hidden, weight, targets, weights]) => {
      const inputs = [hidden, weight, targets];
      const attributes = { halves: false };
      const op = kind.hasFigures ? crossEntropyFiguresOp : crossEntropyOp;
      const [losses, logSumExp, ...figures] = op.forward(inputs, attributes);
      const all = crossEntropyOp.backward(weights, inputs, [losses, logSumExp], attributes, () => true) as Tensor[];
      return [sum(mul(losses, weights)), ...all.slice(0, gradients), ...figures];
    },
    reads: { inputs: [], outputs: kind.isFrozen ? [1] : [1, 2] },
    backward: (dy, _, outputs) => outputs.slice(1, 1 + gradients).map((gradient) => mul(gradient, dy)),
  };
}

export const crossEntropySumOp = sumOp({ isFrozen: false, hasFigures: false });
export const crossEntropySumFiguresOp = sumOp({ isFrozen: false, hasFigures: true });
export const frozenCrossEntropySumOp = sumOp({ isFrozen: true, hasFigures: false });
export const frozenCrossEntropySumFiguresOp = sumOp({ isFrozen: true, hasFigures: true });

/** hidden [N, d], weight [V, d], targets int32 [N] in 0..V−1, weights [N] → Σ weights · nll, in nats. */
export function crossEntropySum(hidden: Tensor2D, weight: Matrix, targets: Tensor1D, weights: Tensor1D): Scalar {
  if (!isComputedAtOnce(weight)) return sum(mul(crossEntropy(hidden, weight, targets), weights)) as Scalar;
  const op = isFrozen(weight) ? frozenCrossEntropySumOp : crossEntropySumOp;
  return runOp(op, checked(hidden, weight, targets, weights), { halves: isHalf(weight) }) as Tensor as Scalar;
}

/** The same, with the figures of `crossEntropyWithFigures` [3, N]. */
export function crossEntropySumWithFigures(
  hidden: Tensor2D,
  weight: Matrix,
  targets: Tensor1D,
  weights: Tensor1D,
): { total: Scalar; figures: Tensor2D } {
  if (!isComputedAtOnce(weight)) {
    const { losses, figures } = crossEntropyWithFigures(hidden, weight, targets);
    return { total: sum(mul(losses, weights)) as Scalar, figures };
  }
  const op = isFrozen(weight) ? frozenCrossEntropySumFiguresOp : crossEntropySumFiguresOp;
  const outputs = runWholeOp(op, checked(hidden, weight, targets, weights), { halves: isHalf(weight) });
  const [total, figures] = [outputs[0], outputs[outputs.length - 1]];
  dispose(outputs.slice(1, -1)); // a gradient tape holds clones of its own
  return { total: total as Scalar, figures: figures as Tensor2D };
}

/** Where a gradient is asked for, and the packed copy of the weight is worth its memory. */
function isComputedAtOnce({ shape }: Matrix): boolean {
  return engine().state.gradientDepth > 0 && shape[0] * shape[1] <= maxWeight;
}

function checked(hidden: Tensor2D, weight: Matrix, targets: Tensor1D, weights: Tensor1D): Tensor[] {
  const sizes = checkTensor('crossEntropySum', 'hidden', hidden, ['N', 'd']);
  checkMatrix('crossEntropySum', 'weight', weight, ['V', 'd'], sizes);
  checkTensor('crossEntropySum', 'targets', targets, ['N'], 'int32', sizes);
  checkTensor('crossEntropySum', 'weights', weights, ['N'], 'float32', sizes);
  return [hidden, heldIn(weight), targets, weights];
}
