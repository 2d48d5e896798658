// What a text collection looks like, in one pass and bounded memory: counts, lengths, scripts, what is in it twice.
import { countCharacters } from './filters/characters.js';
import type { IdentitySet, IdentityStore } from './identity-set.js';
import { fingerprint } from './split.js';
import type { Document } from './types.js';

export interface Tally {
  documents: number;
  bytes: number;
  /** Unicode code points. */
  characters: number;
  /** Letters, and the Han characters among them. */
  letters: number;
  han: number;
}

/** Four buckets for each doubling: a percentile is at most 1 part in 5 above the length that it stands for. */
const bucketsPerOctave = 4;
const minLineLength = 12;
const maxLineLength = 200;

export class TextStatistics {
  readonly total = newTally();
  readonly sources = new Map<string, Tally>();
  readonly languages = new Map<string, Tally>();
  /** Exact duplicates of an earlier document. */
  duplicates = 0;
  /** Lengths in characters: bucket → documents. */
  readonly #lengths: number[] = [];
  readonly #seen: IdentitySet;
  readonly #lines = new FrequentLines(50_000);

  constructor(identities: IdentityStore) {
    this.#seen = identities.open();
  }

  add({ text, source, language }: Pick<Document, 'text' | 'source' | 'language'>): void {
    const own: Tally = { documents: 1, bytes: Buffer.byteLength(text), ...countCharacters(text) };
    for (const tally of [this.total, entry(this.sources, source), entry(this.languages, language)]) {
      for (const key of ['documents', 'bytes', 'characters', 'letters', 'han'] as const) tally[key] += own[key];
    }
    const bucket = Math.floor(Math.log2(Math.max(1, own.characters)) * bucketsPerOctave);
    this.#lengths[bucket] = (this.#lengths[bucket] ?? 0) + 1;
    if (!this.#seen.add(fingerprint(0, text).identity)) this.duplicates++;
    for (const line of text.split('\n'))
      if (line.length >= minLineLength) this.#lines.add(line.slice(0, maxLineLength));
  }

  /** Characters that a document has at most, for each share of the documents. */
  percentiles(shares: readonly number[]): number[] {
    return shares.map((share) => {
      let bucket = 0;
      for (let below = 0; bucket < this.#lengths.length; bucket++) {
        below += this.#lengths[bucket] ?? 0;
        if (below > 0 && below >= share * this.total.documents) break;
      }
      // The longest that the bucket holds.
      return Math.ceil(2 ** ((bucket + 1) / bucketsPerOctave)) - 1;
    });
  }

  /** Documents by length, a doubling each: `from` to below `2 × from` characters. */
  histogram(): { from: number; documents: number }[] {
    const octaves: { from: number; documents: number }[] = [];
    for (const [bucket, documents = 0] of this.#lengths.entries()) {
      const octave = Math.floor(bucket / bucketsPerOctave);
      octaves[octave] ??= { from: 2 ** octave, documents: 0 };
      octaves[octave].documents += documents;
    }
    const first = octaves.findIndex(({ documents }) => documents > 0);
    return first === -1 ? [] : octaves.slice(first);
  }

  /** Lines of 12 characters and more that occur most often, at least so many times each. */
  repeatedLines(count: number): { line: string; times: number }[] {
    return this.#lines.top(count);
  }
}

function newTally(): Tally {
  return { documents: 0, bytes: 0, characters: 0, letters: 0, han: 0 };
}

function entry(map: Map<string, Tally>, key: string): Tally {
  const found = map.get(key) ?? newTally();
  map.set(key, found);
  return found;
}

/** The most frequent lines of any number (Misra & Gries 1982): one that is a 1/capacity of all is never lost. */
class FrequentLines {
  readonly #capacity: number;
  #counts = new Map<string, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(line: string): void {
    const known = this.#counts.get(line);
    if (known === undefined && this.#counts.size >= this.#capacity) this.#lower();
    this.#counts.set(line, (known ?? 0) + 1);
  }

  top(count: number): { line: string; times: number }[] {
    const repeated = [...this.#counts].filter(([, times]) => times > 1);
    const sorted = repeated.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return sorted.slice(0, count).map(([line, times]) => ({ line, times }));
  }

  #lower(): void {
    const kept = new Map<string, number>();
    for (const [line, times] of this.#counts) if (times > 1) kept.set(line, times - 1);
    // All of them more than once: a round more makes room.
    this.#counts = kept;
    if (kept.size >= this.#capacity) this.#lower();
  }
}
