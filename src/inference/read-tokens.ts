// One forward pass over pieces of many sequences: a row each, padded on the right to the longest. Every row looks into a
// stretch of its own of the one cache, so that rows of any age decode side by side.
import type { CacheUse, KeyValueCache } from '../model/cache.js';
import { forward, logits, modelInput } from '../model/forward.js';
import type { Model } from '../model/model.js';
import { embedding } from '../tensor/ops/embedding.js';
import { type Tensor2D, tensor1d, tidy, zeros } from '../tensor/tf.js';

export interface Piece {
  /** Ids to read, at least one. */
  ids: readonly number[];
  /** How many tokens of the sequence are in the cache already. */
  from: number;
  /** The cache's column of the sequence's first token. */
  start: number;
  /** Those of `ids`, by their place among them, whose logits are wanted. */
  wanted: readonly number[];
}

/**
 * Reads the pieces into the cache, which has room for them. The logits [rows, V] after the wanted tokens, piece by piece
 * and in the order of `wanted`; they are the caller's to dispose.
 */
export function readTokens(model: Model, cache: KeyValueCache, pieces: readonly Piece[]): Tensor2D {
  const rows = pieces.length;
  const columns = Math.max(...pieces.map(({ ids }) => ids.length));
  const tokens = new Int32Array(rows * columns).fill(model.config.pad_token_id);
  const positions = new Int32Array(rows * columns);
  const ranges = new Int32Array(rows * columns * 2);
  const places = new Array<number>(rows * columns).fill(cache.capacity); // padding goes nowhere
  const wanted: number[] = [];
  for (const [row, { ids, from, start, wanted: own }] of pieces.entries()) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      const isRead = column < ids.length;
      // Padding sees the first token of its row: it must attend to something, and nothing attends to it.
      ranges[2 * at] = start;
      ranges[2 * at + 1] = isRead ? start + from + column : start;
      if (!isRead) continue;
      tokens[at] = ids[column];
      positions[at] = from + column;
      places[at] = start + from + column;
    }
    wanted.push(...own.map((i) => row * columns + i));
  }
  const use: CacheUse = { cache, columns: places, span: Math.max(...pieces.map(({ ids, from }) => from + ids.length)) };
  return tidy(() => {
    const hidden = forward(model, modelInput({ rows, columns, tokens, positions, ranges }), { cache: use });
    if (wanted.length === 0) return zeros([0, model.config.vocab_size]) as Tensor2D;
    const chosen = wanted.length === rows * columns ? hidden : embedding(hidden, tensor1d(wanted, 'int32'));
    return logits(model, chosen);
  });
}
