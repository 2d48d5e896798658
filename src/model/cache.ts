// Keys and values of the tokens already read, so that decoding a token costs one column, not the whole row. One cache holds
// the columns of many sequences, each in a stretch of its own: which is whose, and how they are given out, is the
// engine's affair (inference/columns.ts).
import type { ModelConfig } from '../config/model.js';
import * as ops from '../tensor/ops/cached-attention.js';
import { concat, fill, keep, reshape, type Tensor1D, type Tensor2D, type Tensor4D, tidy } from '../tensor/tf.js';

export interface KeyValueCache {
  /** Columns there is room for. */
  capacity: number;
  /** Keys and values of each layer. */
  layers: ops.CacheTensors[];
}

/** A cache, and what one forward pass does with it. */
export interface CacheUse {
  cache: KeyValueCache;
  /** int32 [B·T]: where the key and value of each position go; `capacity`: nowhere. */
  columns: Tensor1D;
  /** int32 [B·T, 2]: where the same lies as each position sees first, and how many columns of it. */
  twins?: Tensor2D;
}

/** With room for at least `columns`. */
export function createCache(config: ModelConfig, columns: number): KeyValueCache {
  const { num_hidden_layers: layers, num_key_value_heads: groups, head_dim: dimension } = config;
  const capacity = whole(columns);
  const room = (): Tensor4D => keep(zeroed(capacity, groups, dimension));
  return { capacity, layers: Array.from({ length: layers }, () => ({ keys: room(), values: room() })) };
}

/** Filled by the backend: an array of zeros would be as large again. */
const zeroed = (columns: number, groups: number, dimension: number): Tensor4D =>
  fill([1, columns, groups, dimension], 0) as Tensor4D;

const whole = (columns: number): number => Math.ceil(columns / ops.columnUnit) * ops.columnUnit;

/** Makes room for `columns`, in place; half as many again where it has to grow, but never more than `limit`. */
export function growCache(cache: KeyValueCache, columns: number, limit: number): void {
  if (columns <= cache.capacity) return;
  const capacity = whole(Math.min(limit, Math.max(columns, Math.ceil(1.5 * cache.capacity))));
  const larger = (held: Tensor4D): Tensor4D => {
    const [, , groups, dimension] = held.shape;
    const more = concat([held, zeroed(capacity - cache.capacity, groups, dimension)], 1);
    held.dispose();
    return more;
  };
  replaceLayers(cache, ({ keys, values }) => ({ keys: larger(keys), values: larger(values) }));
  cache.capacity = capacity;
}

/** Copies columns in place. */
export function copyColumns(cache: KeyValueCache, copies: ops.ColumnCopies): void {
  replaceLayers(cache, (layer) => ops.copyColumns(layer, copies));
}

function replaceLayers(cache: KeyValueCache, change: (layer: ops.CacheTensors) => ops.CacheTensors): void {
  cache.layers = cache.layers.map((layer) => {
    const [keys, values] = tidy(() => {
      const changed = change(layer);
      return [changed.keys, changed.values];
    });
    return { keys: keep(keys), values: keep(values) };
  });
}

/** Attention of the queries [N, H, D] over a layer of the cache, with this pass's keys and values [N, G, D] in it. */
export function attendCached(
  { cache, ...places }: CacheUse,
  layer: number,
  [q, k, v]: readonly [Tensor4D, Tensor4D, Tensor4D],
  ranges: Tensor2D,
): Tensor4D {
  const flat = (x: Tensor4D) => reshape(x, [-1, ...x.shape.slice(2)]) as never;
  const [out, held] = ops.cachedAttention([flat(q), flat(k), flat(v)], { ranges, ...places }, cache.layers[layer]);
  cache.layers[layer] = { keys: keep(held.keys), values: keep(held.values) };
  return reshape(out, q.shape);
}

export function disposeCache(cache: KeyValueCache): void {
  for (const { keys, values } of cache.layers) {
    keys.dispose();
    values.dispose();
  }
  cache.layers = [];
  cache.capacity = 0;
}
