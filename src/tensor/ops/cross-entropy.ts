// Output projection and cross-entropy in one: nll[n] = logsumexp(h·Wᵀ) − h·W[target], in chunks of rows, so that the
// logits [N, V] are never whole in memory. The backward pass computes each chunk's logits again.
import { checkTensor } from '../check.js';
import { checkMatrix, heldIn, isHalf, type Matrix } from '../matrix.js';
import { type Op, runOp, shapeOf } from '../op.js';
import type { Tensor, Tensor1D, Tensor2D } from '../tf.js';
import {
  add,
  concat,
  exp,
  gather,
  log,
  matMul,
  max,
  mul,
  reshape,
  slice,
  sub,
  sum,
  tidy,
  unsortedSegmentSum,
} from '../tf.js';

/** Logits held at a time. */
const chunkLogits = 1 << 22;

export const crossEntropyOp: Op<{ halves: boolean }> = {
  name: 'CrossEntropy',
  // nll [N], and logsumexp [N] for the backward pass.
  outputs: 2,
  differentiable: () => 2,
  reads: { outputs: [1] },
  forward: ([hidden, weight, targets]) => {
    const parts = chunks(hidden, weight).map(([begin, count]) =>
      tidy(() => {
        const logits = matMul(rows(hidden, begin, count), weight, false, true); // [n, V]
        const top = max(logits, -1, true);
        return reshape(add(log(sum(exp(sub(logits, top)), -1, true)), top), [count]);
      }),
    );
    const logSumExp = parts.length === 1 ? parts[0] : concat(parts, 0);
    const targetLogits = sum(mul(hidden, gather(weight, targets as Tensor1D)), -1); // [N]
    return [sub(logSumExp, targetLogits), logSumExp];
  },
  backward: (dy, [hidden, weight, targets], [, logSumExp]) => {
    const scale = reshape(dy, [-1, 1]); // [N, 1]
    const lse = reshape(logSumExp, [-1, 1]);
    const hiddenParts: Tensor[] = [];
    // −h[n]·dy[n] lands on the target's row; the softmax part follows chunk by chunk.
    let weightGradient: Tensor = unsortedSegmentSum(mul(hidden, mul(scale, -1)), targets as Tensor1D, weight.shape[0]);
    for (const [begin, count] of chunks(hidden, weight)) {
      const [dHidden, dWeight] = tidy(() => {
        const h = rows(hidden, begin, count);
        const p = exp(sub(matMul(h, weight, false, true), rows(lse, begin, count)));
        const g = mul(p, rows(scale, begin, count)); // [n, V]
        return [matMul(g, weight), add(weightGradient, matMul(g, h, true, false))];
      });
      weightGradient.dispose();
      weightGradient = dWeight;
      hiddenParts.push(dHidden);
    }
    const softmaxPart = hiddenParts.length === 1 ? hiddenParts[0] : concat(hiddenParts, 0);
    return [sub(softmaxPart, mul(gather(weight, targets as Tensor1D), scale)), weightGradient];
  },
};

/** hidden [N, d], weight [V, d], targets int32 [N] in 0..V−1 → negative log-likelihood [N], in nats. */
export function crossEntropy(hidden: Tensor2D, weight: Matrix, targets: Tensor1D): Tensor1D {
  const sizes = checkTensor('crossEntropy', 'hidden', hidden, ['N', 'd']);
  checkMatrix('crossEntropy', 'weight', weight, ['V', 'd'], sizes);
  checkTensor('crossEntropy', 'targets', targets, ['N'], 'int32', sizes);
  return runOp(crossEntropyOp, [hidden, heldIn(weight), targets], { halves: isHalf(weight) }) as Tensor1D;
}

function chunks(hidden: Tensor, weight: Tensor): [begin: number, count: number][] {
  const total = hidden.shape[0];
  const size = Math.max(1, Math.floor(chunkLogits / weight.shape[0]));
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => [i * size, Math.min(size, total - i * size)]);
}

function rows(x: Tensor, begin: number, count: number): Tensor {
  return count === x.shape[0] ? x : slice(x, [begin, 0], [count, shapeOf(x)[1]]);
}
