// The state of BPE training: every distinct piece as a row of ids with its weight, how often each pair of neighbours
// occurs, and which pieces may hold it. A join rewrites those pieces only. All pairs with the new id arise in its own
// join, so from then on the count of any pair only falls: the heap may learn of that late, and pairs that are rarer than
// a floor need not be known at all until nothing more frequent is left; then the floor is lowered and all counted anew.
import { OfferHeap } from './offer-heap.js';
import { Neighbours, PairTally } from './pair-tally.js';
import type { PieceTable } from './piece-table.js';

interface TokenPair {
  left: number;
  right: number;
}

export interface PairEntry extends TokenPair {
  count: number;
  /** Pieces that held the pair when it was counted, in order; some may no longer. */
  pieces: Uint32Array;
}

interface PairCountsOptions {
  /** The id of byte 0, from which the ids of the others follow. */
  firstByteId?: number;
  /** In its place: the ids to start from, at most one a byte. Default: the bytes. */
  idsOf?: (piece: Uint8Array) => ArrayLike<number>;
  /** Above every id to come. */
  vocabSize: number;
  /** Pairs seen less often are never given. */
  minCount: number;
  /** Pairs rarer than this are counted only when they are needed; any value gives the same pairs. */
  floor?: number;
}

/** The first floor: the count of an average pair of the vocabulary over this. Text is so skewed that it seldom falls. */
const floorMargin = 64;

export class PairCounts {
  readonly #symbols: Uint16Array | Uint32Array;
  readonly #starts: Uint32Array;
  readonly #lengths: Uint8Array;
  readonly #weights: Float64Array;
  readonly #vocabSize: number;
  readonly #minCount: number;
  #floor: number;
  readonly #entries = new Map<number, PairEntry>();
  #heap = new OfferHeap();
  /** The neighbours before and after the pairs that the present join has joined. */
  readonly #before: Neighbours;
  readonly #after: Neighbours;

  constructor(pieces: PieceTable, { firstByteId = 0, idsOf, vocabSize, minCount, floor }: PairCountsOptions) {
    const { size, bytes, starts } = pieces;
    const total = starts[size];
    this.#symbols = vocabSize <= 65536 ? new Uint16Array(total) : new Uint32Array(total);
    for (let at = 0; at < total; at++) this.#symbols[at] = firstByteId + bytes[at];
    this.#starts = starts.slice(0, size);
    this.#lengths = new Uint8Array(size);
    for (let piece = 0; piece < size; piece++) this.#lengths[piece] = starts[piece + 1] - starts[piece];
    if (idsOf !== undefined) {
      for (let piece = 0; piece < size; piece++) {
        const ids = idsOf(bytes.subarray(starts[piece], starts[piece + 1]));
        this.#symbols.set(ids, starts[piece]);
        this.#lengths[piece] = ids.length;
      }
    }
    this.#weights = pieces.counts.slice(0, size);
    this.#vocabSize = vocabSize;
    this.#minCount = minCount;
    this.#floor = Math.max(minCount, floor ?? Math.floor(pieces.totalBytes / (vocabSize * floorMargin)));
    this.#before = new Neighbours(vocabSize);
    this.#after = new Neighbours(vocabSize);
    this.#countAll();
  }

  /** The most frequent pair not yet taken (ties: lower left id, then lower right id); undefined when all are too rare. */
  takeBest(): (TokenPair & { count: number }) | undefined {
    for (;;) {
      const best = this.#heap.pop();
      if (best !== undefined && best.count >= this.#floor) return best;
      if (this.#floor <= this.#minCount) return undefined;
      this.#floor = Math.max(this.#minCount, Math.floor(this.#floor / 4));
      this.#countAll();
    }
  }

  /** By id: the summed weight of the pieces that begin with it. */
  firsts(weights: Float64Array): Float64Array {
    const sums = new Float64Array(this.#vocabSize);
    for (const [piece, weight] of weights.entries()) sums[this.#symbols[this.#starts[piece]]] += weight;
    return sums;
  }

  /** Replaces the pair by the new `id`, leftmost first, in every piece. */
  join({ left, right }: TokenPair, id: number): void {
    const key = this.#key(left, right);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    for (let i = 0; i < entry.pieces.length; i++) this.#joinIn(entry.pieces[i], left, right, id);
    for (const symbol of this.#before.touched) this.#lose(symbol, left, this.#before.weights[symbol]);
    for (const symbol of this.#after.touched) this.#lose(right, symbol, this.#after.weights[symbol]);
    // "abab": the first new id came before an a, until that was joined too.
    this.#after.weights[left] -= this.#before.weights[id];
    this.#enter(this.#before, (symbol) => ({ left: symbol, right: id }));
    this.#enter(this.#after, (symbol) => ({ left: id, right: symbol }));
  }

  #joinIn(piece: number, left: number, right: number, id: number): void {
    const symbols = this.#symbols;
    const start = this.#starts[piece];
    const end = start + this.#lengths[piece];
    const weight = this.#weights[piece];
    let to = start;
    for (let at = start; at < end; at++) {
      if (symbols[at] !== left || at + 1 >= end || symbols[at + 1] !== right) {
        symbols[to++] = symbols[at];
        continue;
      }
      if (to > start) this.#before.note(symbols[to - 1], piece, weight);
      if (at + 2 < end) this.#after.note(symbols[at + 2], piece, weight);
      symbols[to++] = id;
      at++;
    }
    this.#lengths[piece] = to - start;
  }

  #key(left: number, right: number): number {
    return left * this.#vocabSize + right;
  }

  #lose(left: number, right: number, weight: number): void {
    const key = this.#key(left, right);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.count -= weight;
    if (entry.count === 0) this.#entries.delete(key);
  }

  /** Enters the pairs that the join has made, where they are frequent enough, and forgets the rest. */
  #enter(neighbours: Neighbours, pairWith: (symbol: number) => TokenPair): void {
    for (const { symbol, count, pieces } of neighbours.take(this.#floor)) {
      this.#add({ ...pairWith(symbol), count, pieces });
    }
  }

  #add(entry: PairEntry): void {
    this.#entries.set(this.#key(entry.left, entry.right), entry);
    this.#heap.push(entry);
  }

  /** Counts every pair of neighbours anew and keeps those that reach the floor. */
  #countAll(): void {
    this.#entries.clear();
    this.#heap = new OfferHeap();
    const tally = new PairTally();
    this.#eachPair((piece, left, right) => tally.count(left, right, piece, this.#weights[piece]));
    const entries = tally.entries(this.#floor);
    this.#eachPair((piece, left, right) => tally.file(left, right, piece));
    for (const entry of entries) this.#add(entry);
  }

  #eachPair(visit: (piece: number, left: number, right: number) => void): void {
    for (let piece = 0; piece < this.#lengths.length; piece++) {
      const end = this.#starts[piece] + this.#lengths[piece];
      for (let at = this.#starts[piece] + 1; at < end; at++) visit(piece, this.#symbols[at - 1], this.#symbols[at]);
    }
  }
}
