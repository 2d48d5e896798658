// Writes rows of keys or values into columns of a cache, each where its owner wants it: how sequences that share one cache
// grow without being copied. The native kernel writes in place; the portable body makes a new tensor. Either way the old
// one is given up.
import { checkTensor } from '../check.js';
import { registerOnce, runKernel, shapeOf } from '../op.js';
import { concat, gather, reshape, type Tensor, type Tensor4D, tensor1d } from '../tf.js';

const kernelName = 'StoreColumns';

/**
 * cache [1, C, G, D], fresh [B, T, G, D] → cache with row i of the B·T fresh ones at column `columns[i]`; C stands for
 * nowhere. No column may be named twice. Disposes `cache`.
 */
export function storeColumns(cache: Tensor4D, fresh: Tensor4D, columns: readonly number[]): Tensor4D {
  const sizes = checkTensor('storeColumns', 'cache', cache, [1, 'C', 'G', 'D']);
  checkTensor('storeColumns', 'fresh', fresh, ['B', 'T', 'G', 'D'], 'float32', sizes);
  const [batch, count] = fresh.shape;
  const capacity = cache.shape[1];
  if (columns.length !== batch * count) {
    throw new TypeError(`storeColumns: ${batch * count} columns are needed, got ${columns.length}`);
  }
  const wrong = columns.find((at) => !Number.isInteger(at) || at < 0 || at > capacity);
  if (wrong !== undefined) throw new TypeError(`storeColumns: column ${wrong} is not within 0 … ${capacity}`);
  const [result] = runKernel(kernelName, [cache, fresh], { columns: columns as number[] });
  cache.dispose();
  return result as Tensor4D;
}

/** Gives `backend` the portable body, unless it brought a kernel of its own. */
export function registerStoreColumns(backend: string): void {
  registerOnce(kernelName, backend, ([cache, fresh], attributes) => {
    const shape = shapeOf(cache);
    const [, capacity, groups, dimension] = shape;
    const rows = (x: Tensor): Tensor => reshape(x, [-1, groups * dimension]);
    const from = Int32Array.from({ length: capacity + 1 }, (_, column) => column);
    (attributes.columns as number[]).forEach((column, i) => {
      from[column] = capacity + i;
    });
    const all = concat([rows(cache), rows(fresh)], 0);
    return [reshape(gather(all, tensor1d(from.subarray(0, capacity), 'int32')), shape)];
  });
}
