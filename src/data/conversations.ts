// Conversations from files, checked row by row, and their way to a token sequence that fits the context.
// A row of the wrong shape is an error that names its line; a row that is well-formed but of no use can be dropped.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import type { ChatTemplate, EncodedChat } from '../tokenizer/chat-template.js';
import type { Message } from '../tokenizer/message.js';
import { foreignFormats } from './foreign.js';
import { type Row, readRows } from './rows.js';
import { type Conversation, conversationSchema, type TokenSequence } from './types.js';

export interface ConversationReadOptions {
  /** Called for each row that is skipped. Without it, such a row is an error. */
  onDropped?(reason: string, where: string): void;
}

/**
 * The conversations of a JSONL file or a JSON array: our own rows (`{"messages":[…]}`), Alpaca, ShareGPT or MOSS,
 * recognised by shape. A conversation without an `id` is named `file:line`.
 * Throws a UserError that names file and line.
 */
export async function* readConversations(
  path: string,
  { onDropped }: ConversationReadOptions = {},
): AsyncGenerator<Conversation> {
  for await (const row of readRows(path)) {
    const conversation = parseRow(row);
    const fault = orderFault(conversation.messages);
    if (fault === undefined) yield conversation;
    // It is well-formed but of no use: an error where nobody listens.
    else if (onDropped === undefined) throw new UserError({ what: fault, where: row.where, next: fixRow });
    else onDropped(fault, row.where);
  }
}

/**
 * One row of such a file, by its line (in a JSON array by its place, from 1). `fault` says why a training would skip
 * the row. Throws a UserError where there is no such row.
 */
export async function readConversation(
  path: string,
  wanted: number,
): Promise<{ conversation: Conversation; fault?: string }> {
  let last = 0;
  for await (const row of readRows(path)) {
    if (row.line > wanted) break;
    last = row.line;
    if (last < wanted) continue;
    const conversation = parseRow(row);
    return { conversation, fault: orderFault(conversation.messages) };
  }
  throw new UserError({
    what: `there is no row ${wanted}`,
    where: path,
    why: last === 0 ? 'no row comes before it' : `the nearest row before it is ${last}`,
    next: 'Name the line of a row, counted from 1',
  });
}

function toConversation(value: unknown, name: string): Conversation {
  const row = z.record(z.string(), z.unknown()).parse(value);
  if ('messages' in row) return { id: name, ...conversationSchema.parse(row) };
  const format = foreignFormats.find(({ key }) => key in row);
  if (format !== undefined) return { id: name, messages: format.toMessages(row) };
  throw new UserError({
    what: 'this row is no conversation',
    why: `it has the fields ${Object.keys(row).slice(0, 8).join(', ') || '(none)'}`,
    next: `Expected "messages" (our own format)${foreignFormats.map(({ name, key }) => `, "${key}" (${name})`).join('')}`,
  });
}

/** What is wrong with the order or the content of the messages, if anything. */
function orderFault(messages: readonly Message[]): string | undefined {
  let before: Message['role'] | 'nothing' = 'nothing';
  for (const [i, { role, content }] of messages.entries()) {
    if (content.trim() === '') return `the ${role} message ${i + 1} is empty`;
    if (!mayFollow[before].includes(role)) {
      return `message ${i + 1} is of the ${role}, where ${mayFollow[before].join(' or ')} was expected`;
    }
    before = role;
  }
  return before === 'nothing' || before === 'system' ? 'there is no user message' : undefined;
}

const mayFollow: Record<Message['role'] | 'nothing', readonly Message['role'][]> = {
  nothing: ['system', 'user'],
  system: ['user'],
  user: ['assistant'],
  assistant: ['user', 'tool'],
  tool: ['assistant', 'tool'],
};

const fixRow = 'Fix or delete that row';

/** What is wrong with the row becomes an error that names it. */
function parseRow({ value, where, name }: Row): Conversation {
  try {
    return toConversation(value, name);
  } catch (error) {
    if (error instanceof z.ZodError) {
      const issues = error.issues.slice(0, 5);
      throw new UserError(
        issues.map(({ path, message }) => ({
          what: [path.join('.'), message].filter(Boolean).join(': '),
          where,
          next: fixRow,
        })),
      );
    }
    if (error instanceof UserError) throw new UserError(error.faults.map((fault) => ({ where, ...fault })));
    throw error;
  }
}

/**
 * The tokens of a conversation with loss on the assistant's turns: one sequence, or one for each turn where the template
 * renders earlier turns otherwise once later ones follow. Each has at most `contextLength` + 1 tokens (a row of
 * `contextLength` inputs). A conversation that is too long stops before the turn that overflows, after an assistant's
 * turn; one whose first exchange does not fit is dropped.
 */
export function conversationSequences(
  { id, messages }: Conversation,
  template: ChatTemplate,
  contextLength: number,
): { sequences: TokenSequence[] } | { dropped: string } {
  const ends = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i + 1] : []));
  if (ends.length === 0) return { dropped: 'no assistant turn to learn from' };
  const fits = ({ tokens }: EncodedChat): boolean => tokens.length <= contextLength + 1;
  let fitting: EncodedChat[] = [];
  // The whole conversation first, as it mostly fits; then halving the number of exchanges that may.
  for (let low = 0, high = ends.length - 1, middle = high; low <= high; middle = (low + high) >> 1) {
    const turns = template.encodeTurns(messages.slice(0, ends[middle]));
    if (turns.length === 0) return { dropped: 'the chat template does not show where an answer begins and ends' };
    if (turns.length > 1 || turns.every(fits)) {
      fitting = turns.filter(fits);
      low = turns.length > 1 ? ends.length : middle + 1;
    } else {
      high = middle - 1;
    }
  }
  if (fitting.length === 0) return { dropped: 'the first exchange is longer than the context' };
  const learnt = fitting.filter(({ loss }) => loss.includes(1));
  if (learnt.length === 0) return { dropped: 'the chat template marks no answer to learn' };
  return { sequences: learnt.map((turn, i) => ({ id: learnt.length === 1 ? id : `${id}#${i + 1}`, ...turn })) };
}
