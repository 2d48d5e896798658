// Constraints on the form of an answer, as a row carries them: "at most 20 words", "no commas", "JSON only". A program decides each
// (evaluation/constraints.ts). A word is a Chinese character, or a run of letters and digits of other scripts.
import { z } from 'zod';
import { messageText as text } from '../tokenizer/message.js';

/** With a number. */
export const countConstraints = [
  'words-at-least',
  'words-at-most',
  'words-exactly',
  'sentences',
  'lines',
  'paragraphs',
  'parts',
  'bullets',
  'numbered',
] as const;
/** With a piece of text. */
export const textConstraints = ['begins-with', 'ends-with', 'contains', 'avoids', 'lines-begin-with'] as const;
/** With nothing more to say. */
export const plainConstraints = [
  'upper-case',
  'lower-case',
  'no-commas',
  'no-punctuation',
  'no-digits',
  'has-digits',
  'no-repetition',
  'json',
  'in-chinese',
  'in-english',
  'in-quotes',
  'title',
  'postscript',
] as const;
/** With several pieces of text. */
export const listConstraints = ['one-of', 'json-keys'] as const;

const n = z.int().min(0).max(100_000);
const short = text.min(1).max(1000);

export const constraintSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.enum(countConstraints), n })
    .describe('so many of them; a Chinese character is a word; parts stand between lines of ***'),
  z
    .strictObject({ kind: z.enum(textConstraints), text: short })
    .describe('what the answer, or each line, has or avoids'),
  z.strictObject({ kind: z.literal('contains-times'), text: short, n }).describe('it occurs at least so often'),
  z.strictObject({ kind: z.enum(plainConstraints) }).describe('the form by its name'),
  z
    .strictObject({ kind: z.enum(listConstraints), any: z.array(short).min(1).max(100) })
    .describe('one-of: the answer is one of these; json-keys: an object with all of these keys'),
]);
export type Constraint = z.output<typeof constraintSchema>;

export const constraintKinds: readonly Constraint['kind'][] = [
  ...countConstraints,
  ...textConstraints,
  'contains-times',
  ...plainConstraints,
  ...listConstraints,
];
