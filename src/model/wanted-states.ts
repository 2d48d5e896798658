// Which positions' states a loss reads. What the last layer computes of a position serves that position alone, but for its key and
// value: so of those that nobody reads it computes these two, and no more. Most of a chat batch is questions and lists of tools.
import { type Tensor1D, type Tensor3D, tensor1d, tensor3d } from '../tensor/tf.js';

export interface WantedStates {
  /** int32 [n]: among the states that the last layer gives. */
  order: Tensor1D;
  /** Of the last layer; absent: it computes all B·T positions. */
  queries?: WantedQueries;
}

/** Q positions of each row, in place of all T. A row of which fewer are wanted repeats its own; one without any, its first position. */
export interface WantedQueries {
  /** int32 [B·Q]: among B·T. */
  places: Tensor1D;
  /** As `ModelInput` has them, int32 [B·Q] and [B, Q, 2]. */
  positions: Tensor1D;
  ranges: Tensor3D;
}

/** With more of a row than this the last layer computes all: what is gathered takes time and memory, too. */
const maxShare = 0.75;

/** @param wanted rising, among the rows · columns positions of the batch; at least one. */
export function wantedStates(
  { rows, columns, positions, ranges }: { rows: number; columns: number; positions: Int32Array; ranges: Int32Array },
  wanted: Int32Array,
): WantedStates {
  const counts = new Int32Array(rows);
  for (const place of wanted) counts[Math.floor(place / columns)]++;
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  if (most > maxShare * columns) return { order: tensor1d(wanted, 'int32') };
  const places = Int32Array.from({ length: rows * most }, (_, i) => Math.floor(i / most) * columns);
  const order = new Int32Array(wanted.length);
  const filled = new Int32Array(rows);
  for (const [i, place] of wanted.entries()) {
    const row = Math.floor(place / columns);
    order[i] = row * most + filled[row]++;
    places[order[i]] = place;
  }
  for (const [row, count] of filled.entries()) {
    for (let i = count; count > 0 && i < most; i++) places[row * most + i] = places[row * most + (i % count)];
  }
  const ownRanges = new Int32Array(2 * places.length);
  for (const [i, place] of places.entries()) ownRanges.set(ranges.subarray(2 * place, 2 * place + 2), 2 * i);
  return {
    order: tensor1d(order, 'int32'),
    queries: {
      places: tensor1d(places, 'int32'),
      positions: tensor1d(
        places.map((place) => positions[place]),
        'int32',
      ),
      ranges: tensor3d(ownRanges, [rows, most, 2], 'int32'),
    },
  };
}
