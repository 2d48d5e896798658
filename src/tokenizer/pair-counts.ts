// The state of BPE training: every distinct piece as a row of ids with its weight, how often each pair of neighbours
// occurs, and which pieces may hold it. A join rewrites those pieces only and moves the counts of the pairs around
// it. A join makes a new id, so the count of an older pair only ever falls: the heap may learn of that late.

export interface Pair {
  left: number;
  right: number;
}

interface Entry extends Pair {
  count: number;
  /** Pieces that held the pair when it was counted, in order; some may no longer. */
  pieces: number[];
}

interface Offer {
  entry: Entry;
  /** The entry's count when it was offered. */
  count: number;
}

export class PairCounts {
  readonly #symbols: Uint16Array | Uint32Array;
  readonly #starts: Uint32Array;
  readonly #lengths: Uint8Array;
  readonly #weights: Float64Array;
  readonly #vocabSize: number;
  readonly #entries = new Map<number, Entry>();
  readonly #heap = new OfferHeap();
  #fresh: Entry[] = [];

  /** @param pieces piece → times seen. @param firstByteId the id of byte 0. @param vocabSize above every id to come. */
  constructor(pieces: ReadonlyMap<string, number>, firstByteId: number, vocabSize: number) {
    let total = 0;
    for (const piece of pieces.keys()) total += Buffer.byteLength(piece);
    this.#symbols = vocabSize <= 65536 ? new Uint16Array(total) : new Uint32Array(total);
    this.#starts = new Uint32Array(pieces.size);
    this.#lengths = new Uint8Array(pieces.size);
    this.#weights = Float64Array.from(pieces.values());
    this.#vocabSize = vocabSize;
    const bytes = new Uint8Array(256);
    const encoder = new TextEncoder();
    let start = 0;
    let index = 0;
    for (const piece of pieces.keys()) {
      const { written } = encoder.encodeInto(piece, bytes);
      this.#starts[index] = start;
      this.#lengths[index] = written;
      for (let i = 0; i < written; i++) {
        this.#symbols[start + i] = firstByteId + bytes[i];
        if (i > 0) this.#gain(this.#symbols[start + i - 1], this.#symbols[start + i], index);
      }
      start += written;
      index++;
    }
    this.#offerFresh();
  }

  /** The most frequent pair not yet taken (ties: lower left id, then lower right id), if seen `minCount` times. */
  takeBest(minCount: number): Pair | undefined {
    for (let offer = this.#heap.pop(); offer !== undefined; offer = this.#heap.pop()) {
      const { entry, count } = offer;
      if (entry.count === count) return count >= minCount ? entry : undefined;
      if (entry.count > 0) this.#heap.push({ entry, count: entry.count });
    }
    return undefined;
  }

  /** Replaces the pair by the new `id`, leftmost first, in every piece. */
  join({ left, right }: Pair, id: number): void {
    const key = this.#key(left, right);
    for (const piece of this.#entries.get(key)?.pieces ?? []) this.#joinIn(piece, left, right, id);
    this.#entries.delete(key);
    this.#offerFresh();
  }

  #joinIn(piece: number, left: number, right: number, id: number): void {
    const symbols = this.#symbols;
    const start = this.#starts[piece];
    const end = start + this.#lengths[piece];
    let to = start;
    for (let at = start; at < end; at++) {
      if (symbols[at] !== left || at + 1 >= end || symbols[at + 1] !== right) {
        symbols[to++] = symbols[at];
        continue;
      }
      if (to > start) {
        this.#lose(symbols[to - 1], left, piece);
        this.#gain(symbols[to - 1], id, piece);
      }
      if (at + 2 < end) {
        this.#lose(right, symbols[at + 2], piece);
        this.#gain(id, symbols[at + 2], piece);
      }
      symbols[to++] = id;
      at++;
    }
    this.#lengths[piece] = to - start;
  }

  #key(left: number, right: number): number {
    return left * this.#vocabSize + right;
  }

  #gain(left: number, right: number, piece: number): void {
    const key = this.#key(left, right);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { left, right, count: 0, pieces: [] };
      this.#entries.set(key, entry);
      this.#fresh.push(entry);
    }
    entry.count += this.#weights[piece];
    if (entry.pieces.at(-1) !== piece) entry.pieces.push(piece);
  }

  #lose(left: number, right: number, piece: number): void {
    const key = this.#key(left, right);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.count -= this.#weights[piece];
    if (entry.count === 0) this.#entries.delete(key);
  }

  #offerFresh(): void {
    for (const entry of this.#fresh) if (entry.count > 0) this.#heap.push({ entry, count: entry.count });
    this.#fresh = [];
  }
}

/** A binary heap, the most frequent pair on top. */
class OfferHeap {
  readonly #items: Offer[] = [];

  push(item: Offer): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, items[parent])) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  pop(): Offer | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && before(items[child + 1], items[child])) child++;
      if (!before(items[child], last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return top;
  }
}

function before(a: Offer, b: Offer): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.entry.left !== b.entry.left ? a.entry.left < b.entry.left : a.entry.right < b.entry.right;
}
