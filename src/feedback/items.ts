// What there is to judge in a file: rows with a prompt and its answers, conversations that end with an answer (as `generate` writes
// them), pairs that somebody has judged already, the answers that `eval --tasks` kept, or the items of a feedback store, for a second person to judge.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { countOf } from '../base/format.js';
import { readMessages } from '../data/conversations/message.js';
import { RowNotes, RowRefusal } from '../data/conversations/notes.js';
import { readConversations } from '../data/conversations/read.js';
import { readPreferences } from '../data/preferences/read.js';
import { isPair } from '../data/preferences/types.js';
import { readRows } from '../data/rows.js';
import type { Message, Tool } from '../tokenizer/message.js';
import { contentId, itemOf, type JudgedAnswer } from './record.js';
import { isFeedbackStore, readFeedback } from './store.js';

/** One prompt with one answer, or two. */
export interface Item {
  /** Digest of prompt and answers. */
  item: string;
  conversation: string;
  prompt: Message[];
  tools?: Tool[];
  answers: JudgedAnswer[];
  /** Digest of what the answers were asked with; absent where they were given. */
  request?: string;
}

/** What is not read of a file, or skipped, is said to `note`. @throws UserError that names each row of the wrong shape. */
export async function readItems(path: string, note: (text: string) => void): Promise<Item[]> {
  const items = new Map<string, Item>();
  const equal = { count: 0 };
  const add = (given: Omit<Item, 'item' | 'conversation'> & { conversation?: string }): void => {
    const [first, second] = given.answers;
    if (second !== undefined && itemOf([], [first.messages]) === itemOf([], [second.messages])) {
      equal.count++;
      return;
    }
    const item = itemOf(
      given.prompt,
      given.answers.map(({ messages }) => messages),
    );
    items.set(item, { item, conversation: contentId({ prompt: given.prompt }), ...given });
  };
  if (await isFeedbackStore(path))
    for await (const { conversation, ...rest } of readFeedback(path)) {
      const { prompt, tools, answers, request } = rest;
      add({ conversation, prompt, ...(tools && { tools }), answers, ...(request !== undefined && { request }) });
    }
  else await readFile(path, add, note);
  if (equal.count > 0) note(`skipped ${countOf(equal.count, 'row')}: both answers are the same`);
  if (items.size > 0) return [...items.values()];
  throw new UserError({
    what: 'there is nothing to judge in it',
    where: path,
    next: 'Give rows such as {"prompt": "…", "answers": ["…", "…"]}, or a model and --prompts FILE',
  });
}

type Add = (item: Omit<Item, 'item' | 'conversation'>) => void;

/** By its first row: of answers in a list, of `eval`, of conversations, or of preferences. */
async function readFile(path: string, add: Add, note: (text: string) => void): Promise<void> {
  const rows = readRows(path, note);
  const first = await rows.next();
  await rows.return(undefined);
  const value: unknown = first.done ? undefined : first.value.value;
  if (listSchema.safeParse(value).success) return readLists(path, add, note);
  if (evaluatedSchema.safeParse(value).success) return readEvaluated(path, add, note);
  if (conversationSchema.safeParse(value).success) return readTurns(path, add, note);
  const notes = new RowNotes('row');
  for await (const { preference } of readPreferences(path, notes)) {
    const { prompt, tools, judgement, id } = preference;
    const answers = isPair(judgement) ? [judgement.chosen, judgement.rejected] : [judgement.answer];
    add({ prompt, ...(tools && { tools }), answers: answers.map((messages) => ({ messages, name: id })) });
  }
  for (const { text } of notes.lines()) note(text);
}

const maxAnswers = 6;
const messagesOrText = z.union([z.string(), z.array(z.unknown()).min(1)]);
const answerSchema = z.union([
  z.string(),
  z.object({
    text: z.string().optional(),
    content: z.string().optional(),
    messages: z.array(z.unknown()).min(1).optional(),
    model: z.string().max(1000).optional(),
  }),
]);
const listSchema = z.object({ prompt: messagesOrText, answers: z.array(answerSchema).min(1).max(maxAnswers) });

