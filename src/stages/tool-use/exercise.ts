// One thing to be asked and how it is answered with tools: the calls, turn by turn, each made from the results before it, and
// the final words. Nothing here knows a result before the tool has really run.
import type { Random } from '../../base/random.js';
import type { Check, SessionStart } from '../../data/types.js';
import type { ToolCall } from '../../tokenizer/message.js';
import { partFor, type Spoken, spokenLanguages, type Wordings } from '../../tools/wordings.js';

export { type Spoken, spokenLanguages, type Wordings };

export interface Ending {
  /** The assistant's last words. */
  answer: string;
  check: Check;
}

export interface Exercise {
  kind: string;
  language: Spoken;
  /** The template of the question: rows of one are all learnt or all held out. */
  wording: string;
  question: string;
  /** Names of the tools without which it cannot be answered. */
  needs: readonly string[];
  /** The calls of each turn, from all results so far. */
  turns: readonly ((results: readonly string[]) => ToolCall[])[];
  /** Undefined: the results do not answer the question, and the row is left out. */
  ending(results: readonly string[]): Ending | undefined;
  /** What a right answer is, where it is known without a tool: for asking the student. */
  check?: Check;
  start?: SessionStart;
}

/** What a maker may draw from. */
export interface Draw {
  random: Random;
  language: Spoken;
  /** Wordings and words that no other row has. */
  isHeldOut: boolean;
}

export type Maker = (draw: Draw) => Exercise | undefined;

export function wordingOf(wordings: Wordings, { random, language, isHeldOut }: Draw): string {
  return random.choose(partFor(wordings[language], isHeldOut));
}

/** Puts values in the places `{name}`. */
export function filled(wording: string, values: Readonly<Record<string, string | number>>): string {
  return wording.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function call(name: string, given: Record<string, unknown>): ToolCall {
  return { name, arguments: given };
}

/** An answer that is right where it holds this text. */
export function holding(answer: string, text: string): Ending {
  return { answer, check: { type: 'contains', any: [text] } };
}
