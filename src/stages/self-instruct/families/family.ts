// A family is a kind of task that a program can make and answer. Wordings are templates; `{}` is where operands go.
import type { Random } from '../../../base/random.js';
import type { TaskKind } from '../../../config/pipeline.js';
import type { Solution, TaskLanguage } from '../teacher.js';

export interface Made {
  turns: string[];
  solution: Solution;
  /** See `ProposedTask`. */
  core?: string;
}

export interface Family {
  kind: TaskKind;
  languages: readonly TaskLanguage[];
  make(language: TaskLanguage, random: Random): Made;
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
export function word(wordings: readonly string[], random: Random, ...operands: (string | number)[]): string {
  return fill(random.choose(wordings), ...operands);
}

/** Puts the operands into the places marked `{}`, from left to right; further places take the last one. */
export function fill(template: string, ...operands: (string | number)[]): string {
  let next = 0;
  return template.replace(/\{\}/g, () => String(operands[Math.min(next++, operands.length - 1)]));
}