/** Of more than two answers every two are compared. */
async function readLists(path: string, add: Add, note: (text: string) => void): Promise<void> {
  for await (const { value, where } of readRows(path, note)) {
    const row = listSchema.safeParse(value);
    if (!row.success) {
      const what = `this row has no prompt with 1 to ${maxAnswers} answers`;
      throw new UserError({ what, where, next: 'Give {"prompt": "…", "answers": ["…", "…"]}' });
    }
    const prompt = messagesOf(row.data.prompt, 'user', where);
    const answers = row.data.answers.map((answer): JudgedAnswer => {
      if (typeof answer === 'string') return { messages: messagesOf(answer, 'assistant', where), name: where };
      const said = answer.messages ?? answer.text ?? answer.content ?? '';
      return { messages: messagesOf(said, 'assistant', where), name: answer.model ?? where };
    });
    if (answers.length === 1) add({ prompt, answers });
    for (const [i, first] of answers.entries()) {
      for (const second of answers.slice(i + 1)) add({ prompt, answers: [first, second] });
    }
  }
}

function messagesOf(said: string | unknown[], role: 'user' | 'assistant', where: string): Message[] {
  if (typeof said === 'string' && said.trim() !== '') return [{ role, content: said }];
  try {
    return readMessages(said, role === 'user' ? 'prompt' : 'answers', {
      note: () => undefined,
      tools: () => undefined,
    });
  } catch (error) {
    if (!(error instanceof UserError || error instanceof RowRefusal)) throw error;
    throw new UserError({ what: error.message, where, next: 'Fix or delete that row' });
  }
}

/** Preferences have messages as well. */
const conversationSchema = z.object({
  messages: z.array(z.unknown()).min(1),
  ...Object.fromEntries(
    ['chosen', 'rejected', 'completion', 'label', 'prompt'].map((name) => [name, z.never().optional()]),
  ),
});

/** Conversations that begin alike are answers to one prompt: every two of them are compared. */
async function readTurns(path: string, add: Add, note: (text: string) => void): Promise<void> {
  const asked = new Map<string, { prompt: Message[]; tools?: Tool[]; answers: JudgedAnswer[] }>();
  const notes = new RowNotes('row');
  for await (const { conversation } of readConversations(path, notes)) {
    const { id, messages, tools, provenance } = conversation;
    const from = messages.findLastIndex(({ role }) => role === 'user') + 1;
    if (from === messages.length) {
      notes.skip('there is no answer to judge', id);
      continue;
    }
    const prompt = messages.slice(0, from);
    const key = contentId({ prompt, tools });
    const item = asked.get(key) ?? { prompt, ...(tools && { tools }), answers: [] };
    item.answers.push({ messages: messages.slice(from), model: provenance?.teacher, name: id });
    asked.set(key, item);
  }
  for (const { text } of notes.lines()) note(text);
  for (const { answers, ...rest } of asked.values()) {
    if (answers.length > maxAnswers) note(`of ${answers.length} answers to one prompt, ${maxAnswers} are compared`);
    const compared = answers.slice(0, maxAnswers);
    if (compared.length === 1) add({ ...rest, answers: compared });
    for (const [i, first] of compared.entries()) {
      for (const second of compared.slice(i + 1)) add({ ...rest, answers: [first, second] });
    }
  }
}

const evaluatedSchema = z.object({
  ...{ checkpoint: z.string(), id: z.string(), mode: z.string(), prompt: z.string() },
  text: z.string().optional(),
  answer: z.string().optional(),
});

/** answers.jsonl: what each checkpoint answered to each question; every two of them are compared. */
async function readEvaluated(path: string, add: Add, note: (text: string) => void): Promise<void> {
  const questions = new Map<string, { prompt: Message[]; answers: JudgedAnswer[] }>();
  for await (const { value } of readRows(path, note)) {
    const row = evaluatedSchema.safeParse(value).data;
    const text = row?.answer ?? row?.text;
    if (row === undefined || text === undefined) continue; // choices were weighed, not written
    const key = JSON.stringify([row.id, row.mode]);
    const question = questions.get(key) ?? { prompt: messagesOf(row.prompt, 'user', path), answers: [] };
    question.answers.push({ messages: [{ role: 'assistant', content: text }], name: row.checkpoint });
    questions.set(key, question);
  }
  for (const { prompt, answers } of questions.values()) {
    for (const [i, first] of answers.entries()) {
      for (const second of answers.slice(i + 1)) add({ prompt, answers: [first, second] });
    }
  }
}
