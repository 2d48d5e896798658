// A row as a preference, in any of the formats that data sets come in, recognised by their fields: two answers (TRL,
// LLaMA-Factory's ranking, MOSS-RLHF, hh-rlhf), or one with a label (TRL's unpaired, LLaMA-Factory's KTO). The prompt stands
// in fields of its own or is what both conversations begin with; it is read as a conversation's.
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../../base/errors.js';
import { isRecord, jsonIn } from '../../base/objects.js';
import type { PreferenceFormat } from '../../config/preference-data.js';
import type { Message } from '../../tokenizer/message.js';
import { expectText, type Fields, wrongShape } from '../conversations/fields.js';
import {
  answerFields,
  fieldsInWords,
  questionFields,
  readBody,
  readRowAs,
  turnFields,
} from '../conversations/formats.js';
import { type RowContext, readMessages } from '../conversations/message.js';
import { type RowNote, RowRefusal } from '../conversations/notes.js';
import { orderFault } from '../conversations/order.js';
import { commonPrompt, transcriptTurns } from './transcript.js';
import type { Preference } from './types.js';

const chosenFields = ['chosen', 'chosen_response', 'response_chosen', 'chosen_messages'];
const rejectedFields = ['rejected', 'rejected_response', 'response_rejected', 'rejected_messages'];
const labelFields = ['label', 'kto_tag'];
/** What a row of a named format must have, one of each. */
const fieldsOf: Readonly<Record<PreferenceFormat, readonly (readonly string[])[]>> = {
  trl: [['chosen'], ['rejected']],
  'trl-unpaired': [['completion', 'messages'], ['label']],
  ranking: [['instruction', 'conversations', 'messages'], ['chosen'], ['rejected']],
  kto: [
    ['instruction', 'conversations', 'messages'],
    ['kto_tag', 'label'],
  ],
  'moss-rlhf': [['chosen'], ['rejected']],
  'hh-rlhf': [['chosen'], ['rejected']],
};
const consequences: Readonly<Record<string, string>> = {
  margin: ': every pair counts alike, however clear it is (weight says otherwise)',
  label: ': the row has two answers, and the better one is known',
  kto_tag: ': the row has two answers, and the better one is known',
};
export const noPreference =
  'Expected "chosen" and "rejected" beside a prompt, or one answer with "label" (true or false) or "kto_tag"';

type ReadPreference = Omit<Preference, 'source'>;

export interface RowChoice {
  /** Of the row, where it is not to be recognised. */
  format?: PreferenceFormat;
  /** Whether the `margin` of a pair is read. */
  margins?: boolean;
}

/**
 * @param name of a row without an `id`.
 * @throws UserError for a row of the wrong shape, RowRefusal for one that is understood and cannot be used.
 */
export function readPreferenceRow(
  value: unknown,
  name: string,
  { format, margins = false }: RowChoice = {},
): { preference: ReadPreference; notes: RowNote[] } {
  if (!isRecord(value)) throw wrongShape('', 'an object with fields was expected');
  const found: Partial<Pick<Preference, 'judgement' | 'weight' | 'margin'>> = {};
  const { conversation, notes } = readRowAs(
    value,
    name,
    (row, context) => {
      if (format !== undefined) checkNamed(row, format);
      const { prompt, judgement } = readJudged(row, context, format);
      Object.assign(found, { judgement, weight: weightOf(row), margin: margins ? marginOf(row) : undefined });
      return prompt;
    },
    consequences,
  );
  const { messages: prompt, provenance: _, start: __, ...own } = conversation;
  const { judgement, weight, margin } = found;
  if (judgement === undefined) throw new UserError({ what: 'this row is no preference', next: noPreference });
  checkTurns(prompt, judgement);
  const numbers = { ...(weight !== undefined && { weight }), ...(margin !== undefined && { margin }) };
  return { preference: { ...own, prompt, judgement, ...numbers }, notes };
}

