// Scaled dot-product attention over ranges: query (b, t) attends to the keys start..end of its row, both inclusive.
// One pair of numbers per query covers causal masks, packed documents (block-diagonal), left padding and KV caches.
// Grouped queries: head h reads key/value head floor(h / (H / G)).
import { checkTensor } from '../check.js';
import { type Op, runOp, shapeOf } from '../op.js';
import type { Tensor, Tensor3D, Tensor4D } from '../tf.js';
import { add, cast, div, exp, log, matMul, max, mul, range, relu, reshape, slice, sub, sum, transpose } from '../tf.js';

/** Finite, so that a masked score never turns into NaN; exp underflows to exactly 0. */
const masked = -1e9;

export const attentionOp: Op<Record<string, never>> = {
  name: 'Attention',
  // The result, and logsumexp of the scores [B, H, T, 1]: with it the backward pass rebuilds the probabilities.
  outputs: 2,
  differentiable: () => 3,
  forward: ([q, k, v, ranges]) => {
    const [batch, columns, heads, dimension] = shapeOf(q);
    const scores = maskedScores(q, k, ranges); // [B, H, T, S]
    const top = max(scores, -1, true);
    const weights = exp(sub(scores, top));
    const total = sum(weights, -1, true); // [B, H, T, 1]
    const values = matMul(byGroup(div(weights, total), shapeOf(k)[2]), keysByHead(v)); // [B·G, (H/G)·T, D]
    const out = transpose(reshape(values, [batch, heads, columns, dimension]), [0, 2, 1, 3]);
    return [out, add(log(total), top)];
  },
  backward: (dy, [q, k, v, ranges], [out, logSumExp]) => {
    const [batch, columns, heads, dimension] = shapeOf(q);
    const groups = shapeOf(k)[2];
    const scale = 1 / Math.sqrt(dimension);
    const p = exp(sub(maskedScores(q, k, ranges), logSumExp)); // [B, H, T, S]
    const dyHeads = queriesByGroup(dy, groups); // [B·G, (H/G)·T, D]
    const dp = reshape(matMul(dyHeads, keysByHead(v), false, true), p.shape);
    const delta = transpose(sum(mul(dy, out), -1, true), [0, 2, 1, 3]); // [B, H, T, 1]
    const ds = byGroup(mul(mul(p, sub(dp, delta)), scale), groups); // [B·G, (H/G)·T, S]
    const dq = reshape(matMul(ds, keysByHead(k)), [batch, heads, columns, dimension]);
    const dk = matMul(ds, queriesByGroup(q, groups), true, false); // [B·G, S, D]
    const dv = matMul(byGroup(p, groups), dyHeads, true, false);
    const asKeys = (x: Tensor) => transpose(reshape(x, [batch, groups, shapeOf(k)[1], dimension]), [0, 2, 1, 3]);
    return [transpose(dq, [0, 2, 1, 3]), asKeys(dk), asKeys(dv)];
  },
};

/** q [B, T, H, D], k and v [B, S, G, D] with G dividing H, ranges int32 [B, T, 2] → [B, T, H, D]. */
export function attention(q: Tensor4D, k: Tensor4D, v: Tensor4D, ranges: Tensor3D): Tensor4D {
  const sizes = checkTensor('attention', 'q', q, ['B', 'T', 'H', 'D']);
  checkTensor('attention', 'k', k, ['B', 'S', 'G', 'D'], 'float32', sizes);
  checkTensor('attention', 'v', v, ['B', 'S', 'G', 'D'], 'float32', sizes);
  checkTensor('attention', 'ranges', ranges, ['B', 'T', 2], 'int32', sizes);
  if (q.shape[2] % k.shape[2] !== 0) {
    throw new TypeError(`attention: ${q.shape[2]} heads cannot share ${k.shape[2]} key/value heads evenly`);
  }
  return runOp(attentionOp, [q, k, v, ranges], {}) as Tensor4D;
}

function maskedScores(q: Tensor, k: Tensor, ranges: Tensor): Tensor {
  const [batch, columns, heads, dimension] = shapeOf(q);
  const keys = shapeOf(k)[1];
  const products = matMul(queriesByGroup(q, shapeOf(k)[2]), keysByHead(k), false, true);
  const scores = mul(reshape(products, [batch, heads, columns, keys]), 1 / Math.sqrt(dimension));
  // Distance outside the range, by float arithmetic: comparisons do not broadcast on every backend.
  const bounds = reshape(cast(ranges, 'float32'), [batch, 1, columns, 2]);
  const start = slice(bounds, [0, 0, 0, 0], [batch, 1, columns, 1]);
  const end = slice(bounds, [0, 0, 0, 1], [batch, 1, columns, 1]);
  const key = reshape(range(0, keys, 1, 'float32'), [1, 1, 1, keys]);
  const outside = add(relu(sub(start, key)), relu(sub(key, end))); // [B, 1, T, S]
  return add(scores, mul(outside, masked));
}

/** [B, T, H, D] → [B·G, (H/G)·T, D]: the heads of a group side by side, so that one product serves them all. */
function queriesByGroup(q: Tensor, groups: number): Tensor {
  const [batch, columns, heads, dimension] = shapeOf(q);
  return reshape(transpose(q, [0, 2, 1, 3]), [batch * groups, (heads / groups) * columns, dimension]);
}

/** [B, S, G, D] → [B·G, S, D]. */
function keysByHead(k: Tensor): Tensor {
  const [batch, keys, groups, dimension] = shapeOf(k);
  return reshape(transpose(k, [0, 2, 1, 3]), [batch * groups, keys, dimension]);
}

/** [B, H, T, S] → [B·G, (H/G)·T, S]. */
function byGroup(x: Tensor, groups: number): Tensor {
  const [batch, heads, columns, keys] = shapeOf(x);
  return reshape(x, [batch * groups, (heads / groups) * columns, keys]);
}
