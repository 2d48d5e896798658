// Keys and values of the tokens already read, so that decoding a token costs one column, not the whole row. One cache holds
// the columns of many sequences, each in a stretch of its own: which is whose, and how they are given out, is the
// engine's affair (inference/columns.ts).
import type { ModelConfig } from '../config/model.js';
import { storeColumns } from '../tensor/ops/store-columns.js';
import { concat, keep, slice, type Tensor4D, tidy, zeros } from '../tensor/tf.js';

export interface KeyValueCache {
  /** Columns there is room for. */
  capacity: number;
  /** Keys and values [1, capacity, G, D] of each layer. */
  layers: { keys: Tensor4D; values: Tensor4D }[];
}

/** A cache, and what one forward pass does with it. */
export interface CacheUse {
  cache: KeyValueCache;
  /** Where the keys and values of each of the B·T positions go; `capacity`: nowhere. */
  columns: readonly number[];
  /** Keys that a position sees, at most. */
  span: number;
}

export function createCache(config: ModelConfig, capacity: number): KeyValueCache {
  const { num_hidden_layers: layers, num_key_value_heads: groups, head_dim: dimension } = config;
  const room = (): Tensor4D => keep(zeros([1, capacity, groups, dimension]) as Tensor4D);
  return { capacity, layers: Array.from({ length: layers }, () => ({ keys: room(), values: room() })) };
}

/** Makes room for `columns`, in place; half as many again where it has to grow, but never more than `limit`. */
export function growCache(cache: KeyValueCache, columns: number, limit: number): void {
  if (columns <= cache.capacity) return;
  const capacity = Math.min(limit, Math.max(columns, Math.ceil(1.5 * cache.capacity)));
  replaceLayers(cache, (held) => {
    const [, , groups, dimension] = held.shape;
    const larger = concat([held, zeros([1, capacity - cache.capacity, groups, dimension]) as Tensor4D], 1);
    held.dispose();
    return larger;
  });
  cache.capacity = capacity;
}

/** Copies `count` columns from `from` on to those from `to` on; the two stretches do not overlap. */
export function copyColumns(cache: KeyValueCache, from: number, to: number, count: number): void {
  const columns = Array.from({ length: count }, (_, i) => to + i);
  replaceLayers(cache, (held) => {
    const [, , groups, dimension] = held.shape;
    return storeColumns(held, slice(held, [0, from, 0, 0], [1, count, groups, dimension]), columns);
  });
}

function replaceLayers(cache: KeyValueCache, change: (held: Tensor4D) => Tensor4D): void {
  for (const layer of cache.layers) {
    layer.keys = keep(tidy(() => change(layer.keys)));
    layer.values = keep(tidy(() => change(layer.values)));
  }
}

/** Stores this pass's keys and values [B, T, G, D]; returns all there are [1, capacity, G, D], which the cache owns. */
export function extendCache(
  { cache, columns }: CacheUse,
  layer: number,
  k: Tensor4D,
  v: Tensor4D,
): [keys: Tensor4D, values: Tensor4D] {
  const held = cache.layers[layer];
  held.keys = keep(storeColumns(held.keys, k, columns));
  held.values = keep(storeColumns(held.values, v, columns));
  return [held.keys, held.values];
}

export function disposeCache(cache: KeyValueCache): void {
  for (const { keys, values } of cache.layers) {
    keys.dispose();
    values.dispose();
  }
  cache.layers = [];
  cache.capacity = 0;
}
