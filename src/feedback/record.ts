// One line of a feedback store: what a person said of one answer or of two, with all that it was said about. Every line
// begins with the same fields in the same places, so that its text can be erased where it stands (store.ts).
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { digestOf } from '../base/files.js';
import { jsonIn } from '../base/objects.js';
import { type RowContext, readMessages, toolsOf } from '../data/conversations/message.js';
import { RowRefusal } from '../data/conversations/notes.js';
import { fieldMessage, type Message, type Tool } from '../tokenizer/message.js';

/** Of one answer: good, bad, edit. Of two: first, second, tie, both-bad. Of either: skip, which says nothing of them. */
export const verdicts = ['good', 'bad', 'edit', 'first', 'second', 'tie', 'both-bad', 'skip'] as const;
export type Verdict = (typeof verdicts)[number];

/** Who gave an answer, and how: what would be needed to ask again. */
export interface AnswerOrigin {
  /** Digest of the checkpoint, with the dtype that its matrices were rounded to, if they were. */
  model?: string;
  /** The model as it was named, or the file and row that the answer was read from. */
  name?: string;
  sampling?: Record<string, number>;
  seed?: number;
  maxNewTokens?: number;
  /** Why it ended: `stop`, `length`, `aborted`. */
  finish?: string;
}

export interface JudgedAnswer extends AnswerOrigin {
  /** It ends with the assistant's. */
  messages: Message[];
}

export interface Judgement {
  type: 'judgement';
  id: string;
  /** Deleting a conversation erases the text of every judgement in it. */
  conversation: string;
  /** When, as ISO 8601. */
  at: string;
  annotator: string;
  verdict: Verdict;
  /** Digest of prompt and answers: judgements of the same item are compared. */
  item: string;
  /** Digest of what the answers were asked with: an item that was sampled once is not sampled again. */
  request?: string;
  /** It ends with a person's message, or a tool's result. */
  prompt: Message[];
  tools?: Tool[];
  /** One, or two. */
  answers: JudgedAnswer[];
  /** What the person wrote in place of the better answer, of the only one, or of two bad ones. */
  edited?: Message[];
  /** Of two answers: which was shown first. */
  shownFirst?: 0 | 1;
}

/** For people: which answer was the better one is said by its model, where two models answered. */
export function verdictInWords({ verdict, answers }: Pick<Judgement, 'verdict' | 'answers'>): string {
  if (verdict !== 'first' && verdict !== 'second') return verdict.replace('-', ' ');
  const names = answers.map(({ name }) => name);
  const better = names[verdict === 'first' ? 0 : 1];
  return `${better === undefined || names[0] === names[1] ? verdict : better} better`;
}

/** The judgement `target` is withdrawn: as if it had never been made. */
export interface Undo {
  type: 'undo';
  id: string;
  conversation: string;
  at: string;
  annotator: string;
  target: string;
}

export type FeedbackRecord = Judgement | Undo;

export function newId(): string {
  return randomBytes(8).toString('hex');
}

/** The id of a conversation, or of an item, that follows from its content. */
export function contentId(value: unknown): string {
  return digestOf(value).slice(0, 16);
}

/** Equal for the same answers to the same prompt, wherever they come from. */
export function itemOf(prompt: readonly Message[], answers: readonly (readonly Message[])[]): string {
  const fields = (messages: readonly Message[]): object[] => messages.map(fieldMessage);
  return contentId({ prompt: fields(prompt), answers: answers.map(fields) });
}

/** The first line of a store: what the file is, for whoever opens it. */
export const formatNumber = 1;
export const header = JSON.stringify({
  mossctl: 'feedback',
  format: formatNumber,
  about: 'judgements of answers by people, one JSON record a line; `mossctl feedback list` shows them',
});

const linePattern = /^\{"deleted":([01]),"id":"([0-9a-f]{16})","conversation":"([0-9a-f]{16})"/;
/** Byte of the line that says whether it is deleted. */
export const deletedAt = '{"deleted":'.length;

/** The fields that every line begins with, even one of which the rest is lost. */
export function lineStart(text: string): { isDeleted: boolean; id: string; conversation: string } | undefined {
  const [, deleted, id, conversation] = linePattern.exec(text) ?? [];
  return id === undefined ? undefined : { isDeleted: deleted === '1', id, conversation };
}

/** One line, without its end. */
export function lineOf({ id, conversation, ...rest }: FeedbackRecord): string {
  const start = { deleted: 0, id, conversation };
  if (rest.type === 'undo') return JSON.stringify({ ...start, ...rest });
  const { prompt, answers, edited, ...judgement } = rest;
  const fields = (messages: readonly Message[]): object[] => messages.map(fieldMessage);
  return JSON.stringify({
    ...start,
    ...judgement,
    prompt: fields(prompt),
    answers: answers.map(({ messages, ...origin }) => ({ messages: fields(messages), ...origin })),
    ...(edited !== undefined && { edited: fields(edited) }),
  });
}

/** What is left of a deleted line of `bytes` bytes: who it was, and nothing of what it said. */
export function tombstone(id: string, conversation: string, bytes: number): string {
  return JSON.stringify({ deleted: 1, id, conversation }).padEnd(bytes).slice(0, bytes);
}

const shortText = z.string().max(1000);
const id = z.string().regex(/^[0-9a-f]{16}$/);
const shared = { deleted: z.literal(0), id, conversation: id, at: shortText, annotator: shortText };
const messages = z.unknown().transform((value) => readMessages(value, '', silent));
const silent: RowContext = { note: () => undefined, tools: () => undefined };

const lineSchema = z.discriminatedUnion('type', [
  z.object({
    ...shared,
    type: z.literal('judgement'),
    verdict: z.enum(verdicts),
    item: id,
    request: id.optional(),
    prompt: messages,
    tools: z.unknown().optional(),
    answers: z
      .array(
        z.object({
          messages,
          model: shortText.optional(),
          name: z.string().max(4096).optional(),
          sampling: z.record(shortText, z.number()).optional(),
          seed: z.number().optional(),
          maxNewTokens: z.number().optional(),
          finish: shortText.optional(),
        }),
      )
      .min(1)
      .max(2),
    edited: z.unknown().optional(),
    shownFirst: z.union([z.literal(0), z.literal(1)]).optional(),
  }),
  z.object({ ...shared, type: z.literal('undo'), target: id }),
]);

/** The record of a line that is not deleted; a text says why there is none. */
export function parseLine(text: string): FeedbackRecord | string {
  const value = jsonIn(text);
  if (value === undefined) return 'it is not whole JSON';
  try {
    const parsed = lineSchema.safeParse(value);
    if (!parsed.success) return `it is no record of this format (${parsed.error.issues[0]?.path.join('.')})`;
    const { deleted: _, ...record } = parsed.data;
    if (record.type === 'undo') return record;
    const { tools, edited, ...judgement } = record;
    if (judgement.prompt.length === 0) return 'its prompt is empty';
    const read = tools === undefined ? undefined : toolsOf(tools);
    return {
      ...judgement,
      ...(read !== undefined && { tools: read }),
      ...(edited !== undefined && { edited: readMessages(edited, 'edited', silent) }),
    };
  } catch (error) {
    if (error instanceof UserError || error instanceof RowRefusal) return error.message;
    throw error;
  }
}
