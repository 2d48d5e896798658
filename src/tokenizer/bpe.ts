// Byte-pair encoding of one piece: start from bytes, always join the neighbours whose merge was learnt earliest
// (leftmost first) until none is left. Short pieces scan for the best pair; long ones keep a heap, O(n log n).
import { type Merges, noRank, PairRanks } from './pair-ranks.js';
import { wholeCharacters } from './whole-characters.js';

const longPiece = 64;

export class Bpe {
  readonly #byteIds: Int32Array;
  readonly #result: Int32Array;
  readonly #pairs: PairRanks;
  readonly #whole: Int32Array;
  #symbols = new Int32Array(256);
  readonly #ranks = new Int32Array(longPiece);

  /** @param byteIds [256] the id of each byte; -1: it has none and is skipped, as Hugging Face's library does. */
  constructor(byteIds: Int32Array, merges: Merges) {
    this.#byteIds = byteIds;
    this.#result = merges.result;
    this.#pairs = new PairRanks(merges);
    this.#whole = wholeCharacters(byteIds, merges, this.#pairs);
  }

  /** The token that a character of one UTF-16 unit is for itself; -1: not known without its bytes. */
  wholeCharacter(unit: number): number {
    return this.#whole[unit];
  }

  /**
   * Writes the ids of the piece `text[from, to)` from `ids[at]` on (it has room for three a unit) and returns their end.
   * Lone surrogates count as U+FFFD.
   */
  encodePiece(text: string, from: number, to: number, ids: Int32Array, at: number): number {
    this.#reserve((to - from) * 3);
    return this.#merge(this.#textToSymbols(text, from, to), ids, at);
  }

  /** Ids of raw bytes taken as one piece. */
  encodeBytes(bytes: Uint8Array): Int32Array {
    this.#reserve(bytes.length);
    let count = 0;
    for (const byte of bytes) if (this.#byteIds[byte] >= 0) this.#symbols[count++] = this.#byteIds[byte];
    const ids = new Int32Array(count);
    return ids.subarray(0, this.#merge(count, ids, 0));
  }

  #reserve(symbols: number): void {
    if (this.#symbols.length < symbols) this.#symbols = new Int32Array(symbols);
  }

  #merge(count: number, ids: Int32Array, at: number): number {
    if (count > longPiece) return this.#mergeLong(count, ids, at);
    const symbols = this.#symbols;
    const left = this.#mergeShort(symbols, count);
    for (let i = 0; i < left; i++) ids[at + i] = symbols[i];
    return at + left;
  }

  /** Joins the first `length` symbols where they are. Returns how many are left. */
  #mergeShort(symbols: Int32Array, length: number): number {
    const ranks = this.#ranks;
    const pairs = this.#pairs;
    let count = length;
    for (let i = 0; i + 1 < count; i++) ranks[i] = pairs.of(symbols[i], symbols[i + 1]);
    while (count > 1) {
      let best = 0;
      for (let i = 1; i + 1 < count; i++) if (ranks[i] < ranks[best]) best = i;
      if (ranks[best] === noRank) break;
      symbols[best] = this.#result[ranks[best]];
      count--;
      for (let i = best + 1; i < count; i++) {
        symbols[i] = symbols[i + 1];
        ranks[i] = ranks[i + 1];
      }
      if (best > 0) ranks[best - 1] = pairs.of(symbols[best - 1], symbols[best]);
      if (best + 1 < count) ranks[best] = pairs.of(symbols[best], symbols[best + 1]);
    }
    return count;
  }

  /** A linked list of symbols and a heap of (rank, position), the stale entries of which are skipped. */
  #mergeLong(length: number, ids: Int32Array, at: number): number {
    const symbols = this.#symbols;
    const ranks = new Int32Array(length).fill(noRank);
    const next = new Int32Array(length);
    const previous = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    const heap = new NumberHeap();
    const offer = (position: number): void => {
      const rank = next[position] < length ? this.#pairs.of(symbols[position], symbols[next[position]]) : noRank;
      ranks[position] = rank;
      if (rank !== noRank) heap.push(rank * 2 ** 30 + position);
    };
    for (let i = 0; i < length; i++) offer(i);
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const position = top % 2 ** 30;
      const rank = (top - position) / 2 ** 30;
      if (ranks[position] !== rank) continue;
      const gone = next[position];
      symbols[position] = this.#result[rank];
      ranks[gone] = noRank;
      next[position] = next[gone];
      if (next[gone] < length) previous[next[gone]] = position;
      offer(position);
      if (previous[position] >= 0) offer(previous[position]);
    }
    let end = at;
    for (let i = 0; i < length; i = next[i]) ids[end++] = symbols[i];
    return end;
  }

  /** The tokens to start from: whole characters where they may be, else bytes. UTF-8 by hand, as TextEncoder is slow. */
  #textToSymbols(text: string, from: number, to: number): number {
    const whole = this.#whole;
    const symbols = this.#symbols;
    let length = 0;
    for (let i = from; i < to; i++) {
      const unit = text.charCodeAt(i);
      const id = whole[unit];
      if (id >= 0) {
        symbols[length++] = id;
        continue;
      }
      const code = isSurrogate(unit) ? codePointAt(text, i, to) : unit;
      if (code > 0xffff) i++;
      length = this.#bytesToSymbols(code, length);
    }
    return length;
  }

  #bytesToSymbols(code: number, start: number): number {
    if (code < 0x80) return this.#addByte(code, start);
    let length = start;
    if (code < 0x800) {
      length = this.#addByte(0xc0 | (code >> 6), length);
    } else {
      if (code > 0xffff) {
        length = this.#addByte(0xf0 | (code >> 18), length);
        length = this.#addByte(0x80 | ((code >> 12) & 63), length);
      } else {
        length = this.#addByte(0xe0 | (code >> 12), length);
      }
      length = this.#addByte(0x80 | ((code >> 6) & 63), length);
    }
    return this.#addByte(0x80 | (code & 63), length);
  }

  #addByte(byte: number, length: number): number {
    const id = this.#byteIds[byte];
    if (id < 0) return length;
    this.#symbols[length] = id;
    return length + 1;
  }
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** The character of the surrogate at `index`; U+FFFD for a lone one. */
function codePointAt(text: string, index: number, end: number): number {
  const code = index + 1 < end ? (text.codePointAt(index) ?? 0) : 0;
  return code > 0xffff ? code : 0xfffd;
}

/**
 * A binary min-heap of numbers. Not one code with OfferHeap: with the comparison as an argument, long pieces take 1.6
 * times as long.
 */
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
