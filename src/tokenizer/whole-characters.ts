// Which characters BPE may start from whole, in place of their bytes, without changing a single id: most Chinese
// characters are tokens of their own, and putting their bytes together is most of the work.
//
// Where every token is made before it is used, BPE applies its merges in the order of their ranks. Then the bytes of a
// character join up in the same way wherever it is, unless a merge takes one of its parts across its edge first: a
// space with the first byte of what follows, say. A character that this could happen to is left to its bytes.
import { type Merges, noRank, type PairRanks } from './pair-ranks.js';

/** [65536]: the token that each UTF-16 unit may be at once; -1: start from its bytes. */
export function wholeCharacters(byteIds: Int32Array, merges: Merges, ranks: PairRanks): Int32Array {
  const whole = new Int32Array(0x10000).fill(-1);
  whole.set(byteIds.subarray(0, 0x80));
  // A byte without a token is skipped, which puts bytes side by side that do not follow each other in the text.
  if (byteIds.includes(-1) || !isOrdered(merges)) return whole;
  const { before, after } = firstAcross(byteIds, merges);
  const { result } = merges;
  for (let unit = 0x80; unit < 0x800; unit++) {
    const [first, last] = [byteIds[0xc0 | (unit >> 6)], byteIds[0x80 | (unit & 63)]];
    const rank = ranks.of(first, last);
    if (rank < before[first] && rank < after[last]) whole[unit] = result[rank];
  }
  for (let unit = 0x800; unit < 0x10000; unit++) {
    if (unit >= 0xd800 && unit <= 0xdfff) continue;
    const first = byteIds[0xe0 | (unit >> 12)];
    const middle = byteIds[0x80 | ((unit >> 6) & 63)];
    const last = byteIds[0x80 | (unit & 63)];
    const [head, tail] = [ranks.of(first, middle), ranks.of(middle, last)];
    if (head === tail) continue; // neither can be joined
    const [left, right] = head < tail ? [result[head], last] : [first, result[tail]];
    const rank = ranks.of(left, right);
    const headIsSafe = head > tail || head < before[first];
    const tailIsSafe = head < tail || tail < after[last];
    if (headIsSafe && tailIsSafe && rank < before[left] && rank < after[right]) whole[unit] = result[rank];
  }
  return whole;
}

/** Whether no merge that makes a token comes after one that uses it. */
function isOrdered({ left, right, result }: Merges): boolean {
  const isUsed = new Uint8Array(sizeFor(result));
  for (let rank = 0; rank < result.length; rank++) {
    isUsed[left[rank]] = 1;
    isUsed[right[rank]] = 1;
    if (isUsed[result[rank]] === 1) return false;
  }
  return true;
}

/**
 * Of each token, the rank of the first merge with what comes before it, and with what comes after it if that is the
 * start of a character.
 */
function firstAcross(byteIds: Int32Array, merges: Merges): { before: Int32Array; after: Int32Array } {
  const size = sizeFor(byteIds, merges.result);
  const before = new Int32Array(size).fill(noRank);
  const after = new Int32Array(size).fill(noRank);
  const startsInside = new Uint8Array(size);
  for (const id of byteIds.subarray(0x80, 0xc0)) startsInside[id] = 1;
  for (const [rank, result] of merges.result.entries()) {
    const [left, right] = [merges.left[rank], merges.right[rank]];
    startsInside[result] = startsInside[left];
    if (startsInside[right] === 0) after[left] = Math.min(after[left], rank);
    before[right] = Math.min(before[right], rank);
  }
  return { before, after };
}

function sizeFor(...ids: Int32Array[]): number {
  return 1 + ids.reduce((most, list) => list.reduce((a, b) => Math.max(a, b), most), 0);
}
