// Which of many texts is nearest to another by ROUGE-L, and how near: exactly what comparing with every one would find, without
// comparing with most. Two texts cannot have a longer common subsequence than they have units in common, so an inverted
// index counts those, from the rarest unit on, and stops as soon as a text that it has not met could not be near enough
// (the bound of MaxScore, Turtle & Flood 1995). What is left is compared.
import { CommonSubsequence } from './rouge.js';
import { wordsOf } from './words.js';

export interface Neighbour {
  /** Of the text, by the order in which they were added. */
  index: number;
  /** ROUGE-L F1: 2·LCS / (m + n). */
  similarity: number;
}

/** The units of a text as the index knows them. */
interface Query {
  /** Words by their number; −1 for one that no known text has. */
  ids: Int32Array;
  /** Of each word that is known: its number as the first, second, … of its kind in the text. */
  features: number[];
}

export class NearestText {
  readonly #vocabulary = new Map<string, number>();
  /** `word` is the first of its kind in a text, `word 2` the second: equal words count as often as both texts have them. */
  readonly #features = new Map<string, number>();
  /** By feature: the texts that have it, in order. */
  readonly #postings: number[][] = [];
  readonly #matcher = new CommonSubsequence();
  /** The words of all texts, one after the other; text i ends before `#ends[i]`. */
  #pool = new Int32Array(1 << 12);
  #ends = new Int32Array(1 << 8);
  #size = 0;
  /** By text: features in common with the query so far. All 0 between two queries. */
  #shared = new Uint16Array(1 << 8);
  /** How many texts were compared word for word, of all queries together. */
  compared = 0;

  get size(): number {
    return this.#size;
  }

  /** A text without a single word is near to nothing. */
  add(text: string): void {
    const words = wordsOf(text);
    const start = this.#startOf(this.#size);
    if (start + words.length > this.#pool.length) {
      this.#pool = copyInto(new Int32Array(2 * (start + words.length)), this.#pool);
    }
    if (this.#size === this.#ends.length) {
      this.#ends = copyInto(new Int32Array(2 * this.#size), this.#ends);
      this.#shared = new Uint16Array(2 * this.#size);
    }
    words.forEach((word, i) => {
      this.#pool[start + i] = numberOf(word, this.#vocabulary);
    });
    for (const name of featuresOf(words)) {
      const feature = numberOf(name, this.#features);
      if (feature === this.#postings.length) this.#postings.push([this.#size]);
      else this.#postings[feature].push(this.#size);
    }
    this.#ends[this.#size++] = start + words.length;
  }

  /** The nearest of the texts whose ROUGE-L to `text` is above `floor`, if there is one. The higher the floor, the quicker. */
  nearest(text: string, floor = 0): Neighbour | undefined {
    const query = this.#read(text);
    const { length } = query.ids;
    const { met, uncounted } = this.#count(query, floor);
    this.#matcher.read(query.ids, this.#vocabulary.size);
    let best: Neighbour | undefined;
    for (const index of met) {
      const start = this.#startOf(index);
      const end = this.#ends[index];
      const total = length + end - start;
      const inCommon = Math.min(this.#shared[index] + uncounted, length, end - start);
      this.#shared[index] = 0;
      if ((2 * inCommon) / total <= (best?.similarity ?? floor)) continue;
      this.compared++;
      const similarity = (2 * this.#matcher.lcs(this.#pool, start, end)) / total;
      if (similarity > (best?.similarity ?? floor)) best = { index, similarity };
    }
    return best;
  }

  /** Counts what texts have in common with the query, but for its `uncounted` commonest features. */
  #count({ ids, features }: Query, floor: number): { met: number[]; uncounted: number } {
    const shared = this.#shared;
    const met: number[] = [];
    const rarestFirst = features.map((feature) => this.#postings[feature]).sort((a, b) => a.length - b.length);
    for (const [i, texts] of rarestFirst.entries()) {
      const uncounted = rarestFirst.length - i;
      // A text that has nothing but these is nearest when it has no other word.
      if ((2 * uncounted) / (ids.length + uncounted) <= floor) return { met, uncounted };
      for (const text of texts) if (shared[text]++ === 0) met.push(text);
    }
    return { met, uncounted: 0 };
  }

  #read(text: string): Query {
    const words = wordsOf(text);
    const ids = Int32Array.from(words, (word) => this.#vocabulary.get(word) ?? -1);
    return { ids, features: featuresOf(words).flatMap((name) => this.#features.get(name) ?? []) };
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1];
  }
}

function featuresOf(words: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return words.map((word) => {
    const count = (counts.get(word) ?? 0) + 1;
    counts.set(word, count);
    return count === 1 ? word : `${word} ${count}`;
  });
}

function numberOf(name: string, numbers: Map<string, number>): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}

function copyInto(larger: Int32Array<ArrayBuffer>, array: Int32Array): Int32Array<ArrayBuffer> {
  larger.set(array);
  return larger;
}
