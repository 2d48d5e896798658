// Texts that repeat themselves, after Gopher (Rae et al. 2021, table A1): n-grams are counted by rolling hashes in one
// table of numbers. A short poem has its refrain by right, so every limit is wider the less there is to judge.
import { z } from 'zod';
import { defineFilter, type FilterVerdict } from './filter.js';
import { percent } from './repair.js';
import type { Units } from './units.js';

const share = z.number().min(0).max(1);

/** n of the n-gram → largest share of the words. Gopher's figures. */
const topGrams = { 2: 0.2, 3: 0.18, 4: 0.16 } as const;
const duplicateGrams = { 5: 0.15, 7: 0.13, 10: 0.1 } as const;

/** At so many words, or lines, a limit is twice what it is in a long text. */
const fewWords = 100;
const fewLines = 10;

export const repetition = defineFilter({
  about: 'drops texts that repeat themselves: lines, paragraphs, n-grams of words (of characters in Chinese)',
  schema: z.strictObject({
    lines: share.default(0.3).describe('largest share of lines that repeat an earlier one, in a long text'),
    paragraphs: share.default(0.3).describe('the same, of paragraphs'),
    grams: z
      .number()
      .min(0)
      .max(10)
      .default(1)
      .describe("what Gopher's shares for n-grams are multiplied with; 0: n-grams are not looked at"),
    minWords: z.int().min(1).default(50).describe('n-grams of shorter texts are not looked at'),
  }),
  scope: 'document',
  make: (limits, { units }) => {
    const table = new GramTable();
    return ({ text }) => {
      const repeated =
        repeatedParts(text, '\n', 'lines', limits.lines) ??
        repeatedParts(text, '\n\n', 'paragraphs', limits.paragraphs);
      if (repeated !== undefined) return repeated;
      if (limits.grams === 0 || units.read(text).length < limits.minWords) return undefined;
      return repeatedGrams(units, table, limits.grams);
    };
  },
});

function repeatedParts(text: string, separator: string, name: string, limit: number): FilterVerdict | undefined {
  const parts = text.split(separator).filter((part) => part.trim() !== '');
  const found = 1 - new Set(parts).size / parts.length;
  if (!(found > limit * (1 + fewLines / parts.length))) return undefined;
  return { drop: `${percent(found)} of the ${name} are repeated` };
}

function repeatedGrams(units: Units, table: GramTable, factor: number): FilterVerdict | undefined {
  // A Han character carries about half a word: twice as many of them make an n-gram of the same weight.
  const scale = units.singles * 2 > units.length ? 2 : 1;
  const leeway = factor * (1 + (fewWords * scale) / units.length);
  for (const [n, limit] of Object.entries(topGrams)) {
    const size = Number(n) * scale;
    const most = table.maxCount(units.grams(size), size);
    // What does not occur twice does not occur twice as part of anything longer.
    if (most < 2) return undefined;
    const found = (most * size) / units.length;
    if (found > limit * leeway) return { drop: `one ${size}-gram is ${percent(found)} of the text` };
  }
  for (const [n, limit] of Object.entries(duplicateGrams)) {
    const size = Number(n) * scale;
    const found = table.covered(units.grams(size), size) / units.length;
    if (found === 0) return undefined;
    if (found > limit * leeway) return { drop: `${percent(found)} lies in repeated ${size}-grams` };
  }
  return undefined;
}

/** Words of a slot: the hash, the pass that wrote it, how often it occurred, where it last ended. */
const slotWords = 4;

/** Counts the n-grams of one text after the other: open addressing, and nothing to clear between two passes. */
class GramTable {
  #slots = new Uint32Array(slotWords << 8);
  #mask = 0;
  #pass = 0;

  /** How often the most frequent n-gram occurs without overlapping itself. */
  maxCount(grams: Uint32Array, n: number): number {
    this.#begin(grams.length);
    const slots = this.#slots;
    let most = 1;
    for (let at = 0; at < grams.length; at++) {
      const slot = this.#find(grams[at]);
      if (slots[slot + 1] !== this.#pass) this.#write(slot, grams[at], at + n);
      else if (at >= slots[slot + 3]) {
        slots[slot + 3] = at + n;
        most = Math.max(most, ++slots[slot + 2]);
      }
    }
    return most;
  }

  /** Units in an n-gram that occurred before in the text, each unit counted once. */
  covered(grams: Uint32Array, n: number): number {
    this.#begin(grams.length);
    let covered = 0;
    let end = 0;
    for (let at = 0; at < grams.length; at++) {
      const slot = this.#find(grams[at]);
      if (this.#slots[slot + 1] === this.#pass) {
        covered += at + n - Math.max(at, end);
        end = at + n;
      } else this.#write(slot, grams[at], at + n);
    }
    return covered;
  }

  #begin(count: number): void {
    let size = 256;
    while (size < count * 2) size *= 2;
    if (this.#slots.length < size * slotWords) this.#slots = new Uint32Array(size * slotWords);
    this.#mask = size - 1;
    this.#pass++;
    if (this.#pass === 2 ** 32) {
      this.#slots.fill(0);
      this.#pass = 1;
    }
  }

  #find(hash: number): number {
    let index = hash & this.#mask;
    while (this.#slots[index * slotWords + 1] === this.#pass && this.#slots[index * slotWords] !== hash) {
      index = (index + 1) & this.#mask;
    }
    return index * slotWords;
  }

  #write(slot: number, hash: number, end: number): void {
    this.#slots[slot] = hash;
    this.#slots[slot + 1] = this.#pass;
    this.#slots[slot + 2] = 1;
    this.#slots[slot + 3] = end;
  }
}
