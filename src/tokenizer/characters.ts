// Whole characters before anything else: a character that is left as bytes is three tokens which it shares with hundreds of
// others, and a small model garbles it when it copies. The merges that spell the most frequent characters come first.
import type { PieceTable } from './piece-table.js';

/**
 * The characters of two bytes and more that make up `coverage` (0 to 1) of all such characters of the pieces, the most
 * frequent first, as UTF-8 bytes.
 */
export function frequentCharacters({ size, bytes, starts, counts }: PieceTable, coverage: number): Uint8Array[] {
  if (coverage === 0) return [];
  const sums = new Map<string, number>();
  let total = 0;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (let piece = 0; piece < size; piece++) {
    for (const character of decoder.decode(bytes.subarray(starts[piece], starts[piece + 1]))) {
      if (character < '\u0080') continue;
      sums.set(character, (sums.get(character) ?? 0) + counts[piece]);
      total += counts[piece];
    }
  }
  const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
  const wanted: Uint8Array[] = [];
  let covered = 0;
  for (const [character, count] of [...sums].sort((a, b) => b[1] - a[1] || codeOf(a[0]) - codeOf(b[0]))) {
    if (covered >= coverage * total) break;
    covered += count;
    wanted.push(Buffer.from(character));
  }
  return wanted;
}
