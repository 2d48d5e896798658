// From two neighbours to the merge that joins them: a hash table with open addressing in one typed array.

/** Merge rules in the order learnt: `left[r]` and `right[r]` become `result[r]`. All are token ids. */
export interface Merges {
  left: Int32Array;
  right: Int32Array;
  result: Int32Array;
}

/** The rank of a pair that no merge joins: after all others. */
export const noRank = 0x7fffffff;

export class PairRanks {
  readonly #slots: Int32Array; // left, right and rank of each; left is -1 where it is free
  readonly #mask: number;

  constructor({ left, right }: Merges) {
    const capacity = 2 ** Math.ceil(Math.log2(2 * left.length + 2));
    this.#mask = capacity - 1;
    const slots = new Int32Array(3 * capacity).fill(-1);
    for (let rank = 0; rank < left.length; rank++) {
      let slot = hashPair(left[rank], right[rank]) & this.#mask;
      while (slots[3 * slot] >= 0) slot = (slot + 1) & this.#mask;
      slots[3 * slot] = left[rank];
      slots[3 * slot + 1] = right[rank];
      slots[3 * slot + 2] = rank;
    }
    this.#slots = slots;
  }

  /** The rank of the merge, or `noRank`. */
  of(left: number, right: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hashPair(left, right) & mask; ; slot = (slot + 1) & mask) {
      const found = slots[3 * slot];
      if (found === left && slots[3 * slot + 1] === right) return slots[3 * slot + 2];
      if (found < 0) return noRank;
    }
  }
}

/** A hash of two ids: 32 bits, of which the lowest are good. */
export function hashPair(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
