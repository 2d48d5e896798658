// The shapes that data has on its way from a source to a batch.
import type { Message } from '../tokenizer/message.js';

export type Language = 'zh' | 'en' | 'other';

/** One document of plain text. */
export interface Document {
  /** Stable and readable: `source:path:line` or `source:index`. */
  id: string;
  text: string;
  source: string;
  language: Language;
}

/** Something a corpus states that a teacher may look up: a translation, a definition, the next line of a poem. */
export interface Fact {
  kind: 'translation' | 'definition' | 'poem-line';
  /** Chinese word, English word, or a poem's line. */
  key: string;
  /** The English translation, the definition, or the line that follows. */
  value: string;
  source: string;
}

/** How an answer is checked, without a person or a model. */
export type Check =
  /** Equal after trimming, NFKC and removing a final full stop. */
  | { type: 'equals'; answer: string }
  /** The last number in the answer. */
  | { type: 'number'; answer: number }
  /** Any of these occurs (case-insensitive). */
  | { type: 'contains'; any: string[] }
  /** The answer declines, in the prompt's language. */
  | { type: 'refusal' };

/** Where a conversation came from: kept with it for ever. */
export interface Provenance {
  teacher: string;
  /** The ids of the seeds it was made from. */
  seeds: string[];
  request?: number;
}

/** A row of a conversations file. `messages` ends with an assistant's turn when it is for training. */
export interface Conversation {
  id: string;
  messages: Message[];
  /** Task family: 'identity', 'arithmetic', 'refusal', … */
  kind?: string;
  language?: Language;
  check?: Check;
  /** Rows that ask the same in other words share it: together they are one piece of evidence. Absent: alone. */
  group?: string;
  provenance?: Provenance;
}

/** One tokenised sequence. `loss[i]` is 1 where token i is to be predicted (the mask of the label, not the input). */
export interface TokenSequence {
  id: string;
  tokens: ArrayLike<number>;
  /** Absent: every token but the first carries loss. */
  loss?: ArrayLike<number>;
}

/**
 * Rows of packed sequences, ready for the model. B rows of T columns, row-major.
 * A position attends to the keys `rangeStart..rangeEnd` of its own row, both inclusive: its own document, up to itself.
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
  /** [B·T] index into `sequences` of the sequence that owns the position, or -1 for padding. */
  owners: Int32Array;
  /** Ids of the sequences in the batch: named when a loss is not finite. */
  sequences: string[];
}
