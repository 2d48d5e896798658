// Whole characters before anything else: a character that is left as bytes is three tokens which it shares with hundreds of
// others, and a small model garbles it when it copies. The merges that spell the most frequent characters come first.
import type { PieceTable } from './piece-table.js';

/**
 * The characters of two bytes and more that make up `coverage` (0 to 1) of all such characters of the pieces, the most
 * frequent first, as UTF-8 bytes.
 */
export function frequentCharacters(pieces: PieceTable, coverage: number): number[][] {
  const counts = new Map<number, number>();
  let total = 0;
  for (let piece = 0; piece < pieces.size; piece++) {
    const end = pieces.starts[piece + 1];
    for (let at = pieces.starts[piece]; at < end; ) {
      const length = characterLength(pieces.bytes[at]);
      if (length > 1 && at + length <= end) {
        let code = 0;
        for (let i = 0; i < length; i++) code = code * 256 + pieces.bytes[at + i];
        counts.set(code, (counts.get(code) ?? 0) + pieces.counts[piece]);
        total += pieces.counts[piece];
      }
      at += length;
    }
  }
  const wanted: number[][] = [];
  let covered = 0;
  for (const [code, count] of [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])) {
    if (covered >= coverage * total) break;
    covered += count;
    wanted.push(bytesOf(code));
  }
  return wanted;
}

function characterLength(lead: number): number {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

function bytesOf(code: number): number[] {
  const bytes: number[] = [];
  for (let rest = code; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}
