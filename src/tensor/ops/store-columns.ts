// Writes new columns into a longer tensor: how a cache of keys and values grows by a token without being copied.
// The native kernel writes in place; the portable body makes a new tensor. Either way the old one is given up.
import { checkTensor } from '../check.js';
import { registerOnce, runKernel, shapeOf } from '../op.js';
import { concat, slice, type Tensor, type Tensor4D } from '../tf.js';

const kernelName = 'StoreColumns';

/** cache [B, C, G, D], fresh [B, T, G, D] → cache with columns at … at + T − 1 replaced. Disposes `cache`. */
export function storeColumns(cache: Tensor4D, fresh: Tensor4D, at: number): Tensor4D {
  const sizes = checkTensor('storeColumns', 'cache', cache, ['B', 'C', 'G', 'D']);
  checkTensor('storeColumns', 'fresh', fresh, ['B', 'T', 'G', 'D'], 'float32', sizes);
  if (!Number.isInteger(at) || at < 0 || at + fresh.shape[1] > cache.shape[1]) {
    throw new TypeError(`storeColumns: ${fresh.shape[1]} columns at ${at} do not fit into ${cache.shape[1]}`);
  }
  const [result] = runKernel(kernelName, [cache, fresh], { at });
  cache.dispose();
  return result as Tensor4D;
}

/** Gives `backend` the portable body, unless it brought a kernel of its own. */
export function registerStoreColumns(backend: string): void {
  registerOnce(kernelName, backend, ([cache, fresh], attributes) => {
    const at = attributes.at as number;
    const [batch, columns, groups, dimension] = shapeOf(cache);
    const end = at + shapeOf(fresh)[1];
    const part = (from: number, to: number): Tensor[] =>
      to > from ? [slice(cache, [0, from, 0, 0], [batch, to - from, groups, dimension])] : [];
    return [concat([...part(0, at), fresh, ...part(end, columns)], 1)];
  });
}
