// How many documents came of how many files, and how long the one in the middle is: a glance that shows whether a text was cut
// as it was meant to be. Lengths are bounded by the longest document, so that counting them takes no memory to speak of.
import { countOf, formatCount } from '../base/format.js';

export class Lengths {
  readonly #counts = new Map<number, number>();
  #documents = 0;

  /** @param characters of one document. */
  add(characters: number): void {
    this.#counts.set(characters, (this.#counts.get(characters) ?? 0) + 1);
    this.#documents++;
  }

  /** Characters; the lower of the two in the middle. */
  get median(): number {
    let before = 0;
    for (const [characters, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      before += count;
      if (before * 2 >= this.#documents) return characters;
    }
    return 0;
  }

  /** `6 files → 6 documents, median 120,000 characters` */
  inWords(files: number): string {
    const text = `${countOf(files, 'file')} → ${countOf(this.#documents, 'document')}`;
    return this.#documents === 0 ? text : `${text}, median ${formatCount(this.median)} characters`;
  }
}
