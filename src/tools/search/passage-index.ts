// An inverted index: term → the passages that have it, and how often. Passages are ranked by BM25. Everything is in a few flat
// arrays, so that it is made in one go, kept as it is and opened again without parsing.
import { nearest } from '../../base/errors.js';
import { termsOf } from './terms.js';

/** Robertson's usual values: how soon further occurrences count less, and how much longer passages are held back. */
const k1 = 1.2;
const b = 0.75;
/** Of one question. */
const maxTerms = 64;
const maxSpellings = 5000;

export interface IndexParts {
  /** Sorted by code unit. */
  terms: string[];
  /** [terms + 1] where the postings of each begin. */
  starts: Uint32Array;
  /** [postings] passages, rising within a term. */
  passages: Uint32Array;
  /** [postings] occurrences, at most 255. */
  counts: Uint8Array;
  /** [passages] their terms. */
  lengths: Uint32Array;
}

export class IndexBuilder {
  readonly #postings = new Map<string, number[]>();
  readonly #lengths: number[] = [];
  #size = 0;

  /** What it is called counts as part of what it says. */
  add(title: string, text: string): void {
    const passage = this.#lengths.length;
    const terms = [...termsOf(title, true), ...termsOf(text, true)];
    for (const term of terms) {
      const list = this.#postings.get(term);
      if (list === undefined) {
        this.#postings.set(term, [passage, 1]);
        this.#size++;
      } else if (list[list.length - 2] === passage) list[list.length - 1]++;
      else {
        list.push(passage, 1);
        this.#size++;
      }
    }
    this.#lengths.push(terms.length);
  }

  finish(): PassageIndex {
    const terms = [...this.#postings.keys()].sort();
    const starts = new Uint32Array(terms.length + 1);
    const passages = new Uint32Array(this.#size);
    const counts = new Uint8Array(this.#size);
    let at = 0;
    for (const [i, term] of terms.entries()) {
      const list = this.#postings.get(term) ?? [];
      for (let j = 0; j < list.length; j += 2, at++) {
        passages[at] = list[j];
        counts[at] = Math.min(list[j + 1], 255);
      }
      starts[i + 1] = at;
    }
    return new PassageIndex({ terms, starts, passages, counts, lengths: Uint32Array.from(this.#lengths) });
  }
}

export class PassageIndex {
  readonly parts: IndexParts;
  readonly #meanLength: number;

  constructor(parts: IndexParts) {
    this.parts = parts;
    this.#meanLength = parts.lengths.reduce((sum, length) => sum + length, 0) / Math.max(parts.lengths.length, 1);
  }

  /** The best first. A word that no passage has is taken for the nearest one that some have. */
  search(question: string, count: number): number[] {
    const asked = new Set(termsOf(question, false).slice(0, maxTerms));
    const scores = new Map<number, number>();
    const found = new Set<number>();
    for (const term of asked) for (const place of this.#places(term)) found.add(place);
    for (const place of found) this.#score(place, scores);
    return [...scores]
      .sort(([a, left], [b, right]) => right - left || a - b)
      .slice(0, count)
      .map(([passage]) => passage);
  }

  #score(place: number, scores: Map<number, number>): void {
    const { starts, passages, counts, lengths } = this.parts;
    const [start, end] = [starts[place], starts[place + 1]];
    const rarity = Math.log(1 + (lengths.length - (end - start) + 0.5) / (end - start + 0.5));
    for (let i = start; i < end; i++) {
      const passage = passages[i];
      const held = k1 * (1 - b + (b * lengths[passage]) / this.#meanLength);
      const score = (rarity * counts[i] * (k1 + 1)) / (counts[i] + held);
      scores.set(passage, (scores.get(passage) ?? 0) + score);
    }
  }

  /** Where the postings of a term are: of itself, or of words that begin with it, or of the nearest spelling. */
  #places(term: string): number[] {
    const { terms } = this.parts;
    const at = this.#firstFrom(term);
    if (terms[at] === term) return [at];
    if (!/^[a-z]{4,}$/.test(term)) return [];
    const longer: number[] = [];
    for (let i = at; i < terms.length && longer.length < 8 && terms[i].startsWith(term); i++) longer.push(i);
    if (longer.length > 0) return longer;
    const candidates: string[] = [];
    for (let i = this.#firstFrom(term[0]); i < terms.length && candidates.length < maxSpellings; i++) {
      if (terms[i][0] !== term[0]) break;
      if (Math.abs(terms[i].length - term.length) <= 2) candidates.push(terms[i]);
    }
    const near = nearest(term, candidates);
    return near === undefined ? [] : [this.#firstFrom(near)];
  }

  #firstFrom(term: string): number {
    const { terms } = this.parts;
    let low = 0;
    let high = terms.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (terms[middle] < term) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
