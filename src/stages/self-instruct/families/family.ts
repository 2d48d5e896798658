// A family is a kind of task: everything that the stage knows of a kind stands in its row (see table.ts for all rows).
// Wordings are templates; `{}` is where operands go.
import type { Random } from '../../../base/random.js';
import { wordsOf } from '../../../base/words.js';
import type { BuiltInKind } from '../../../config/pipeline.js';
import type { Fact, TextCheck } from '../../../data/types.js';
import type { Solution, TaskLanguage } from '../teacher.js';

/**
 * Words of a row: the payload is the text that a prompt quotes or puts after its colon; the key is what must differ
 * between two tasks; the core is the question without greetings around it, by which tasks are kept together.
 */
export interface FamilySpec {
  /** What its tasks are, in words for a teacher that is a model. */
  task: string;
  /** The form of its answers, in the same words; `check` relies on it. */
  answerForm: string;
  /** What makes a task itself, if not its wording: the numbers in it, in any order, or its payload. */
  key?: 'numbers' | 'quotation';
  /** What may be in another language than the one asked for: "12+30=?", a translation. */
  anyLanguage?: 'prompt' | 'answer';
  /** The check that follows from a right answer; undefined where no program can tell right from wrong. */
  check?(answer: string, language: TaskLanguage): TextCheck | undefined;
  /** False for an answer that is wrong by the prompt's own numbers. */
  isRight?(question: string, answer: string): boolean;
  /** How a program makes a task and its answer; undefined where it takes facts and these are not among `facts`. */
  maker?(facts: readonly Fact[]): TaskMaker | undefined;
}

/** Some rows of the table. */
export type FamilyRows = Partial<Record<BuiltInKind, FamilySpec>>;

export type TaskMaker = (language: TaskLanguage, random: Random) => SolvedTask;

export interface SolvedTask {
  turns: string[];
  solution: Solution;
  /** See `ProposedTask`. */
  core?: string;
}

export type Wordings = Record<TaskLanguage, readonly string[]>;

/** Questions that share their answers. `{}` is filled with one of `slots`: the same word in question, answer and check. */
export interface Topic {
  asks: readonly string[];
  answers: readonly string[];
  slots?: readonly string[];
  /** What a right answer contains. */
  any: readonly string[];
}

export type Topics = Record<TaskLanguage, readonly Topic[]>;

/** One of the wordings, with the operands in their places. */
export function phrase(wordings: readonly string[], random: Random, ...operands: (string | number)[]): string {
  return fill(random.choose(wordings), ...operands);
}

/** Puts the operands into the places marked `{}`, from left to right; further places take the last one. */
export function fill(template: string, ...operands: (string | number)[]): string {
  let next = 0;
  return template.replace(/\{\}/g, () => String(operands[Math.min(next++, operands.length - 1)]));
}

/** The check of an answer of one fixed form. */
export function exactly(answer: string): TextCheck {
  return { type: 'equals', answer: answer.trim().replace(/[.。]$/, '') };
}

/** A longer answer can be right in many ways. */
export function exactlyIfShort(answer: string): TextCheck | undefined {
  return wordsOf(answer).length <= 12 ? exactly(answer) : undefined;
}
