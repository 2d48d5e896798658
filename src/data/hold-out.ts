// Which conversations are held out for measuring: by the hash of what they say, so that a row that is added moves none of the
// others, and rows of one group go the same way. However many there are, no more than a bounded number is held out: those
// with the lowest hashes, so that what leaves the held-out ones as rows are added is learnt, and never the other way round.
import { fingerprint } from './split.js';

export class HoldOut<T> {
  readonly #share: number;
  readonly #seed: number;
  readonly #most: number;
  readonly #held = new Map<number, T[]>();
  #size = 0;
  /** What draws this or more is learnt. */
  #limit: number;
  #seen = 0;

  /** @param most items held at once. */
  constructor(share: number, { seed, most }: { seed: number; most: number }) {
    this.#share = share;
    this.#seed = seed;
    this.#most = most;
    this.#limit = share;
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

  /** Of so few that the share comes to less than one, all are learnt. */
  finish(): { heldOut: T[]; learnt: T[] } {
    const all = [...this.#held].sort(([a], [b]) => a - b).flatMap(([, items]) => items);
    return this.#seen * this.#share < 1 ? { heldOut: [], learnt: all } : { heldOut: all, learnt: [] };
  }

  #giveWay(): T[] {
    this.#limit = Math.max(...this.#held.keys());
    const items = this.#held.get(this.#limit) ?? [];
    this.#held.delete(this.#limit);
    this.#size -= items.length;
    return items;
  }
}
