// Byte-pair encoding of one piece: start from bytes, always join the neighbours whose merge was learnt earliest
// (leftmost first) until none is left. Short pieces scan for the best pair; long ones keep a heap, O(n log n).

/** Merge rules in the order learnt: `left[r]` and `right[r]` become `result[r]`. All are token ids. */
export interface Merges {
  left: Int32Array;
  right: Int32Array;
  result: Int32Array;
}

const noRank = 0x7fffffff;
const longPiece = 64;

export class Bpe {
  readonly #byteIds: Int32Array;
  readonly #hasAllBytes: boolean;
  readonly #merges: Merges;
  readonly #slots: Int32Array; // open addressing: rank + 1, or 0
  readonly #mask: number;
  #symbols = new Int32Array(256);
  readonly #ranks = new Int32Array(longPiece);

  /** @param byteIds [256] the id of each byte; -1: it has none and is left out, as Hugging Face's library does. */
  constructor(byteIds: Int32Array, merges: Merges) {
    this.#byteIds = byteIds;
    this.#hasAllBytes = byteIds.every((id) => id >= 0);
    this.#merges = merges;
    const capacity = 2 ** Math.ceil(Math.log2(2 * merges.left.length + 2));
    this.#mask = capacity - 1;
    this.#slots = new Int32Array(capacity);
    for (let rank = 0; rank < merges.left.length; rank++) {
      let slot = hashPair(merges.left[rank], merges.right[rank]) & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = rank + 1;
    }
  }

  /** Token ids of a piece of text; lone surrogates count as U+FFFD. */
  encodePiece(piece: string): number[] {
    if (this.#symbols.length < piece.length * 3) this.#symbols = new Int32Array(piece.length * 3);
    return this.#merge(this.#withIds(this.#textToSymbols(piece)));
  }

  /** Token ids of raw bytes taken as one piece. */
  encodeBytes(bytes: Uint8Array): number[] {
    if (this.#symbols.length < bytes.length) this.#symbols = new Int32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) this.#symbols[i] = this.#byteIds[bytes[i]];
    return this.#merge(this.#withIds(bytes.length));
  }

  /** Moves the symbols that have an id together. Returns how many they are. */
  #withIds(length: number): number {
    if (this.#hasAllBytes) return length;
    let kept = 0;
    for (let i = 0; i < length; i++) if (this.#symbols[i] >= 0) this.#symbols[kept++] = this.#symbols[i];
    return kept;
  }

  #merge(length: number): number[] {
    return length <= longPiece ? this.#mergeShort(length) : this.#mergeLong(length);
  }

  #rank(left: number, right: number): number {
    const merges = this.#merges;
    let slot = hashPair(left, right) & this.#mask;
    for (;;) {
      const rank = this.#slots[slot] - 1;
      if (rank < 0) return noRank;
      if (merges.left[rank] === left && merges.right[rank] === right) return rank;
      slot = (slot + 1) & this.#mask;
    }
  }

  #mergeShort(length: number): number[] {
    const symbols = this.#symbols;
    const ranks = this.#ranks;
    let count = length;
    for (let i = 0; i + 1 < count; i++) ranks[i] = this.#rank(symbols[i], symbols[i + 1]);
    while (count > 1) {
      let best = 0;
      for (let i = 1; i + 1 < count; i++) if (ranks[i] < ranks[best]) best = i;
      if (ranks[best] === noRank) break;
      symbols[best] = this.#merges.result[ranks[best]];
      count--;
      for (let i = best + 1; i < count; i++) {
        symbols[i] = symbols[i + 1];
        ranks[i] = ranks[i + 1];
      }
      if (best > 0) ranks[best - 1] = this.#rank(symbols[best - 1], symbols[best]);
      if (best + 1 < count) ranks[best] = this.#rank(symbols[best], symbols[best + 1]);
    }
    return Array.from(symbols.subarray(0, count));
  }

  /** A linked list of symbols and a heap of (rank, position), the stale entries of which are skipped. */
  #mergeLong(length: number): number[] {
    const symbols = this.#symbols.slice(0, length);
    const ranks = new Int32Array(length).fill(noRank);
    const next = Int32Array.from({ length }, (_, i) => i + 1);
    const previous = Int32Array.from({ length }, (_, i) => i - 1);
    const heap = new NumberHeap();
    const offer = (position: number): void => {
      const rank = next[position] < length ? this.#rank(symbols[position], symbols[next[position]]) : noRank;
      ranks[position] = rank;
      if (rank !== noRank) heap.push(rank * 2 ** 30 + position);
    };
    for (let i = 0; i < length; i++) offer(i);
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const position = top % 2 ** 30;
      const rank = (top - position) / 2 ** 30;
      if (ranks[position] !== rank) continue;
      const gone = next[position];
      symbols[position] = this.#merges.result[rank];
      ranks[gone] = noRank;
      next[position] = next[gone];
      if (next[gone] < length) previous[next[gone]] = position;
      offer(position);
      if (previous[position] >= 0) offer(previous[position]);
    }
    const ids: number[] = [];
    for (let i = 0; i < length; i = next[i]) ids.push(symbols[i]);
    return ids;
  }

  /** UTF-8 by hand: for pieces of a few characters, several times faster than calling TextEncoder. */
  #textToSymbols(piece: string): number {
    const ids = this.#byteIds;
    const symbols = this.#symbols;
    let length = 0;
    for (let i = 0; i < piece.length; i++) {
      let code = piece.charCodeAt(i);
      if (code < 0x80) {
        symbols[length++] = ids[code];
        continue;
      }
      if (code < 0x800) {
        symbols[length++] = ids[0xc0 | (code >> 6)];
      } else {
        if (code >= 0xd800 && code <= 0xdfff) code = piece.codePointAt(i) ?? code;
        if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
        if (code > 0xffff) {
          i++;
          symbols[length++] = ids[0xf0 | (code >> 18)];
          symbols[length++] = ids[0x80 | ((code >> 12) & 63)];
        } else {
          symbols[length++] = ids[0xe0 | (code >> 12)];
        }
        symbols[length++] = ids[0x80 | ((code >> 6) & 63)];
      }
      symbols[length++] = ids[0x80 | (code & 63)];
    }
    return length;
  }
}

/** A hash of two ids: 32 bits, of which the lowest are good. */
export function hashPair(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** A binary min-heap of numbers. */
class NumberHeap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent] <= item) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1] < items[child]) child++;
      if (items[child] >= last) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return top;
  }
}
