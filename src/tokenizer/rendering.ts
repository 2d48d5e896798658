// What a template wrote, and where in it the answers are.
import type { LossChoice } from '../config/sft.js';
import type { TextPart } from './added-token-finder.js';
import type { Message } from './message.js';
import { marks } from './message-escape.js';

/** A rendering, contents still escaped, and the stretches of it that carry loss, in order. */
export interface Rendering {
  text: string;
  answers: Span[];
}

export interface Span {
  start: number;
  end: number;
}

/** A stretch whose tokens weigh so much in the loss. */
export interface WeighedSpan extends Span {
  weight: number;
}

/** The answer to one assistant's message: the rendering up to it, and where in that it is. */
export interface Turn {
  text: string;
  span: Span;
  /** What the prompt ends with and this rendering lacks; empty where the answer follows the whole prompt. */
  promptTail: string;
}

const anyMark = new RegExp(`([${marks.start}${marks.end}])`, 'u');

export function withoutMarks(marked: string): Rendering {
  const answers: Span[] = [];
  let text = '';
  let start = 0;
  for (const part of marked.split(anyMark)) {
    if (part === marks.start) start = text.length;
    else if (part === marks.end) answers.push({ start, end: text.length });
    else text += part;
  }
  return { text, answers };
}

/** Whether the longer rendering has this turn, and all before it, unchanged. */
export function holds({ text, span }: Turn, longer: Rendering): boolean {
  return longer.text.startsWith(text.slice(0, span.end));
}

export function overlap(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end;
}

/**
 * Where an answer begins that does not follow the whole prompt: where the two part, but never inside a control string or
 * a tag (`<think>` against an answer that starts with `<`). undefined where they part before the prompt's own opening of
 * the turn, so in what came before.
 * @param history the rendering of what came before, without that opening.
 */
export function partingOf(
  prompt: string,
  text: string,
  history: string,
  splitAtControls: (text: string) => TextPart[],
): number | undefined {
  let common = 0;
  while (common < prompt.length && prompt[common] === text[common]) common++;
  if (common < history.length) return undefined;
  const opened = /<[/|]?[\w|-]*$/.exec(prompt.slice(history.length, common));
  if (opened !== null) common = history.length + opened.index;
  for (const whole of [prompt, text]) {
    let at = 0;
    for (const part of splitAtControls(whole.slice(history.length))) {
      const start = history.length + at;
      at += part.text.length;
      if (part.id !== undefined && start < common && common < history.length + at) common = start;
    }
  }
  return common;
}

/** Of each answer, in order. */
function answerWeights(messages: readonly Message[], loss: LossChoice): number[] {
  const weights = messages.flatMap(({ role, weight = 1 }) => (role === 'assistant' ? [weight] : []));
  const last = weights.findLastIndex((weight) => weight > 0);
  return loss === 'last' ? weights.map((weight, i) => (i === last ? weight : 0)) : weights;
}

/** The weight of each stretch that a template marks; `owners`: the message of each, where not the assistant's alone are marked. */
export function markWeights(messages: readonly Message[], loss: LossChoice, owners?: readonly number[]): number[] {
  const weights = answerWeights(messages, loss);
  if (owners === undefined) return weights;
  const answers = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []));
  return owners.map((i) => weights[answers.indexOf(i)] ?? (loss === 'last' ? 0 : (messages[i].weight ?? 1)));
}
