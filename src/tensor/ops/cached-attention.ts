// Attention of new tokens of many sequences that share one cache: their keys and values go into columns of it, and each
// looks into the stretch that is its own. The native kernel writes in place, and lays the cache out as suits it; the
// portable body makes a new one, of columns one after the other. Either way the old one is given up.
import { checkTensor } from '../check.js';
import { registerOnce, runKernel, shapeOf } from '../op.js';
import {
  concat,
  gather,
  reshape,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  tensor3d,
} from '../tf.js';
import { attention } from './attention.js';

const attentionName = 'CachedAttention';
const copyName = 'CopyColumns';

/** Columns come in multiples of it. */
export const columnUnit = 64;

/** Keys and values [1, C, G, D] in an order that is the backend's affair; C is a multiple of `columnUnit`. */
export interface CacheTensors {
  keys: Tensor4D;
  values: Tensor4D;
}

/**
 * q [N, H, D], fresh k and v [N, G, D], ranges int32 [N, 2] (first and last column that a token sees), columns int32 [N]
 * (where its key and value go; C stands for nowhere) → [N, H, D], and the cache with them in it. No column may be named
 * twice. `twins` int32 [N, 2]: a column from which on there are the same keys and values as the first ones that the token
 * sees, and how many: neighbours with the same twin may read them together. Disposes the old cache. No gradient.
 */
export function cachedAttention(
  [q, k, v]: readonly [Tensor3D, Tensor3D, Tensor3D],
  { ranges, columns, twins }: { ranges: Tensor2D; columns: Tensor1D; twins?: Tensor2D },
  { keys, values }: CacheTensors,
): [out: Tensor3D, cache: CacheTensors] {
  const sizes = checkTensor('cachedAttention', 'q', q, ['N', 'H', 'D']);
  checkTensor('cachedAttention', 'k', k, ['N', 'G', 'D'], 'float32', sizes);
  checkTensor('cachedAttention', 'v', v, ['N', 'G', 'D'], 'float32', sizes);
  checkTensor('cachedAttention', 'ranges', ranges, ['N', 2], 'int32', sizes);
  checkTensor('cachedAttention', 'columns', columns, ['N'], 'int32', sizes);
  if (twins !== undefined) checkTensor('cachedAttention', 'twins', twins, ['N', 2], 'int32', sizes);
  checkCache('cachedAttention', { keys, values }, sizes);
  if (q.shape[1] % k.shape[1] !== 0) {
    throw new TypeError(`cachedAttention: ${q.shape[1]} heads cannot share ${k.shape[1]} key/value heads evenly`);
  }
  const inputs = [q, k, v, ranges, columns, keys, values, ...(twins === undefined ? [] : [twins])];
  const [out, ...cache] = runKernel(attentionName, inputs, {});
  keys.dispose();
  values.dispose();
  return [out as Tensor3D, { keys: cache[0] as Tensor4D, values: cache[1] as Tensor4D }];
}

/** Columns of a cache that are to stand elsewhere in it too: `count` from `from` on, and from each of `to` on. No two of these stretches overlap. */
export interface ColumnCopies {
  from: number;
  to: readonly number[];
  count: number;
}

/** The cache with these copies in it. Disposes the old one. */
export function copyColumns({ keys, values }: CacheTensors, { from, to, count }: ColumnCopies): CacheTensors {
  checkCache('copyColumns', { keys, values });
  const isInside = [from, ...to].every((first) => first >= 0 && first + count <= keys.shape[1]);
  if (!isInside)
    throw new TypeError(`copyColumns: ${count} from ${from} to ${to} in a cache of ${keys.shape[1]} columns`);
  const result = runKernel(copyName, [keys, values], { from, to: [...to], count });
  keys.dispose();
  values.dispose();
  return { keys: result[0] as Tensor4D, values: result[1] as Tensor4D };
}

function checkCache(op: string, { keys, values }: CacheTensors, sizes?: Map<string, number>): void {
  const known = checkTensor(op, 'keys', keys, [1, 'C', 'G', 'D'], 'float32', sizes);
  checkTensor(op, 'values', values, [1, 'C', 'G', 'D'], 'float32', known);
  if (keys.shape[1] % columnUnit !== 0) {
    throw new TypeError(`${op}: columns come in multiples of ${columnUnit}, got ${keys.shape[1]}`);
  }
}

