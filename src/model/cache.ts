// Keys and values of the tokens already read, so that decoding a token costs one column, not the whole row.
import { clone, concat, keep, type Tensor4D } from '../tensor/tf.js';

export interface KeyValueCache {
  /** Per layer: keys and values [B, S, G, D], oldest first; absent before the first call. */
  layers: ({ keys: Tensor4D; values: Tensor4D } | undefined)[];
}

export function createCache(layers: number): KeyValueCache {
  return { layers: Array.from({ length: layers }, () => undefined) };
}

/** Appends this step's keys and values [B, T, G, D]; returns all of them, which the cache owns. */
export function extendCache(cache: KeyValueCache, layer: number, k: Tensor4D, v: Tensor4D): [Tensor4D, Tensor4D] {
  const before = cache.layers[layer];
  const keys = keep(before === undefined ? clone(k) : concat([before.keys, k], 1));
  const values = keep(before === undefined ? clone(v) : concat([before.values, v], 1));
  before?.keys.dispose();
  before?.values.dispose();
  cache.layers[layer] = { keys, values };
  return [keys, values];
}

export function disposeCache(cache: KeyValueCache): void {
  for (const layer of cache.layers) {
    layer?.keys.dispose();
    layer?.values.dispose();
  }
  cache.layers = cache.layers.map(() => undefined);
}