/** Whether a row is meant as a preference rather than as a conversation: it has two answers, or a label that is one. */
export function isPreferenceRow(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const has = (fields: readonly string[]): boolean => fields.some((field) => Object.hasOwn(value, field));
  if (has(chosenFields) || has(rejectedFields)) return true;
  return labelFields.some((field) => Object.hasOwn(value, field) && truth(value[field]) !== undefined);
}

function readJudged(
  row: Fields,
  context: RowContext,
  format?: PreferenceFormat,
): Pick<Preference, 'prompt' | 'judgement'> {
  const isNamedLabel = format === 'kto' || format === 'trl-unpaired';
  const isPair =
    row.has(...chosenFields) || row.has(...rejectedFields) || names(row, [...chosenFields, ...rejectedFields]);
  if (isPair && !isNamedLabel) return readPair(row, context, format);
  if (row.has(...labelFields)) return readLabelled(row, context);
  const what = names(row, labelFields) ? 'the label of this row is empty' : 'this row is no preference';
  throw new UserError({ what, why: `it has ${fieldsInWords(row)}`, next: noPreference });
}

/** Whether the row has one of these fields, be it empty. */
function names(row: Fields, wanted: readonly string[]): boolean {
  return row.names.some((name) => wanted.includes(name));
}

/** @throws UserError for a row that lacks the fields of the format that a person named. */
function checkNamed(row: Fields, format: PreferenceFormat): void {
  const lacking = fieldsOf[format].find((any) => !names(row, any));
  if (lacking === undefined) return;
  throw new UserError({
    what: `this row is not of the format ${format} (align.format)`,
    why: `it has ${fieldsInWords(row)}`,
    next: `Expected ${lacking.map((name) => `"${name}"`).join(' or ')}; without align.format the format is recognised`,
  });
}

function readPair(
  row: Fields,
  context: RowContext,
  format?: PreferenceFormat,
): Pick<Preference, 'prompt' | 'judgement'> {
  const [chosen, rejected] = [side(row, chosenFields, context, format), side(row, rejectedFields, context, format)];
  if (rejected === undefined) throw new RowRefusal('there is no rejected answer, or it is empty');
  if (chosen === undefined) {
    // A conversation, and what should not have been its last answer.
    const { prompt, answer } = split(readAsked(row, context, format));
    if (answer.length === 0) throw new RowRefusal('there is no chosen answer, or it is empty');
    return { prompt, judgement: { chosen: answer, rejected: afterPrompt(rejected, prompt) } };
  }
  const isWhole = [chosen, rejected].map((messages) => messages.some(({ role }) => role === 'user'));
  if (isWhole[0] !== isWhole[1])
    throw new RowRefusal('one of the two answers is a whole conversation, the other is not');
  if (isWhole[0]) {
    const prompt = commonTurns(chosen, rejected);
    takeCopies(row, prompt, chosen, context);
    return { prompt, judgement: { chosen: chosen.slice(prompt.length), rejected: rejected.slice(prompt.length) } };
  }
  if (row.has(...turnFields, ...questionFields, 'input')) {
    const asked = readAsked(row, context, format);
    if (!row.has(...answerFields)) return { prompt: asked, judgement: { chosen, rejected } };
    context.note({ level: 'warning', text: 'another answer beside chosen and rejected, which is not read' });
    return { prompt: split(asked).prompt, judgement: { chosen, rejected } };
  }
  const common = chosen.length === 1 && rejected.length === 1 && commonPrompt(chosen[0].content, rejected[0].content);
  if (!common) throw new RowRefusal('there is no prompt, and chosen and rejected begin differently');
  const text = 'no prompt: what both of its texts begin with is taken for what was asked';
  context.note({ level: 'warning', text });
  const [better, worse] = common.answers.map((content): Message[] => [{ role: 'assistant', content }]);
  return { prompt: [{ role: 'user', content: common.prompt }], judgement: { chosen: better, rejected: worse } };
}

