// The ways of cutting text into pieces that other models use and llama.cpp knows by name. What a tokenizer.json says is
// only compared with this closed table: its regexes are never compiled, each set of cuts is a function of our own.
import { z } from 'zod';
import { pieceEnd, preTokenizerJson } from './pre-tokenizer.js';
import { gpt2End, tiktokenEnd } from './regex-cuts.js';

/** Index just after the piece that starts at `start`, which must be 0 or the end of a piece, and inside `text`. */
export type PieceEnd = (text: string, start: number) => number;

export interface PreTokenizer {
  /** llama.cpp's `tokenizer.ggml.pre`. */
  name: string;
  pieceEnd: PieceEnd;
}

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const tail = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const llama3 = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${tail}`;
const qwen2 = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${tail}`;
/** What ByteLevel cuts by when `use_regex` is on. */
const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const digits = 'digits one by one';

const sequenceSchema = z.object({ type: z.literal('Sequence'), pretokenizers: z.array(z.unknown()).max(8) });
const stepSchema = z.union([
  z
    .object({
      type: z.literal('Split'),
      pattern: z.object({ Regex: z.string() }),
      behavior: z.literal('Isolated'),
      invert: z.literal(false).nullish(),
    })
    .transform(({ pattern }) => pattern.Regex),
  z.object({ type: z.literal('Digits'), individual_digits: z.literal(true) }).transform(() => digits),
]);
const byteLevelSchema = z
  .object({ type: z.literal('ByteLevel'), add_prefix_space: z.literal(false), use_regex: z.boolean().optional() })
  .transform(({ use_regex }) => (use_regex === false ? [] : [gpt2]));

const deepseekSteps = stepsOf(preTokenizerJson) as string[];

/** In the order of their steps: a Split by its regex, `Digits` by name, ByteLevel by its regex where it uses it. */
const table: readonly (PreTokenizer & { steps: readonly string[] })[] = [
  { name: 'deepseek-v3', steps: deepseekSteps, pieceEnd },
  { name: 'llama-bpe', steps: [llama3], pieceEnd: (text, start) => tiktokenEnd(text, start, 3) },
  { name: 'qwen2', steps: [qwen2], pieceEnd: (text, start) => tiktokenEnd(text, start, 1) },
  { name: 'gpt-2', steps: [gpt2], pieceEnd: (text, start) => gpt2End(text, start, false) },
  { name: 'smollm', steps: [digits, gpt2], pieceEnd: (text, start) => gpt2End(text, start, true) },
];

/** As tokenizer.json spells two of them. */
export const gpt2Json = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
export const qwen2Json = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: qwen2 }, behavior: 'Isolated', invert: false },
    { ...gpt2Json, use_regex: false },
  ],
};

export const preTokenizerNames: readonly string[] = table.map(({ name }) => name);

/** The set of cuts that a tokenizer.json's `pre_tokenizer` asks for; undefined for one that we do not know. */
export function findPreTokenizer(json: unknown): PreTokenizer | undefined {
  const steps = stepsOf(json)?.join('\0');
  return steps === undefined ? undefined : table.find((known) => known.steps.join('\0') === steps);
}

/** llama.cpp's name of a `pre_tokenizer`. */
export function preTokenizerName(json: unknown): string | undefined {
  return findPreTokenizer(json)?.name;
}

/** What a pre-tokenizer does, step by step; undefined where a step is of no known kind. It must end in ByteLevel. */
function stepsOf(json: unknown): string[] | undefined {
  const sequence = sequenceSchema.safeParse(json);
  const list = sequence.success ? sequence.data.pretokenizers : [json];
  const before = z.array(stepSchema).safeParse(list.slice(0, -1));
  const last = byteLevelSchema.safeParse(list.at(-1));
  return before.success && last.success ? [...before.data, ...last.data] : undefined;
}
