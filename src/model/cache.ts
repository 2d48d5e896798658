// Keys and values of the tokens already read, so that decoding a token costs one column, not the whole row.
// There is room for more columns than are used: a new one is written into its place.
import { embedding } from '../tensor/ops/embedding.js';
import { storeColumns } from '../tensor/ops/store-columns.js';
import { concat, keep, reshape, type Tensor2D, type Tensor4D, tensor1d, tidy, zeros } from '../tensor/tf.js';

export interface KeyValueCache {
  /** Per layer: keys and values [B, capacity, G, D], oldest first; absent before the first call. */
  layers: ({ keys: Tensor4D; values: Tensor4D; used: number } | undefined)[];
}

/** Columns by which the room grows at least. */
const step = 64;

export function createCache(layers: number): KeyValueCache {
  return { layers: Array.from({ length: layers }, () => undefined) };
}

/**
 * Appends this step's keys and values [B, T, G, D]; returns all of them [B, capacity, G, D], which the cache owns.
 * Columns past those appended hold zeros or nothing meaningful: the caller's ranges leave them out.
 */
export function extendCache(cache: KeyValueCache, layer: number, k: Tensor4D, v: Tensor4D): [Tensor4D, Tensor4D] {
  const before = cache.layers[layer];
  const at = before?.used ?? 0;
  const append = (held: Tensor4D | undefined, fresh: Tensor4D): Tensor4D =>
    keep(storeColumns(withRoom(held, at + fresh.shape[1], fresh), fresh, at));
  const grown = { keys: append(before?.keys, k), values: append(before?.values, v), used: at + k.shape[1] };
  cache.layers[layer] = grown;
  return [grown.keys, grown.values];
}

/** Keeps these rows of the batch, in this order, and forgets the others. */
export function selectRows(cache: KeyValueCache, rows: readonly number[]): void {
  const select = (held: Tensor4D): Tensor4D => {
    const chosen = tidy(() => {
      const flat = reshape(held, [held.shape[0], -1]) as Tensor2D;
      return reshape(embedding(flat, tensor1d([...rows], 'int32')), [rows.length, ...held.shape.slice(1)]);
    });
    held.dispose();
    return keep(chosen) as Tensor4D;
  };
  for (const layer of cache.layers) {
    if (layer === undefined) continue;
    layer.keys = select(layer.keys);
    layer.values = select(layer.values);
  }
}

export function disposeCache(cache: KeyValueCache): void {
  for (const layer of cache.layers) {
    layer?.keys.dispose();
    layer?.values.dispose();
  }
  cache.layers = cache.layers.map(() => undefined);
}

/** `held`, or its content in a tensor of at least `columns` columns; `held` is disposed then. */
function withRoom(held: Tensor4D | undefined, columns: number, like: Tensor4D): Tensor4D {
  const capacity = held?.shape[1] ?? 0;
  if (held !== undefined && capacity >= columns) return held;
  const [batch, , groups, dimension] = like.shape;
  const wanted = Math.ceil(Math.max(columns, capacity * 1.5) / step) * step;
  const grown = tidy(() => {
    const room = zeros([batch, wanted - capacity, groups, dimension]) as Tensor4D;
    return held === undefined ? room : concat([held, room], 1);
  });
  held?.dispose();
  return grown;
}
