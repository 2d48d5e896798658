// Output projection and cross-entropy in one: nll[n] = logsumexp(h·Wᵀ) − h·W[target], in chunks of rows, so that the
// logits [N, V] are never whole in memory. The backward pass computes each chunk's logits again.
import { checkTensor } from '../check.js';
import { checkMatrix, heldIn, isHalf, type Matrix } from '../matrix.js';
import { type Op, runOp, runWholeOp, shapeOf } from '../op.js';
import type { Tensor, Tensor1D, Tensor2D } from '../tf.js';
import {
  add,
  concat,
  exp,
  gather,
  log,
  matMul,
  max,
  mean,
  mul,
  range,
  relu,
  reshape,
  sign,
  slice,
  stack,
  sub,
  sum,
  tensor1d,
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

/** As `crossEntropyOp`, and what else each row of logits says while it is there: [3, N], which has no gradient. */
export const crossEntropyFiguresOp: Op<{ halves: boolean }> = {
  ...crossEntropyOp,
  name: 'CrossEntropyFigures',
  outputs: 3,
  forward: (inputs, attributes) => {
    const [hidden, weight, targets] = inputs;
    const outputs = crossEntropyOp.forward(inputs, attributes);
    const parts = chunks(hidden, weight).map(([begin, count]) =>
      tidy(() => {
        const logits = matMul(rows(hidden, begin, count), weight, false, true); // [n, V]
        const lse = reshape(rows(outputs[1], begin, count), [count, 1]);
        const logShares = sub(logits, lse);
        const entropy = mul(sum(mul(exp(logShares), logShares), -1), -1);
        const starts = range(0, count * weight.shape[0], weight.shape[0], 'int32');
        const target = gather(reshape(logits, [-1]), add(starts, rows(targets, begin, count)) as Tensor1D);
        const isTop = sub(1, relu(sign(sub(max(logits, -1), target))));
        return stack([entropy, mean(logits, -1), isTop]); // [3, n]
      }),
    );
    return [...outputs, parts.length === 1 ? parts[0] : concat(parts, 1)];
  },
};

export interface CrossEntropyFigures {
  /** Negative log-likelihood [N], in nats. */
  losses: Tensor1D;
  /** Of the distribution over the next token, its entropy in nats; the mean logit; 1 where no token is likelier than the target, else 0: [3, N]. No gradient. */
  figures: Tensor2D;
}

/** As `crossEntropy`, with figures of the logits, which are never whole in memory otherwise. */
export function crossEntropyWithFigures(hidden: Tensor2D, weight: Matrix, targets: Tensor1D): CrossEntropyFigures {
  checkArguments('crossEntropyWithFigures', hidden, weight, targets);
  const inputs = [hidden, heldIn(weight), targets];
  const [losses, logSumExp, figures] = runWholeOp(crossEntropyFiguresOp, inputs, { halves: isHalf(weight) });
  logSumExp.dispose(); // a gradient tape holds a clone of its own
  return { losses: losses as Tensor1D, figures: figures as Tensor2D };
}

/** hidden [N, d], weight [V, d], targets int32 [N] in 0..V−1 → negative log-likelihood [N], in nats. */
export function crossEntropy(hidden: Tensor2D, weight: Matrix, targets: Tensor1D): Tensor1D {
  checkArguments('crossEntropy', hidden, weight, targets);
  return runOp(crossEntropyOp, [hidden, heldIn(weight), targets], { halves: isHalf(weight) }) as Tensor1D;
}

/** hidden [N, d], weight [V, d] → log Σ e^logit of each row [N]. No gradient. */
export function logSumExp(hidden: Tensor2D, weight: Matrix): Tensor1D {
  const targets = tensor1d(new Int32Array(hidden.shape[0]), 'int32'); // any will do
  checkArguments('logSumExp', hidden, weight, targets);
  const [losses, sums] = runWholeOp(crossEntropyOp, [hidden, heldIn(weight), targets], { halves: isHalf(weight) });
  losses.dispose();
  return sums as Tensor1D;
}

function checkArguments(op: string, hidden: Tensor2D, weight: Matrix, targets: Tensor1D): void {
  const sizes = checkTensor(op, 'hidden', hidden, ['N', 'd']);
  checkMatrix(op, 'weight', weight, ['V', 'd'], sizes);
  checkTensor(op, 'targets', targets, ['N'], 'int32', sizes);
}

function chunks(hidden: Tensor, weight: Tensor): [begin: number, count: number][] {
  const total = hidden.shape[0];
  const size = Math.max(1, Math.floor(chunkLogits / weight.shape[0]));
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => [i * size, Math.min(size, total - i * size)]);
}

function rows(x: Tensor, begin: number, count: number): Tensor {
  if (count === x.shape[0]) return x;
  return x.rank === 1 ? slice(x, [begin], [count]) : slice(x, [begin, 0], [count, shapeOf(x)[1]]);
}
