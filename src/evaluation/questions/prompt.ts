// What a model is given for a question: a conversation for one that has learnt turns, or text to be continued for one that
// has not, so that a base model and what was made of it can be asked the same. Examples come before, solved.
import type { Language } from '../../data/types.js';
import type { Message } from '../../tokenizer/message.js';
import type { Example, Mode, Question } from './question.js';

interface Wording {
  template: string;
  /** Asks a chat model for steps. */
  instruction: string;
  /** Begins the answer of a model that continues text. */
  opening: string;
  /** Before the answer that follows steps, and after it. */
  final: readonly [string, string];
}

const english: Wording = {
  template: 'Question: {question}\nAnswer: {answer}',
  instruction: 'Think step by step, then say “The answer is …”.',
  opening: "Let's think step by step.",
  final: [' The answer is ', '.'],
};
const wordings: Readonly<Record<Language, Wording>> = {
  en: english,
  other: english,
  zh: {
    template: '问题：{question}\n答案：{answer}',
    instruction: '请一步一步地想，最后说“答案是……”。',
    opening: '我们一步一步地想。',
    final: ['所以答案是', '。'],
  },
};

/** The conversation, to be answered. */
export function chatOf(question: Question, mode: Mode, examples: readonly Example[]): Message[] {
  const wording = wordings[question.language];
  const ask = (fields: Example['fields']): string =>
    question.template === undefined ? fields.question : opened(question.template, fields).trimEnd();
  const shown = examples.flatMap((example): Message[] => [
    { role: 'user', content: ask(example.fields) },
    { role: 'assistant', content: answerOf(example, mode, wording) },
  ]);
  const system: Message[] = question.system === undefined ? [] : [{ role: 'system', content: question.system }];
  // The examples show what steps are; the question asks for them.
  const asked = ask(question.fields);
  const content = mode === 'steps' ? `${asked}\n${wording.instruction}` : asked;
  return [...system, ...shown, ...question.before, { role: 'user', content }];
}

/** The text, up to where its continuation is the answer. It may end in white space: see `splitSpace`. */
export function textOf(question: Question, mode: Mode, examples: readonly Example[]): string {
  const wording = wordings[question.language];
  const template = question.template ?? wording.template;
  const solved = (fields: Example['fields'], answer: string): string => opened(template, fields) + answer;
  const turns: string[] = [];
  const said = question.before.filter(({ role, toolCalls }) => role !== 'tool' && toolCalls === undefined);
  for (let i = 0; i + 1 < said.length; i += 2) turns.push(solved({ question: said[i].content }, said[i + 1].content));
  const shown = examples.map((example) => solved(example.fields, answerOf(example, mode, wording)));
  const prompt = opened(template, question.fields);
  const opening = mode === 'steps' && examples.length === 0 ? wording.opening : '';
  return [...(question.system === undefined ? [] : [question.system]), ...shown, ...turns, prompt + opening].join(
    '\n\n',
  );
}

/** White space at the end of a prompt belongs to the continuation: tokens of most models begin with it. */
export function splitSpace(prompt: string): { prompt: string; space: string } {
  const kept = prompt.trimEnd();
  return { prompt: kept, space: prompt.slice(kept.length) };
}

/** The template with its fields filled in, up to the answer. A field's text is never looked into again. */
function opened(template: string, fields: Example['fields']): string {
  const before = template.slice(0, template.indexOf('{answer}'));
  return before.replace(/\{([\p{L}_][\p{L}\p{N}_]{0,63})\}/gu, (whole, name: string) =>
    Object.hasOwn(fields, name) ? fields[name] : whole,
  );
}

function answerOf({ answer, steps }: Example, mode: Mode, { final: [before, after] }: Wording): string {
  return mode === 'steps' && steps !== undefined ? `${steps}${before}${answer}${after}` : answer;
}
