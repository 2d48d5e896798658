// Sequences that are scored as wholes: what counts of each is its last token, as an input. A sequence of n tokens has n − 1
// inputs, so one more stands behind the last, which nobody reads.
import type { TokenBatch, TokenSequence } from './types.js';

/** The weight of the position that a sequence is scored at. Those with weight 1 are predictions that count beside it. */
const scoredWeight = 2;

/** @param predicted 1 for each token whose prediction counts too; default: none. */
export function scoredSequence(
  { id, tokens }: { id: string; tokens: ArrayLike<number> },
  padId: number,
  predicted?: ArrayLike<number>,
): TokenSequence {
  const loss = predicted === undefined ? new Array<number>(tokens.length).fill(0) : Array.from(predicted);
  return { id, tokens: [...Array.from(tokens), padId], loss: [...loss, scoredWeight] };
}

/** Where each sequence of the batch is scored, by owner, among its rows × columns positions. */
export function scoredPositions(batch: TokenBatch): Int32Array {
  const found = new Int32Array(batch.ids.length);
  batch.weights.forEach((weight, position) => {
    if (weight === scoredWeight) found[batch.owners[position]] = position;
  });
  return found;
}

/** The positions whose predictions count, in order. */
export function predictedPositions(batch: TokenBatch): Int32Array {
  return Int32Array.from(batch.weights.keys()).filter((position) => batch.weights[position] === 1);
}
