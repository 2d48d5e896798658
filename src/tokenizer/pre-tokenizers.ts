// The ways of cutting text into pieces that other models use and llama.cpp knows by name. What a tokenizer.json says is
// only compared with this closed table: its regexes are never compiled, each set of cuts is a function of our own.

import { pieceEnd, preTokenizerJson } from './pre-tokenizer.js';
import { cutsOf } from './regex-cuts.js';

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

const deepseekSteps = stepsOf(preTokenizerJson) as string[];
const digits = 'digits one by one';

/** In the order of their steps: a Split by its regex, `Digits` by name, ByteLevel by its regex where it uses it. */
const table: readonly (PreTokenizer & { steps: readonly string[] })[] = [
  { name: 'deepseek-v3', steps: deepseekSteps, pieceEnd },
  { name: 'llama-bpe', steps: [llama3], pieceEnd: cutsOf({ style: 'tiktoken', maxNumerals: 3 }) },
  { name: 'qwen2', steps: [qwen2], pieceEnd: cutsOf({ style: 'tiktoken', maxNumerals: 1 }) },
  { name: 'gpt-2', steps: [gpt2], pieceEnd: cutsOf({ style: 'gpt-2', numeralsApart: false }) },
  { name: 'smollm', steps: [digits, gpt2], pieceEnd: cutsOf({ style: 'gpt-2', numeralsApart: true }) },
];

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

interface Step {
  type?: unknown;
  pattern?: { Regex?: unknown } | null;
  behavior?: unknown;
  invert?: unknown;
  individual_digits?: unknown;
  add_prefix_space?: unknown;
  use_regex?: unknown;
  pretokenizers?: unknown;
}

/** What a pre-tokenizer does, step by step; undefined where a step is of no known kind. It must end in ByteLevel. */
function stepsOf(json: unknown): string[] | undefined {
  const { type, pretokenizers } = (json ?? {}) as Step;
  const list = type === 'Sequence' && Array.isArray(pretokenizers) ? (pretokenizers as unknown[]) : [json];
  if (list.length > 8) return undefined;
  const steps: string[] = [];
  for (const [i, item] of list.entries()) {
    const step = (item ?? {}) as Step;
    const isLast = i === list.length - 1;
    if ((step.type === 'ByteLevel') !== isLast) return undefined;
    if (isLast) {
      if (step.add_prefix_space !== false || ![true, false, undefined].includes(step.use_regex as undefined)) return;
      if (step.use_regex !== false) steps.push(gpt2);
    } else if (step.type === 'Split' && typeof step.pattern?.Regex === 'string') {
      if (step.behavior !== 'Isolated' || (step.invert ?? false) !== false) return undefined;
      steps.push(step.pattern.Regex);
    } else if (step.type === 'Digits' && step.individual_digits === true) {
      steps.push(digits);
    } else {
      return undefined;
    }
  }
  return steps;
}