function readLabelled(row: Fields, context: RowContext): Pick<Preference, 'prompt' | 'judgement'> {
  const label = row.take(...labelFields);
  const isGood = truth(label?.value);
  if (isGood === undefined) throw wrongShape(label?.name ?? 'label', 'true or false was expected (or 1 or 0)');
  const { prompt, answer } = split(readAsked(row, context));
  return { prompt, judgement: { answer, isGood } };
}

/** Tables write truth in several ways. */
function truth(value: unknown): boolean | undefined {
  if (typeof value === 'object') return undefined;
  const text = String(value).toLowerCase();
  return ['true', '1'].includes(text) ? true : ['false', '0'].includes(text) ? false : undefined;
}

/** What was asked, in the fields of a conversation; an answer follows it where the row has one there. */
function readAsked(row: Fields, context: RowContext, format?: PreferenceFormat): Message[] {
  const isQuestion = format === 'trl' && row.has('prompt');
  const messages = readBody(row, context, isQuestion ? 'prompt-completion' : undefined);
  const last = messages.at(-1);
  const turns = last?.role === 'user' ? transcriptTurns(last.content) : undefined;
  if (turns === undefined) return messages;
  // A transcript may end with the opening of the answer.
  const isOpen = turns.at(-1)?.role === 'assistant' && turns.at(-1)?.content === '';
  return [...messages.slice(0, -1), ...(isOpen ? turns.slice(0, -1) : turns)];
}

/** One of the two answers, or the conversation that ends with it; undefined where it is empty. */
function side(
  row: Fields,
  fields: readonly string[],
  context: RowContext,
  format?: PreferenceFormat,
): Message[] | undefined {
  const found = row.take(...fields);
  if (found === undefined) return undefined;
  const { name } = found;
  const value = typeof found.value === 'string' ? (messagesIn(found.value) ?? found.value) : found.value;
  if (typeof value === 'string') {
    const turns = transcriptTurns(expectText(value, name));
    if (turns === undefined && format === 'hh-rlhf') {
      throw new RowRefusal(`${name} is no transcript of "Human:" and "Assistant:"`);
    }
    return turns ?? [{ role: 'assistant', content: value }];
  }
  if (Array.isArray(value) && value.every((turn) => typeof turn === 'string')) {
    // The last turn is the answer, and a person's and the assistant's alternate before it.
    return value.map((content, i): Message => {
      return {
        role: (value.length - i) % 2 === 1 ? 'assistant' : 'user',
        content: expectText(content, `${name}.${i}`),
      };
    });
  }
  if (format === 'moss-rlhf') throw wrongShape(name, 'a list of turns, each a text, was expected');
  return readMessages(isRecord(value) ? [value] : value, name, context).map(({ weight: _, ...message }) => message);
}

/** Tables hold lists of messages as JSON text. Another text is an answer, be it JSON. */
function messagesIn(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  const value = jsonIn(text);
  const isMessage = (item: unknown): boolean => isRecord(item) && ('role' in item || 'from' in item);
  const all = Array.isArray(value) ? value : [value];
  return all.length > 0 && all.every(isMessage) ? value : undefined;
}

/** The turns that both conversations begin with, up to the last one that is no answer. */
function commonTurns(chosen: readonly Message[], rejected: readonly Message[]): Message[] {
  let count = 0;
  while (count < Math.min(chosen.length, rejected.length) && isDeepStrictEqual(chosen[count], rejected[count])) count++;
  while (count > 0 && chosen[count - 1].role === 'assistant') count--;
  return chosen.slice(0, count);
}

/**
 * Data sets repeat the prompt, or the chosen conversation, in a field of its own beside two whole conversations.
 * @throws RowRefusal where such a field says something else.
 */
