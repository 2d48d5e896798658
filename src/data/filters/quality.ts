// What a page of prose looks like, after Gopher (Rae et al. 2021, table A1) and C4 (Raffel et al. 2020), with units in
// place of words: a Han character counts as one word, so Chinese is held to the same measures and passes them.
import { z } from 'zod';
import { defineFilter, type Verdict } from './filter.js';
import { percent } from './repair.js';
import { finish, mix, Units } from './units.js';

const share = z.number().min(0).max(1);

export const length = defineFilter({
  about: 'drops texts with too few or too many words; a Han character is one word',
  schema: z
    .strictObject({
      min: z.int().min(0).default(50).describe('fewest words'),
      max: z.int().min(1).default(100_000).describe('most words'),
    })
    .refine(({ min, max }) => min <= max, 'min is larger than max'),
  scope: 'document',
  make: ({ min, max }) => {
    const units = new Units();
    return ({ text }) => {
      const words = units.read(text).length;
      if (words < min) return { drop: `${words} words` };
      return words > max ? { drop: `${words} words` } : undefined;
    };
  },
});

export const symbols = defineFilter({
  about: 'drops texts of mostly symbols, digits or bullets: tables, menus, code dumps',
  schema: z.strictObject({
    symbols: share.default(0.1).describe('most # and … for each word'),
    digits: share.default(0.3).describe('largest share of digits among the characters that are no space'),
    letters: share.default(0.5).describe('smallest share of letters (Han counted) among those characters'),
    bullets: share.default(0.9).describe('largest share of lines that begin with a bullet'),
    ellipses: share.default(0.3).describe('largest share of lines that end with …'),
  }),
  scope: 'document',
  make: (limits) => {
    const units = new Units();
    return ({ text }) => {
      const words = Math.max(1, units.read(text).length);
      const found = countIn(text, /#|…+|\.{3,}/g) / words;
      if (found > limits.symbols) return { drop: `${found.toFixed(2)} symbols for each word` };
      const visible = Math.max(1, countIn(text, /\S/gu));
      const digits = countIn(text, /\p{Nd}/gu) / visible;
      if (digits > limits.digits) return { drop: `${percent(digits)} digits` };
      const letters = countIn(text, /[\p{L}\p{M}]/gu) / visible;
      if (letters < limits.letters) return { drop: `${percent(letters)} letters` };
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      const of = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length / lines.length;
      const bullets = of(/^\s*[-*•●·◦▪■‣]/);
      if (bullets > limits.bullets) return { drop: `${percent(bullets)} of the lines are bullets` };
      const cut = of(/(?:…|\.{3})$/);
      return cut > limits.ellipses ? { drop: `${percent(cut)} of the lines end with …` } : undefined;
    };
  },
});

function countIn(text: string, pattern: RegExp): number {
  let count = 0;
  for (pattern.lastIndex = 0; pattern.exec(text) !== null; ) count++;
  return count;
}

/** n of the n-gram → largest share of the characters. Gopher's figures, for n-grams of words. */
const topGrams = { 2: 0.2, 3: 0.18, 4: 0.16 } as const;
const duplicateGrams = { 5: 0.15, 7: 0.13, 10: 0.1 } as const;

export const repetition = defineFilter({
  about: 'drops texts that repeat themselves: lines, paragraphs, n-grams of words (of characters in Chinese)',
  schema: z.strictObject({
    lines: share.default(0.3).describe('largest share of lines that stood before in the text'),
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
  make: (limits) => {
    const units = new Units();
    return ({ text }) => {
      for (const [name, separator] of [
        ['lines', /\n+/],
        ['paragraphs', /\n{2,}/],
      ] as const) {
        const found = repeatedShare(text.split(separator));
        if (found > limits[name]) return { drop: `${percent(found)} of the ${name} are repeated` };
      }
      if (limits.grams === 0 || units.read(text).length < limits.minWords) return undefined;
      return repeatedGrams(units, limits.grams);
    };
  },
});

/** Share of the parts that stood before. One part alone repeats nothing. */
function repeatedShare(parts: readonly string[]): number {
  const filled = parts.filter((part) => part.trim() !== '');
  return filled.length < 2 ? 0 : 1 - new Set(filled).size / filled.length;
}

function repeatedGrams(units: Units, factor: number): Verdict | undefined {
  // A Han character carries about half a word: twice as many of them make an n-gram of the same weight.
  const scale = units.singles * 2 > units.length ? 2 : 1;
  for (const [n, limit] of Object.entries(topGrams)) {
    const found = topGramShare(units, Number(n) * scale);
    if (found > limit * factor) return { drop: `one ${Number(n) * scale}-gram is ${percent(found)} of the text` };
  }
  for (const [n, limit] of Object.entries(duplicateGrams)) {
    const found = duplicateGramShare(units, Number(n) * scale);
    if (found > limit * factor) return { drop: `${percent(found)} lies in repeated ${Number(n) * scale}-grams` };
  }
  return undefined;
}

function gramHash({ hashes }: Units, at: number, n: number): number {
  let hash = 0x811c9dc5;
  for (let i = at; i < at + n; i++) hash = mix(hash, hashes[i]);
  return finish(hash);
}

/** Share of the units that the most frequent n-gram covers, where it occurs twice at least. */
function topGramShare(units: Units, n: number): number {
  const counts = new Map<number, { count: number; end: number }>();
  let most = 1;
  for (let at = 0; at + n <= units.length; at++) {
    const hash = gramHash(units, at, n);
    const seen = counts.get(hash);
    if (seen === undefined) counts.set(hash, { count: 1, end: at + n });
    else if (at >= seen.end) {
      seen.count++;
      seen.end = at + n;
      most = Math.max(most, seen.count);
    }
  }
  return most < 2 ? 0 : (most * n) / units.length;
}

/** Share of the units in an n-gram that stood before in the text, each unit counted once. */
function duplicateGramShare(units: Units, n: number): number {
  const seen = new Set<number>();
  let covered = 0;
  let end = 0;
  for (let at = 0; at + n <= units.length; at++) {
    const hash = gramHash(units, at, n);
    if (seen.has(hash)) {
      covered += at + n - Math.max(at, end);
      end = at + n;
    } else seen.add(hash);
  }
  return covered / Math.max(1, units.length);
}
