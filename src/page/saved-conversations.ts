// Conversations as this browser keeps them: each under a key of its own, so that no tab writes over another's. Before one is
// written, its revision must be the one that this tab has read: a tab that is behind saves its own under another key. What is
// read may be anything, and is checked as what comes from outside.
import * as z from 'zod/mini';
import { forget, store, stored, storedKeys } from './browser-storage.js';
import { messagesSoFar, type Turn } from './conversation.js';

z.config({ jitless: true }); // the page's policy lets no code be made of text

const prefix = 'mossctl-conversation-';
/** As many are kept; none makes room for another by itself. */
export const maxConversations = 200;
/** Characters of one; a browser keeps some five million in all. */
const maxLength = 1 << 20;
const maxTitle = 80;

export interface ConversationEntry {
  id: string;
  /** The beginning of its first question; absent where it cannot be read. */
  title?: string;
  /** When it last changed, in milliseconds since 1970. */
  changed: number;
}

/** Why a conversation is not kept: there are too many, it is too long, or the browser stores no more of it. */
export type NotKept = 'many' | 'long' | 'full';

const short = z.string().check(z.maxLength(1000));
const id = z.string().check(z.regex(/^[0-9a-f]{16}$/));
const text = z.string();
const headSchema = z.object({ title: short, changed: z.number(), revision: z.int() });

const callSchema = z.object({
  type: z.literal('call'),
  name: short,
  arguments: z.optional(z.record(z.string(), z.unknown())),
  written: z.optional(text),
  result: z.optional(z.object({ text, failed: z.boolean() })),
});
const partSchema = z.union([z.object({ type: z.enum(['text', 'thought']), text }), callSchema]);
const messageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: text,
  reasoning: z.optional(text),
  toolCalls: z.optional(
    z.array(z.object({ id: z.optional(short), name: short, arguments: z.record(z.string(), z.unknown()) })),
  ),
  toolCallId: z.optional(short),
  name: z.optional(short),
});
const answerSchema = z.object({
  model: short,
  tools: z.boolean(),
  sampling: z.object({ temperature: z.optional(z.number()), topP: z.optional(z.number()) }),
  seed: z.int(),
  maxNewTokens: z.optional(z.int()),
  state: z.enum(['done', 'stopped', 'failed']),
  parts: z.array(partSchema),
  messages: z.array(messageSchema),
  finish: z.optional(z.enum(['stop', 'length', 'aborted', 'calls'])),
  problem: z.optional(
    z.object({ what: text, next: z.optional(text), isLost: z.optional(z.boolean()), code: z.optional(short) }),
  ),
  firstToken: z.optional(z.number()),
  total: z.optional(z.number()),
  outputTokens: z.optional(z.number()),
  verdict: z.optional(z.object({ kind: z.enum(['good', 'bad', 'edit']), id, edited: z.optional(text) })),
});
const turnSchema = z.object({
  question: text,
  answers: z.array(answerSchema).check(z.minLength(1), z.maxLength(2)),
  chosen: z.union([z.literal(0), z.literal(1)]),
  preference: z.optional(
    z.object({ better: z.union([z.literal(0), z.literal(1), z.literal('tie'), z.literal('both bad')]), id }),
  ),
});
const turnsSchema = z.array(turnSchema).check(z.maxLength(1024));

/** What is kept of a turn: the page numbers them anew. */
export type SavedTurn = z.output<typeof turnSchema>;

export interface SavedConversation {
  turns: SavedTurn[];
  revision: number;
}

/** The newest first. Empty where the browser stores nothing. */
export function listConversations(): ConversationEntry[] {
  return storedKeys('local', prefix)
    .map((key): ConversationEntry => {
      const { title, changed = 0 } = headOf(stored('local', key)) ?? {};
      return { id: key.slice(prefix.length), changed, ...(title !== undefined && { title }) };
    })
    .sort((a, b) => b.changed - a.changed);
}

/** Undefined where there is none, or none that can be read. */
export function readConversation(id: string): SavedConversation | undefined {
  const value = stored('local', prefix + id);
  const head = headOf(value);
  const turns = turnsSchema.safeParse(jsonOf(value?.slice(value.indexOf('\n') + 1)));
  return head === undefined || !turns.success ? undefined : { turns: turns.data, revision: head.revision };
}

/** The revision of what is kept now; undefined where nothing is. */
export function revisionOf(id: string): number | undefined {
  return headOf(stored('local', prefix + id))?.revision;
}

/** @returns why it is not kept. The first line says what a list needs, the second has the turns. */
export function writeConversation(id: string, turns: readonly Turn[], revision: number): NotKept | undefined {
  return write(id, turns.map(saved), revision);
}

function write(id: string, turns: readonly SavedTurn[], revision: number): NotKept | undefined {
  const title = turns[0].question.trim().replace(/\s+/g, ' ').slice(0, maxTitle);
  const value = `${JSON.stringify({ title, changed: performance.timeOrigin + performance.now(), revision })}\n${JSON.stringify(turns)}`;
  if (value.length > maxLength) return 'long';
  if (stored('local', prefix + id) === undefined && storedKeys('local', prefix).length >= maxConversations)
    return 'many';
  return store('local', prefix + id, value) ? undefined : 'full';
}

export function deleteConversation(id: string): void {
  forget('local', prefix + id);
}

/** What was said about an answer is erased: it is marked so in no conversation any more. */
export function forgetJudgement(judgement: string): void {
  for (const key of storedKeys('local', prefix)) {
    if (!stored('local', key)?.includes(judgement)) continue;
    const own = key.slice(prefix.length);
    const found = readConversation(own);
    if (found === undefined) continue;
    const turns = found.turns.map(({ preference, answers, ...turn }): SavedTurn => {
      const others = answers.map(({ verdict, ...answer }) =>
        verdict === undefined || verdict.id === judgement ? answer : { ...answer, verdict },
      );
      const isOther = preference !== undefined && preference.id !== judgement;
      return { ...turn, answers: others, ...(isOther && { preference }) };
    });
    write(own, turns, found.revision + 1);
  }
}

/** Calls `changed` with the id whenever another tab has written or deleted a conversation. @returns what ends that. */
export function onOtherTab(changed: (id: string) => void): () => void {
  const hear = ({ key }: StorageEvent): void => {
    if (key === null || key.startsWith(prefix)) changed(key?.slice(prefix.length) ?? '');
  };
  addEventListener('storage', hear);
  return () => removeEventListener('storage', hear);
}

/** An answer that is being written is kept as far as it has come. */
function saved({ key: _, answers, ...turn }: Turn): SavedTurn {
  return {
    ...turn,
    answers: answers.map((answer) => {
      const { key: _, state, ...rest } = answer;
      if (state !== 'waiting' && state !== 'streaming') return { ...rest, state };
      return { ...rest, state: 'stopped', messages: messagesSoFar(answer) };
    }),
  };
}

function headOf(value: string | undefined): z.output<typeof headSchema> | undefined {
  return headSchema.safeParse(jsonOf(value?.split('\n', 1)[0])).data;
}

function jsonOf(value: string | undefined): unknown {
  try {
    return value === undefined ? undefined : JSON.parse(value);
  } catch {
    return undefined;
  }
}
