// What a page of prose looks like, after Gopher (Rae et al. 2021, table A1) and C4 (Raffel et al. 2020), with units in
// place of words: a Han character counts as one word, so Chinese is held to the same measures and passes them.
import { z } from 'zod';
import { codePointAt, digit, kindOf, letter, space } from './characters.js';
import { defineFilter } from './filter.js';
import { percent } from './repair.js';

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
  make: ({ min, max }, { units }) => {
    return ({ text }) => {
      const words = units.read(text).length;
      return words < min || words > max ? { drop: `${words} words` } : undefined;
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
  make: (limits, { units }) => {
    return ({ text }) => {
      const found = countSymbols(text);
      const marks = found.marks / Math.max(1, units.read(text).length);
      if (marks > limits.symbols) return { drop: `${marks.toFixed(2)} symbols for each word` };
      const digits = found.digits / Math.max(1, found.visible);
      if (digits > limits.digits) return { drop: `${percent(digits)} digits` };
      const letters = found.letters / Math.max(1, found.visible);
      if (letters < limits.letters) return { drop: `${percent(letters)} letters` };
      // A line or two are no list.
      if (found.lines < 3) return undefined;
      const bullets = found.bullets / Math.max(1, found.lines);
      if (bullets > limits.bullets) return { drop: `${percent(bullets)} of the lines are bullets` };
      const cut = found.cut / Math.max(1, found.lines);
      return cut > limits.ellipses ? { drop: `${percent(cut)} of the lines end with …` } : undefined;
    };
  },
});

const [hash, dot, ellipsis, newline] = ['#', '.', '…', '\n'].map((each) => each.charCodeAt(0));
const bulletSigns = new Set([...'-*•●·◦▪■‣'].map((each) => each.charCodeAt(0)));

/**
 * All that the rules ask for, in one pass: `marks` are `#` and runs of `…` or of three dots and more; `visible`,
 * characters that are no space; `lines`, those that are not blank; `bullets` and `cut`, those that begin with a bullet or
 * end with an ellipsis.
 */
function countSymbols(text: string) {
  const found = { marks: 0, visible: 0, digits: 0, letters: 0, lines: 0, bullets: 0, cut: 0 };
  let before = newline;
  /** Dots in a row so far. */
  let dots = 0;
  let blank = true;
  for (let i = 0; i < text.length; i++) {
    const code = codePointAt(text, i);
    if (code > 0xffff) i++;
    if (code === newline) {
      if (before === ellipsis || dots >= 3) found.cut++;
      blank = true;
    }
    if (code === hash || (code === ellipsis && before !== ellipsis)) found.marks++;
    dots = code === dot ? dots + 1 : 0;
    if (dots === 3) found.marks++;
    before = code;
    const kind = kindOf(code);
    if ((kind & space) !== 0) continue;
    found.visible++;
    if ((kind & digit) !== 0) found.digits++;
    if ((kind & letter) !== 0) found.letters++;
    if (!blank) continue;
    blank = false;
    found.lines++;
    if (bulletSigns.has(code)) found.bullets++;
  }
  if (before === ellipsis || dots >= 3) found.cut++;
  return found;
}