function takeCopies(row: Fields, prompt: readonly Message[], chosen: readonly Message[], context: RowContext): void {
  const said = (messages: readonly Message[]) => messages.map(({ role, content }) => `${role} ${content.trim()}`);
  const wholes = [prompt, chosen].map(said);
  for (const name of [...turnFields, 'prompt', 'question', 'instruction']) {
    const value = row.peek(name);
    if (!row.has(name) || (name === 'chat' && !Array.isArray(value)) || typeof value === 'number') continue;
    let isCopy = false;
    if (typeof value === 'string') {
      const turns = transcriptTurns(value);
      const last = turns?.findLast(({ role }) => role === 'user')?.content ?? value;
      isCopy = prompt.some(({ content }) => content.trim() === last.trim());
    } else if (Array.isArray(value)) {
      const messages = said(readMessages(value, name, context));
      isCopy = wholes.some((whole) => isDeepStrictEqual(whole, messages));
    }
    if (isCopy) row.take(name);
    else if (name !== 'instruction')
      throw new RowRefusal(`the prompts differ: ${name} is not what chosen and rejected begin with`);
  }
}

/** A conversation cut where its last answer begins: after the last message of a person. */
function split(messages: readonly Message[]): { prompt: Message[]; answer: Message[] } {
  const end = messages.findLastIndex(({ role }) => role === 'user') + 1;
  return { prompt: messages.slice(0, end), answer: messages.slice(end).map(({ weight: _, ...message }) => message) };
}

/** An answer, or the conversation that ends with it, where the prompt is known. */
function afterPrompt(messages: Message[], prompt: readonly Message[]): Message[] {
  if (!messages.some(({ role }) => role === 'user')) return messages;
  const own = messages.slice(0, prompt.length);
  if (!isDeepStrictEqual(own, prompt)) throw new RowRefusal('the prompts of chosen and rejected differ');
  return messages.slice(prompt.length);
}

/** @throws RowRefusal where prompt and answers are not what a model could be asked and could answer. */
function checkTurns(prompt: readonly Message[], judgement: Preference['judgement']): void {
  const sides = Object.entries(judgement).filter((entry): entry is [string, Message[]] => Array.isArray(entry[1]));
  for (const [name, answer] of sides) {
    const shown = name === 'answer' ? 'the answer' : `the ${name} answer`;
    const isEmpty = ({ content, toolCalls }: Message): boolean => content.trim() === '' && toolCalls === undefined;
    if (answer.length === 0 || isEmpty(answer[answer.length - 1])) throw new RowRefusal(`${shown} is empty`);
    if (answer.some(({ role }) => role === 'user' || role === 'system')) {
      throw new RowRefusal('the prompts of chosen and rejected differ');
    }
    const last = answer[answer.length - 1].role;
    if (last !== 'assistant') throw new RowRefusal(`${shown} ends with a message of the ${last}`);
  }
  const end = prompt.at(-1)?.role;
  if (end !== 'user' && end !== 'tool') {
    throw new RowRefusal(end === undefined ? 'there is no prompt' : `the prompt ends with a message of the ${end}`);
  }
  for (const [, answer] of sides) {
    const fault = orderFault([...prompt, ...answer]);
    if (fault !== undefined) throw fault;
  }
  if ('chosen' in judgement && isDeepStrictEqual(judgement.chosen, judgement.rejected)) {
    throw new RowRefusal('chosen and rejected say the same');
  }
}

const maxWeight = 1000;

/** How much the row weighs. @throws RowRefusal for a weight that is none. */
function weightOf(row: Fields): number | undefined {
  const value = row.take('weight')?.value;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value > 0 && value <= maxWeight) return value;
  throw new RowRefusal(`its weight is no number above 0, up to ${maxWeight}`);
}

const maxMargin = 100;

/** By how much the chosen answer is better. Another value (words, say) stays unread, which is said. */
function marginOf(row: Fields): number | undefined {
  const value = row.peek('margin');
  if (typeof value !== 'number' || Math.abs(value) > maxMargin) return undefined;
  row.take('margin');
  return value;
}
