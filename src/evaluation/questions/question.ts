// A question of a person's own: what is asked, how, and how the answer is judged. A file of them is rows (JSON lines, CSV,
// Parquet, …), after a first row `{"settings": {…}}` where something holds for all of them.
import { z } from 'zod';
import { type Conversation, conversationFields, type Language } from '../../data/types.js';
import { type Message, messageText } from '../../tokenizer/message.js';

/** How an answer is judged; `calls` and `world`: by what it calls, and by what came of that. The last two read how likely the model holds given answers to be: nothing is generated. */
export const scoreNames = [
  'exact',
  'contains',
  'regex',
  'number',
  'refusal',
  'overRefusal',
  'rougeL',
  'chrF',
  'calls',
  'world',
  'constraints',
  'likelihood',
  'choice',
] as const;
export type ScoreName = (typeof scoreNames)[number];

/** Of scores of what is generated. */
export function isJudgedWithoutTools(score: ScoreName): boolean {
  return score !== 'calls' && score !== 'world';
}

/** Whether the answer comes at once, after steps that are written down (chain of thought), or with tools that may be called. */
export type Mode = 'direct' | 'steps' | 'tools';

/** A worked example that is shown before the question. */
export interface Example {
  /** As the question's own fields: what a template names. */
  fields: Readonly<Record<string, string>>;
  answer: string;
  /** The way to the answer, shown where questions are answered in steps. */
  steps?: string;
}

export interface Question {
  id: string;
  /** `path:line`. */
  where: string;
  /** Family, a row of the table below that of its score: by default the name of the file. */
  kind: string;
  language: Language;
  /** Questions that ask the same in other words share it: together they are one piece of evidence. */
  group?: string;
  /** Further rows of the table that it counts in, beside that of its kind. */
  tags?: readonly string[];
  /** One of a pair, with the other of its group: they differ in this alone, such as `gender`, and this is its side of it. */
  contrast?: { name: string; side: string };
  system?: string;
  /** Turns before the question: what was said, question and answer in turn. */
  before: readonly Message[];
  /** What a template names; `question` is what is asked. */
  fields: Readonly<Record<string, string>>;
  /** With `___`: a sentence whose gap each choice fills, in place of a question. */
  gap?: string;
  scores: readonly ScoreName[];
  /** Right answers: any of them will do. */
  answers: readonly string[];
  pattern?: { source: string; flags: string };
  choices?: readonly string[];
  /** Index of the right choice. */
  right?: number;
  modes: readonly Mode[];
  /** Shown before it; drawn from `pool` where it gives none of its own. */
  examples: readonly Example[];
  shots: number;
  steps?: string;
  template?: string;
  /** Default: as a chat where the model has learnt turns, else as text to be continued. */
  ask?: 'chat' | 'text';
  maxNewTokens: number;
  /** The row, where it is a conversation: tools that it lists, calls and results that it has. */
  row?: Pick<Conversation, 'messages' | 'tools' | 'start' | 'check'>;
}

export const defaultMaxNewTokens = { direct: 64, steps: 256, tools: 256 } as const;

const text = messageText;
const name = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} _-]{0,39}$/u, '1 to 40 letters, digits, blanks, dashes or underscores');
const score = z.enum(scoreNames);
const scores = z.union([score, z.array(score).min(1).max(scoreNames.length)]).transform((value) => [value].flat());
const template = text
  .max(10_000)
  .refine((value) => /\{answer\}\s*$/.test(value), 'a template ends with {answer}')
  .refine((value) => value.indexOf('{answer}') === value.lastIndexOf('{answer}'), 'a template names {answer} once');
const cot = z.union([z.boolean(), z.literal('both')]);
const ask = z.enum(['chat', 'text']);
const shots = z.int().min(0).max(64);
const maxNewTokens = z.int().min(1).max(65_536);
/** Numbers are answers, too. */
const answer = z.union([text, z.number()]).transform(String);

export const exampleSchema = z.strictObject({
  question: text.describe('what is asked'),
  answer: answer.describe('the right answer'),
  steps: text.optional().describe('how it is found, for `cot`'),
});

/** What a row says, or the first row for all. */
const shared = {
  kind: name.optional().describe("family of the question, a row of the table; default: the file's name"),
  score: scores.optional().describe(`how answers are judged, one or several of ${scoreNames.join(', ')}`),
  system: text.optional().describe('system message before the question'),
  template: template.optional().describe('text of the prompt: {field} is a field of the row, {answer} its end'),
  shots: shots.optional().describe('solved examples before the question; also --shots'),
  cot: cot.optional().describe('true: think in steps first; both: with and without; also --cot'),
  ask: ask.optional().describe('as a chat, or as text to continue; default: what the model has learnt'),
  maxNewTokens: maxNewTokens.optional().describe('longest answer; default: 64, in steps or with tools 256'),
  examples: z.array(exampleSchema).max(64).optional().describe('solved examples of its own'),
};

export const settingsSchema = z.strictObject({ name: name.optional(), ...shared });
export type Settings = z.output<typeof settingsSchema>;

export const rowFields = {
  ...shared,
  id: z
    .union([z.string().min(1).max(1000), z.number()])
    .transform(String)
    .optional()
    .describe('name of the row; default: its file and line'),
  language: z.enum(['zh', 'en', 'other']).optional().describe('default: by the script of the question'),
  group: conversationFields.group.optional().describe(conversationFields.group.description ?? ''),
  tags: z.array(name).max(16).optional().describe('further rows of the table that it counts in'),
  contrast: name.optional().describe('of a pair: what the two differ in; with `side` and `group`'),
  side: name.optional().describe('of a pair: which of the two it is'),
  question: text.optional().describe('what is asked'),
  text: text.optional().describe('in place of a question: a sentence with one gap, ___, that each choice fills'),
  example: z.boolean().optional().describe('true: shown to other questions as an example, never asked'),
  answer: z
    .union([answer, z.array(answer).min(1).max(1000)])
    .optional()
    .describe('the right answer, or several of which any is right'),
  regex: z.string().min(1).max(1000).optional().describe('a JavaScript pattern (Unicode) that a right answer matches'),
  flags: z
    .string()
    .regex(/^[ims]{0,3}$/, 'some of i, m and s')
    .optional()
    .describe('of the pattern: some of i, m and s'),
  choices: z.array(text.min(1)).min(2).max(64).optional().describe('the answers to choose from, by likelihood'),
  steps: text.optional().describe('of an example: how its answer is found'),
} as const;
export const rowSchema = z.object(rowFields);
export type QuestionRow = z.output<typeof rowSchema>;

export const gapMark = '___';