/** Gives `backend` the portable bodies, unless it brought kernels of its own. */
export function registerCachedAttention(backend: string): void {
  registerOnce(attentionName, backend, ([q, k, v, ranges, columns, keys, values]) => {
    const places = columns.dataSync() as Int32Array;
    const cache = { keys: stored(keys as Tensor4D, k, places), values: stored(values as Tensor4D, v, places) };
    const own = attendByRuns(q as Tensor3D, ranges.dataSync() as Int32Array, cache);
    return [own, cache.keys, cache.values];
  });
  registerOnce(copyName, backend, (cache, attributes) => {
    const { from, to, count } = attributes as unknown as ColumnCopies;
    return cache.map((held) => {
      const [, capacity] = shapeOf(held);
      const source = Int32Array.from({ length: capacity }, (_, column) => column);
      for (const first of to) for (let i = 0; i < count; i++) source[first + i] = from + i;
      return gather(held, tensor1d(source, 'int32'), 1);
    });
  });
}

/** The cache with row i of the fresh ones at column `columns[i]`. */
function stored(held: Tensor4D, fresh: Tensor, columns: Int32Array): Tensor4D {
  const { shape } = held;
  const [, capacity, groups, dimension] = shape;
  const from = Int32Array.from({ length: capacity + 1 }, (_, column) => column);
  columns.forEach((column, i) => {
    if (column < 0 || column > capacity) throw new RangeError(`column ${column} is not within 0 … ${capacity}`);
    from[column] = capacity + i;
  });
  const all = concat([reshape(held, [capacity, groups * dimension]), reshape(fresh, [-1, groups * dimension])], 0);
  return reshape(gather(all, tensor1d(from.subarray(0, capacity), 'int32')), shape) as Tensor4D;
}

/** Neighbouring tokens whose stretches begin at the same column are attended to as one row of queries; single ones together. */
function attendByRuns(q: Tensor3D, ranges: Int32Array, cache: CacheTensors): Tensor3D {
  const [count, heads, dimension] = q.shape;
  const parts: Tensor3D[] = [];
  for (let i = 0, next: number; i < count; i = next) {
    const runEnd = (at: number): number => {
      let end = at + 1;
      while (end < count && ranges[2 * end] === ranges[2 * at]) end++;
      return end;
    };
    next = runEnd(i);
    const isSingle = next === i + 1;
    while (isSingle && next < count && runEnd(next) === next + 1) next++;
    const rows = isSingle ? next - i : 1;
    const length = next - i;
    const own = slice(q, [i, 0, 0], [length, heads, dimension]);
    const queries = reshape(own, [rows, length / rows, heads, dimension]) as Tensor4D;
    const part = attendRows(queries, ranges.subarray(2 * i, 2 * next), cache);
    parts.push(reshape(part, [next - i, heads, dimension]) as Tensor3D);
  }
  return parts.length === 1 ? parts[0] : concat(parts, 0);
}

/** q [B, T, H, D]: each row's keys are gathered from its first one on, none beyond its last one. */
function attendRows(q: Tensor4D, ranges: Int32Array, { keys, values }: CacheTensors): Tensor4D {
  const [rows, tokens] = q.shape;
  const [, , groups, dimension] = keys.shape;
  const firsts = Array.from({ length: rows }, (_, row) => ranges[2 * row * tokens]);
  const lasts = firsts.map((_, row) => {
    const own = ranges.subarray(2 * row * tokens, 2 * (row + 1) * tokens).filter((_, i) => i % 2 === 1);
    return own.reduce((most, last) => Math.max(most, last), 0);
  });
  const span = firsts.reduce((most, first, row) => Math.max(most, lasts[row] - first + 1), 0);
  // What lies beyond belongs to others: were it NaN, no mask would undo it.
  const ids = Int32Array.from({ length: rows * span }, (_, i) => {
    const row = Math.floor(i / span);
    return Math.min(lasts[row], firsts[row] + (i % span));
  });
  const own = (x: Tensor4D): Tensor4D =>
    reshape(gather(x, tensor1d(ids, 'int32'), 1), [rows, span, groups, dimension]) as Tensor4D;
  const relative = ranges.map((column, i) => column - firsts[Math.floor(i / (2 * tokens))]);
  return attention(q, own(keys), own(values), tensor3d(relative, [rows, tokens, 2], 'int32'));
}
