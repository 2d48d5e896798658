// What a question is asked of, where another can take its place: the number of "Is 17 odd or even?", the words of "Put “red fish”
// in upper case.". Two tasks that ask the same of different operands make a follow-up: "And 17?".
import type { Conversation } from '../../data/types.js';
import { familyOf } from './families/table.js';
import { payloadOf } from './task-key.js';
import type { TaskLanguage } from './teacher.js';

export interface Operand {
  /** As the question has it. */
  text: string;
  isQuoted: boolean;
  /** The family, the language and what is asked: rows that share it ask the same of different operands. */
  question: string;
}

/** Numbers, and what may stand between two of them. */
const numbers = /\d+(?:\s*(?:[+\-−×*÷/,、和与跟或加减乘]|and|or|plus|minus|times|还是)\s*\d+)*/g;

/** Undefined where it cannot be told. */
export function operandOf({ kind, language, messages }: Conversation): Operand | undefined {
  if (kind === undefined || messages.length !== 2) return undefined;
  const [prompt, answer] = messages.map(({ content }) => content);
  const { key, asked } = familyOf(kind);
  const isQuoted = key === 'quotation';
  const isNumeric = key === 'numbers' || asked !== undefined;
  const text = isQuoted ? payloadOf(prompt) : isNumeric ? onlyMatch(prompt, numbers) : undefined;
  if (text === undefined || text.includes('\n') || prompt.split(text).length !== 2) return undefined;
  const wording = asked?.(answer, text) ?? prompt.replace(text, () => '{}');
  return { text, isQuoted, question: `${kind}/${language} ${wording}` };
}

function onlyMatch(text: string, pattern: RegExp): string | undefined {
  const found = text.match(pattern) ?? [];
  return found.length === 1 ? found[0] : undefined;
}

export function shownOperand({ text, isQuoted }: Operand, language: TaskLanguage): string {
  if (!isQuoted) return text;
  return language === 'zh' ? `“${text}”` : `"${text}"`;
}
