// A family is a kind of task: everything that the stage knows of a kind stands in its row (see table.ts for all rows).
// A task is a wording with operands in it. A fifth of the wordings and a fifth of the operands are held out: a held-out task
// has both from there, any other has neither, so a right answer to it is understanding and no memory.
import { Random } from '../../../base/random.js';
import { wordsOf } from '../../../base/words.js';
import type { BuiltInKind } from '../../../config/pipeline.js';
import type { Fact, TextCheck } from '../../../data/types.js';
import { partFor, variantOf } from '../../../tools/wordings.js';
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
  /**
   * What is asked of the operand, by the answer where a family asks several things: two tasks of which it is the same make a
   * follow-up ("And 17?"), whatever their wordings. Absent, or undefined: those of one wording do.
   */
  asked?(answer: string, operand: string): string | undefined;
  /** How a program makes a task and its answer; undefined where it takes facts and these are not among `sources`. */
  maker?(sources: Sources): TaskMaker | undefined;
}

/** What the corpus gives a maker. */
export interface Sources {
  facts: readonly Fact[];
  /** Whether the corpus states no sum, difference, … of the two: such sums are for held-out tasks. */
  isUnseenPair(a: number, b: number): boolean;
  /** Answers that show what decides (the last digit, both numbers) before the result: easier for a small model. */
  isWorked: boolean;
}

/** Some rows of the table. */
export type FamilyRows = Partial<Record<BuiltInKind, FamilySpec>>;

export interface Draw {
  language: TaskLanguage;
  random: Random;
  /** Of wordings and operands that no other task has. */
  isHeldOut: boolean;
}

/** Undefined: nothing was found on that side. */
export type TaskMaker = (draw: Draw) => SolvedTask | undefined;

export interface SolvedTask {
  turns: string[];
  solution: Solution;
  /** See `ProposedTask`. */
  core?: string;
}

const maxDraws = 2000;

/** Draws until an operand is found on the side of `draw`: by a hash of its key a fifth is held out. */
export function operandFor<T>(
  { random, isHeldOut }: Draw,
  make: (random: Random) => T,
  keyOf: (operand: T) => string,
): T | undefined {
  return firstOn(
    isHeldOut,
    () => make(random),
    (operand) => Random.stream(0, `operand ${keyOf(operand)}`).uniform() < 0.2,
  );
}

/** Draws until `isOut` of the operand is `isHeldOut`; undefined where the side seems to be empty. */
export function firstOn<T>(isHeldOut: boolean, make: () => T, isOut: (operand: T) => boolean): T | undefined {
  for (let i = 0; i < maxDraws; i++) {
    const operand = make();
    if (isOut(operand) === isHeldOut) return operand;
  }
  return undefined;
}

/** One of the wordings of the side of `draw`, with the operands in their places. */
export function phrase(wordings: readonly string[], draw: Draw, ...operands: (string | number)[]): string {
  const wording = draw.random.choose(partFor(wordings, draw.isHeldOut));
  return fill(variantOf(wording, draw.random), ...operands);
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

/** An answer of one fixed form, and its check. */
export function fixed(answer: string): Solution {
  return { answer, check: exactly(answer) };
}

/** A longer answer can be right in many ways. */
export function exactlyIfShort(answer: string): TextCheck | undefined {
  return wordsOf(answer).length <= 12 ? exactly(answer) : undefined;
}
