// Which half of the corpus a document belongs to follows from the seed and its text alone: not from its place, so
// adding a source moves nothing. Equal texts have equal hashes, so the same hash finds the duplicates.
import { hash } from 'node:crypto';
import type { Document } from './types.js';

export type Split = 'train' | 'validation';

export interface Fingerprint {
  /** 128 bits that identify the text. */
  identity: Uint8Array;
  /** Uniform in [0, 1): below the validation share means held out. */
  draw: number;
  /** A second, independent one: which documents a fractional weight takes. */
  weightDraw: number;
}

export function fingerprint(seed: number, text: string): Fingerprint {
  const digest = hash('sha256', `${seed}\n${text}`, 'buffer');
  return {
    identity: digest.subarray(0, 16),
    draw: digest.readUIntBE(16, 6) / 2 ** 48,
    weightDraw: digest.readUIntBE(22, 6) / 2 ** 48,
  };
}

/** A set of 128-bit identities: 16 bytes each in one open-addressing table, at most 3/4 full. */
export class IdentitySet {
  #table = new BigUint64Array(2 << 10);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(identity: Uint8Array): boolean {
    const view = new DataView(identity.buffer, identity.byteOffset, 16);
    return this.#table[2 * find(this.#table, view.getBigUint64(0), view.getBigUint64(8))] !== 0n;
  }

  /** False where it was there already. */
  add(identity: Uint8Array): boolean {
    const view = new DataView(identity.buffer, identity.byteOffset, 16);
    // All zeros marks a free slot; a text whose hash starts with 64 zero bits does not occur.
    if (!insert(this.#table, view.getBigUint64(0), view.getBigUint64(8))) return false;
    this.#size++;
    if (this.#size * 8 > this.#table.length * 3) this.#grow();
    return true;
  }

  #grow(): void {
    const larger = new BigUint64Array(this.#table.length * 2);
    for (let i = 0; i < this.#table.length; i += 2) {
      if (this.#table[i] !== 0n) insert(larger, this.#table[i], this.#table[i + 1]);
    }
    this.#table = larger;
  }
}

/** The slot that holds the identity, or the free one where it belongs. */
function find(table: BigUint64Array, high: bigint, low: bigint): number {
  const slots = table.length / 2;
  let slot = Number(high & BigInt(slots - 1));
  while (table[2 * slot] !== 0n && (table[2 * slot] !== high || table[2 * slot + 1] !== low)) {
    slot = (slot + 1) & (slots - 1);
  }
  return slot;
}

function insert(table: BigUint64Array, high: bigint, low: bigint): boolean {
  const slot = find(table, high, low);
  if (table[2 * slot] !== 0n) return false;
  table[2 * slot] = high;
  table[2 * slot + 1] = low;
  return true;
}

export interface Placed<T> {
  item: T;
  split: Split;
}

interface Drawn<T> {
  item: T;
  draw: number;
}

/**
 * Splits one source by each document's own draw. It holds back the lowest and the highest draw until the end, so that
 * a source with two documents or more has at least one in each half (where anything is to be held out at all).
 */
export class Splitter<T = Document> {
  readonly #share: number;
  #held: Drawn<T>[] = [];
  #counts: Record<Split, number> = { train: 0, validation: 0 };

  constructor(share: number) {
    this.#share = share;
  }

  *add(item: T, draw: number): Generator<Placed<T>> {
    this.#held = [...this.#held, { item, draw }].sort((a, b) => a.draw - b.draw);
    if (this.#held.length < 3) return;
    const [middle] = this.#held.splice(1, 1);
    yield this.#place(middle.item, middle.draw < this.#share ? 'validation' : 'train');
  }

  *finish(): Generator<Placed<T>> {
    const [lowest, highest] = this.#held;
    if (lowest === undefined) return;
    if (highest === undefined) {
      yield this.#place(lowest.item, 'train');
      return;
    }
    const allHeldOut = highest.draw < this.#share && this.#counts.train > 0;
    yield this.#place(highest.item, allHeldOut ? 'validation' : 'train');
    const someHeldOut = this.#share > 0 && (lowest.draw < this.#share || this.#counts.validation === 0);
    yield this.#place(lowest.item, someHeldOut ? 'validation' : 'train');
  }

  #place(item: T, split: Split): Placed<T> {
    this.#counts[split]++;
    return { item, split };
  }
}
