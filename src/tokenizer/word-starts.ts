// A word is cut alike with and without a space before it. Ordinary BPE joins the space with the first letters early, so that
// " whistle" and the "whistle" of a quotation share no token, and copying one as the other is translating. Here merges are
// learnt from words without what stands before them, and a space joins the finished first piece, after all other merges.
import { PieceTable } from './piece-table.js';

const spaceByte = 32;

export interface BareWords {
  /** Pieces without the space or mark before them. */
  pieces: PieceTable;
  /** By piece: its weight where a space stood before it. */
  spaced: Float64Array;
}

/** What a regex takes together with the word after it, a space or a mark of ASCII, is cut off. */
export function bareWords(table: PieceTable): BareWords {
  const pieces = new PieceTable();
  const spaced: number[] = [];
  for (let piece = 0; piece < table.size; piece++) {
    const start = table.starts[piece];
    const end = table.starts[piece + 1];
    // Not white space before white space.
    const isSpaced = table.bytes[start] === spaceByte && end > start + 1 && table.bytes[start + 1] > spaceByte;
    const from = isSpaced || isMarked(table.bytes, start, end) ? start + 1 : start;
    const index = pieces.addBytes(table.bytes.subarray(from, end), table.counts[piece]);
    spaced[index] = (spaced[index] ?? 0) + (isSpaced ? table.counts[piece] : 0);
  }
  return { pieces, spaced: Float64Array.from(spaced) };
}

/** A mark or a tab and then a letter. */
function isMarked(bytes: Uint8Array, start: number, end: number): boolean {
  return end > start + 1 && bytes[start] < 128 && !isLetter(bytes[start]) && isLetter(bytes[start + 1]);
}

/** Of ASCII, or a byte of a character beyond it. */
function isLetter(byte: number): boolean {
  return byte >= 128 || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

/** Tokens worth a twin with a space before it: seen after a space at least `least` times; the most frequent first. */
export function twinsWorth(firsts: Float64Array, least: number): number[] {
  const worth = Array.from(firsts.keys()).filter((id) => firsts[id] >= least && firsts[id] > 0);
  return worth.sort((a, b) => firsts[b] - firsts[a] || a - b);
}
