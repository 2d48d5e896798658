// The shapes that data has on its way from a source to a batch.
import { z } from 'zod';
import { type Message, type Tool, messageText as text } from '../tokenizer/message.js';
import { constraintSchema } from './constraints.js';

const language = z.enum(['zh', 'en', 'other']);
export type Language = z.output<typeof language>;

/** One document of plain text. */
export interface Document {
  /** Stable and readable: `source:path:line` or `source:index`. */
  id: string;
  text: string;
  source: string;
  language: Language;
}

/** Something a corpus states that a teacher may look up: a translation, a definition, the next line of a poem. */
export const factSchema = z.object({
  kind: z.enum(['translation', 'definition', 'poem-line']),
  /** Chinese word, English word, or a poem's line. */
  key: z.string().min(1),
  /** The English translation, the definition, or the line that follows. */
  value: z.string().min(1),
  source: z.string(),
});
export type Fact = z.output<typeof factSchema>;

/** How the text of an answer is checked, without a person or a model. */
export const textCheckSchema = z.discriminatedUnion('type', [
  z
    .strictObject({ type: z.literal('equals'), answer: text.min(1) })
    .describe('the answer equals this after trimming, NFKC and removing a final full stop'),
  z.strictObject({ type: z.literal('number'), answer: z.number() }).describe('the last number in the answer is this'),
  z
    .strictObject({ type: z.literal('contains'), any: z.array(text.min(1)).min(1).max(1000) })
    .describe('any of these occurs, in upper or lower case'),
  z.strictObject({ type: z.literal('refusal') }).describe("the answer declines, in the prompt's language"),
  z
    .strictObject({
      type: z.literal('constraints'),
      all: z.array(constraintSchema).min(1).max(20).describe('a list of constraints'),
    })
    .describe('the answer fulfils all of these constraints on form; the reward is the share that it fulfils'),
]);
export type TextCheck = z.output<typeof textCheckSchema>;

/** How an answer is checked: by its text, or by what its calls did. */
export const checkSchema = z.discriminatedUnion('type', [
  textCheckSchema,
  z
    .strictObject({ type: z.literal('world'), goal: text.min(1) })
    .describe('what the calls made of the small world in `start.scene` fulfils this goal: `cup in box; box closed`'),
]);
export type Check = z.output<typeof checkSchema>;

/** What a conversation starts from, for tools that depend on more than their arguments. */
export const sessionStartSchema = z.strictObject({
  now: z.iso
    .datetime({ offset: true, error: 'a time with its offset was expected, like 2026-11-29T08:30:00Z' })
    .transform((text) => new Date(text))
    .optional()
    .describe('the time that `Now` says: ISO 8601 with its offset from UTC; default: that of the clock'),
  scene: text.min(1).optional().describe('the state in which the small world begins'),
});
export type SessionStart = z.output<typeof sessionStartSchema>;

/** A row of a conversations file. `messages` ends with an assistant's turn when it is for training. */
export interface Conversation {
  /** Absent in the file: the row is named after its place. */
  id: string;
  messages: Message[];
  /** What the assistant may call. */
  tools?: Tool[];
  /** Task family: 'identity', 'arithmetic', 'refusal', … */
  kind?: string;
  language?: Language;
  check?: Check;
  /** What tools begin from when the row is asked anew: a time to tell, a scene of the small world. Absent: as at any time. */
  start?: SessionStart;
  /** Rows that ask the same in other words share it: together they are one piece of evidence. Absent: alone. */
  group?: string;
  /** Where it came from: kept with it for ever. */
  provenance?: {
    teacher: string;
    /** How it was asked for, and the version of the prompts: `alpaca@1`. */
    method?: string;
    /** The ids of the seeds it was made from. */
    seeds: string[];
    request?: number;
    /** ROUGE-L to the prompt that was nearest when it was accepted, and that prompt; where wording decides what is new. */
    similarity?: number;
    nearest?: string;
    /** Share of right answers of the student that was asked (selfInstruct.student). */
    passRate?: number;
    /** The ids of the rows that other exchanges of it are from. */
    earlier?: string[];
  };
}

/** What a row says of itself beside its messages, field by field: of third-party rows only what fits is read. */
export const conversationFields = {
  id: z
    .union([z.string().min(1).max(1000), z.number()]) // many data sets count their rows
    .transform(String)
    .describe('name of the row; default: its file and line'),
  kind: z.string().max(100).describe('family of the task, a row of its own in tables'),
  language: language.describe('default: by the script of the text'),
  group: z
    .union([z.string().min(1).max(4000), z.number()])
    .transform(String)
    .describe('rows that ask the same in other words share it: they count as one piece of evidence'),
  provenance: z
    .object({
      teacher: z.string().max(1000).describe('who wrote the row'),
      method: z.string().max(100).optional().describe('how it was asked for, and the version of the prompts'),
      seeds: z.array(z.string().max(1000)).max(1000).describe('ids of the seeds that it was made from'),
      request: z.int().optional().describe('number of the request'),
      similarity: z.number().optional().describe('ROUGE-L to the nearest prompt when it was accepted'),
      nearest: z.string().max(20_000).optional().describe('that prompt'),
      passRate: z.number().optional().describe("share of the student's answers that were right"),
      earlier: z
        .array(z.string().max(1000))
        .max(1000)
        .optional()
        .describe('ids of rows that its earlier turns are from'),
    })
    .describe('where the row came from'),
};

/** One tokenised sequence. `loss[i]` is 1 where token i is to be predicted (the mask of the label, not the input). */
export interface TokenSequence {
  id: string;
  tokens: ArrayLike<number>;
  /** Absent: every token but the first carries loss. */
  loss?: ArrayLike<number>;
}

/**
 * Rows of packed sequences, ready for the model. B rows of T columns, row-major.
 * A position attends to the keys `rangeStart..rangeEnd` of its own row, both inclusive: its own document, up to itself. The
 * keys of a row are those of its columns, in their order; or, where documents share a beginning, what `keys` says.
 */
export interface TokenBatch {
  rows: number;
  columns: number;
  /** [B·T] input ids; padding positions hold the pad id. */
  tokens: Int32Array;
  /** [B·T] the id to predict at each position. */
  targets: Int32Array;
  /** [B·T] 1 where the prediction counts, else 0. */
  weights: Float32Array;
  /** [B·T] position within its own document, from 0. */
  positions: Int32Array;
  /** [B·T·2] first and last key that the position may attend to, within its row. */
  ranges: Int32Array;
  /** [B·S] the position, among all B·T, whose key and value each key of a row is. Absent: S is T, and each its own. */
  keys?: Int32Array;
  /** [B·T] index into `ids` of the sequence that owns the position, or -1 for padding. */
  owners: Int32Array;
  /** Ids of the sequences in the batch: named when a loss is not finite. */
  ids: string[];
  /** The sum of `weights`. */
  weight: number;
  /** Positions that are not padding. */
  tokenCount: number;
}
