// Which half of the corpus a document belongs to follows from the seed and its text alone: not from its place, so
// adding a source moves nothing. Equal texts have equal hashes, so the same hash finds the duplicates.
import { hash } from 'node:crypto';

export const splits = ['train', 'validation'] as const;
export type Split = (typeof splits)[number];

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

export interface SplitItem<T> {
  item: T;
  split: Split;
}

/**
 * Splits one source by each document's own draw. It holds back the lowest and the highest draw until the end, so that
 * a source with two documents or more has at least one in each half (where anything is to be held out at all).
 */
export class Splitter<T> {
  readonly #share: number;
  #held: { item: T; draw: number }[] = [];
  #counts = { train: 0, validation: 0 };

  constructor(share: number) {
    this.#share = share;
  }

  *add(item: T, draw: number): Generator<SplitItem<T>> {
    this.#held = [...this.#held, { item, draw }].sort((a, b) => a.draw - b.draw);
    if (this.#held.length < 3) return;
    const [middle] = this.#held.splice(1, 1);
    yield this.#place(middle.item, middle.draw < this.#share ? 'validation' : 'train');
  }

  *finish(): Generator<SplitItem<T>> {
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

  #place(item: T, split: Split): SplitItem<T> {
    this.#counts[split]++;
    return { item, split };
  }
}
