// What is a sum over the whole vocabulary, of every counted token: how undecided a model is, and how far from a teacher. Rows of
// logits are taken a chunk at a time, and computed again in the backward pass: never are all of them in memory.

import { withoutGradient } from '../../tensor/backward.js';
import { heldIn, isFrozen, type Matrix } from '../../tensor/matrix.js';
import { logSumExp } from '../../tensor/ops/cross-entropy.js';
import { embedding } from '../../tensor/ops/embedding.js';
import { linear } from '../../tensor/ops/linear.js';
import { recomputed } from '../../tensor/recompute.js';
import {
  add,
  concat,
  exp,
  log,
  mul,
  neg,
  reshape,
  softplus,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  Variable,
} from '../../tensor/tf.js';

/** Logits of a chunk. */
const chunkLogits = 1 << 21;

/** Final states [n, d] and the output projection [V, d] that makes logits of them. */
export interface Predictions {
  hidden: Tensor2D;
  weight: Matrix;
}

/** Entropy of each row's distribution over the vocabulary, in nats [n]. */
export function tokenEntropies(predictions: Predictions): Tensor1D {
  return overChunks(predictions, undefined, (logShares) => neg(sum(mul(exp(logShares), logShares), -1)));
}

/**
 * The generalised Jensen–Shannon divergence of each row, in nats [n] (GKD: Agarwal et al. 2023, arXiv 2306.13649):
 * β KL(teacher ‖ m) + (1 − β) KL(student ‖ m), m = β teacher + (1 − β) student; of β 0 KL(teacher ‖ student), of 1
 * KL(student ‖ teacher), its limits after division by β or 1 − β. The teacher has no gradient.
 */
export function tokenDivergences(student: Predictions, teacher: Predictions, beta: number): Tensor1D {
  return overChunks(student, teacher, (own, theirs) => {
    if (beta === 0) return kullbackLeibler(theirs, own);
    if (beta === 1) return kullbackLeibler(own, theirs);
    const [teachers, students] = [add(theirs, Math.log(beta)), add(own, Math.log(1 - beta))];
    const mixture = add(teachers, softplus(sub(students, teachers))) as Tensor2D;
    return add(mul(kullbackLeibler(theirs, mixture), beta), mul(kullbackLeibler(own, mixture), 1 - beta)) as Tensor1D;
  });
}

/** Σ p (log p − log q) of each row [n], of log probabilities [n, V]. */
function kullbackLeibler(p: Tensor2D, q: Tensor2D): Tensor1D {
  return sum(mul(exp(p), sub(p, q)), -1);
}

function overChunks(
  { hidden, weight }: Predictions,
  teacher: Predictions | undefined,
  of: (own: Tensor2D, theirs: Tensor2D) => Tensor1D,
): Tensor1D {
  const [rows] = hidden.shape;
  const size = Math.max(1, Math.floor(chunkLogits / weight.shape[0]));
  const isTrained = !isFrozen(weight);
  const frozen = !isTrained && weight instanceof Variable ? [weight] : [];
  const parts: Tensor1D[] = [];
  for (let begin = 0; begin < rows; begin += size) {
    const places = Int32Array.from({ length: Math.min(size, rows - begin) }, (_, i) => begin + i);
    const ids = tensor1d(places, 'int32');
    const pick = (states: Tensor2D) => (rows <= size ? states : embedding(states, ids));
    const inputs = [pick(hidden), ...(isTrained ? [heldIn(weight)] : [])];
    const constants = teacher === undefined ? [] : [pick(teacher.hidden)];
    const body = (given: readonly Tensor[]): Tensor1D => {
      const own = logShares(given[0] as Tensor2D, isTrained ? (given[1] as Tensor2D) : weight);
      if (teacher === undefined) return of(own, own);
      return of(
        own,
        withoutGradient(() => logShares(given[inputs.length] as Tensor2D, teacher.weight)),
      );
    };
    parts.push(recomputed(body, inputs, { frozen, constants }));
  }
  return parts.length === 1 ? parts[0] : (concat(parts, 0) as Tensor1D);
}

/** log softmax of the logits [n, V]: shifted by what is nearly their logarithm of a sum already, so that nothing overflows. */
function logShares(hidden: Tensor2D, weight: Matrix): Tensor2D {
  const shift = withoutGradient(() => reshape(logSumExp(hidden, weight), [-1, 1]));
  const logits = sub(linear(hidden, weight), shift);
  return sub(logits, log(sum(exp(logits), -1, true))) as Tensor2D;
}
