// Which conversations are held out for measuring: by the hash of what they say, so that a row that is added moves none of the
// others, and rows of one group go the same way. However many there are, no more than a bounded number is held out: those
// with the lowest hashes, so that what leaves the held-out ones as rows are added is learnt, and never the other way round.
// Where a decision hangs on them, a larger share of few rows is held out than of many, in the same order.
import { fingerprint } from './split.js';

/** Of the rows, at most, to come to a number that says something. */
const maxShare = 0.25;

export class HoldOut<T> {
  readonly #share: number;
  readonly #seed: number;
  readonly #most: number;
  readonly #atLeast: number;
  readonly #held = new Map<number, T[]>();
  #size = 0;
  /** What draws this or more is learnt. */
  #limit: number;
  #seen = 0;

  /**
   * @param most items held at once.
   * @param atLeast so many are wanted even where the share comes to fewer, up to a quarter of all. Default: 0.
   */
  constructor(share: number, { seed, most, atLeast = 0 }: { seed: number; most: number; atLeast?: number }) {
    this.#share = share;
    this.#seed = seed;
    this.#most = most;
    this.#atLeast = atLeast;
    this.#limit = atLeast > 0 ? Math.max(share, maxShare) : share;
  }

  /**
   * Items of one `key` go the same way.
   * @returns what is learnt after all: the item itself, or others that give way to it.
   */
  add(key: string, item: T): T[] {
    this.#seen++;
    const { draw } = fingerprint(this.#seed, key);
    if (draw >= this.#limit) return [item];
    this.#held.set(draw, [...(this.#held.get(draw) ?? []), item]);
    this.#size++;
    return this.#size > this.#most ? this.#giveWay() : [];
  }

  /** Of so few that the share comes to less than one, all are learnt, unless some are wanted in any case. */
  finish(): { heldOut: T[]; learnt: T[] } {
    const all = [...this.#held].sort(([a], [b]) => a - b);
    const share = Math.max(this.#share, Math.min(maxShare, this.#atLeast / this.#seen));
    if (this.#seen * share < 1) return { heldOut: [], learnt: all.flatMap(([, items]) => items) };
    const of = (isHeld: boolean): T[] => all.flatMap(([draw, items]) => (draw < share === isHeld ? items : []));
    return { heldOut: of(true), learnt: of(false) };
  }

  #giveWay(): T[] {
    this.#limit = Math.max(...this.#held.keys());
    const items = this.#held.get(this.#limit) ?? [];
    this.#held.delete(this.#limit);
    this.#size -= items.length;
    return items;
  }
}
