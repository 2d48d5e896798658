// The two ways in which pairs are counted: all pairs of the text at once, by hash; and those around one joined pair,
// by the symbol on its other side.
import type { PairEntry } from './pair-counts.js';
import { hashPair } from './pair-ranks.js';

/** Counts pairs and the pieces that hold them: first `count` every pair, then `entries`, then `file` every pair again. */
export class PairTally {
  #size = 0;
  #lefts = new Int32Array(1 << 12);
  #rights = new Int32Array(1 << 12);
  #counts = new Float64Array(1 << 12);
  /** Pieces that hold the pair; while filing, those not yet filed. */
  #sizes = new Uint32Array(1 << 12);
  #last = new Int32Array(1 << 12);
  #slots = new Int32Array(1 << 13); // open addressing: index + 1, or 0
  #pieces: (Uint32Array | undefined)[] = [];

  /** Pieces must come in order. */
  count(left: number, right: number, piece: number, weight: number): void {
    const index = this.#indexOf(left, right);
    this.#counts[index] += weight;
    if (this.#last[index] === piece + 1) return;
    this.#last[index] = piece + 1;
    this.#sizes[index]++;
  }

  /** The pairs counted at least `floor` times; their `pieces` are empty until they are filed. */
  entries(floor: number): PairEntry[] {
    const entries: PairEntry[] = [];
    for (let index = 0; index < this.#size; index++) {
      if (this.#counts[index] < floor) continue;
      const pieces = new Uint32Array(this.#sizes[index]);
      this.#pieces[index] = pieces;
      entries.push({ left: this.#lefts[index], right: this.#rights[index], count: this.#counts[index], pieces });
    }
    this.#sizes.fill(0);
    return entries;
  }

  file(left: number, right: number, piece: number): void {
    const index = this.#indexOf(left, right);
    const pieces = this.#pieces[index];
    const filed = this.#sizes[index];
    if (pieces === undefined || (filed > 0 && pieces[filed - 1] === piece)) return;
    pieces[filed] = piece;
    this.#sizes[index]++;
  }

  #indexOf(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashPair(left, right) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const index = this.#slots[slot] - 1;
      if (this.#lefts[index] === left && this.#rights[index] === right) return index;
    }
    if (this.#size === this.#lefts.length) {
      this.#grow();
      return this.#indexOf(left, right);
    }
    this.#slots[slot] = this.#size + 1;
    this.#lefts[this.#size] = left;
    this.#rights[this.#size] = right;
    return this.#size++;
  }

  #grow(): void {
    const length = 2 * this.#size;
    this.#lefts = enlarged(this.#lefts, new Int32Array(length));
    this.#rights = enlarged(this.#rights, new Int32Array(length));
    this.#counts = enlarged(this.#counts, new Float64Array(length));
    this.#sizes = enlarged(this.#sizes, new Uint32Array(length));
    this.#last = enlarged(this.#last, new Int32Array(length));
    this.#slots = new Int32Array(2 * length);
    const mask = 2 * length - 1;
    for (let index = 0; index < this.#size; index++) {
      let slot = hashPair(this.#lefts[index], this.#rights[index]) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = index + 1;
    }
  }
}

function enlarged<T extends Uint32Array | Int32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

/** The symbols on one side of the pair that is being joined: how often, and in which pieces. */
export class Neighbours {
  /** Symbols met, in the order met. */
  readonly touched: number[] = [];
  /** Of each symbol of the vocabulary: summed weight of its meetings. */
  readonly weights: Float64Array;
  readonly #sizes: Uint32Array;
  readonly #last: Int32Array;
  /** Symbol and piece of each meeting. */
  #log = new Uint32Array(1 << 12);
  #logged = 0;

  constructor(vocabSize: number) {
    this.weights = new Float64Array(vocabSize);
    this.#sizes = new Uint32Array(vocabSize);
    this.#last = new Int32Array(vocabSize);
  }

  note(symbol: number, piece: number, weight: number): void {
    this.weights[symbol] += weight;
    if (this.#last[symbol] === piece + 1) return;
    if (this.#last[symbol] === 0) this.touched.push(symbol);
    this.#last[symbol] = piece + 1;
    this.#sizes[symbol]++;
    if (this.#logged === this.#log.length) this.#log = enlarged(this.#log, new Uint32Array(2 * this.#logged));
    this.#log[this.#logged++] = symbol;
    this.#log[this.#logged++] = piece;
  }

  /** The symbols met at least `floor` times with the pieces they were met in, and forgets all. */
  take(floor: number): { symbol: number; count: number; pieces: Uint32Array }[] {
    const taken = new Map<number, { symbol: number; count: number; pieces: Uint32Array }>();
    for (const symbol of this.touched) {
      const count = this.weights[symbol];
      if (count >= floor) taken.set(symbol, { symbol, count, pieces: new Uint32Array(this.#sizes[symbol]) });
      this.weights[symbol] = 0;
      this.#last[symbol] = 0;
      this.#sizes[symbol] = 0;
    }
    if (taken.size > 0) {
      for (let at = 0; at < this.#logged; at += 2) {
        const symbol = this.#log[at];
        const pieces = taken.get(symbol)?.pieces;
        if (pieces !== undefined) pieces[this.#sizes[symbol]++] = this.#log[at + 1];
      }
      for (const symbol of taken.keys()) this.#sizes[symbol] = 0;
    }
    this.touched.length = 0;
    this.#logged = 0;
    return [...taken.values()];
  }
}
