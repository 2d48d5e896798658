// Preference pairs from files: a prompt and two answers, the better one named. Strings or message lists; rows in
// ShareGPT's shape are recognised. A pair whose answers are equal teaches nothing and is left out.
import { basename } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { leaveOut, messageSchema, orderFault, parseRow, type ReadOptions, readRows, rowId } from './conversations.js';
import { fromShareGpt, maxMessages, shareGptMessage, shareGptSchema, text } from './foreign.js';
import type { Message, PreferencePair } from './types.js';

const textOrMessages = z.union([text, z.array(messageSchema).min(1).max(maxMessages)], {
  error: 'expected a string, or a list of {"role", "content"}',
});

const pairSchema = z.object({
  id: rowId.optional(),
  prompt: textOrMessages.optional(),
  chosen: textOrMessages,
  rejected: textOrMessages,
});

const shareGptPairSchema = shareGptSchema.extend({ chosen: shareGptMessage, rejected: shareGptMessage });

/**
 * The pairs of a JSONL file or a JSON array: `{"prompt", "chosen", "rejected"}`, each a string or a message list.
 * Without `prompt`, it is what the two lists have in common. Throws a UserError that names file and line.
 */
export async function* readPairs(path: string, options: ReadOptions = {}): AsyncGenerator<PreferencePair> {
  for await (const { value, line, where } of readRows(path)) {
    const pair = parseRow(where, () => toPair(value, `${basename(path)}:${line}`));
    const fault = pairFault(pair);
    if (fault === undefined) yield pair;
    else leaveOut(fault, where, options);
  }
}

function toPair(value: unknown, name: string): PreferencePair {
  const row = z.record(z.string(), z.unknown()).parse(value);
  if ('conversations' in row) {
    const shareGpt = shareGptPairSchema.parse(row);
    const prompt = fromShareGpt(shareGpt);
    return { id: name, prompt, chosen: answer([shareGpt.chosen]), rejected: answer([shareGpt.rejected]) };
  }
  const { id = name, prompt, chosen, rejected } = pairSchema.parse(row);
  if (prompt === undefined) return { id, ...splitAtCommonPrefix(chosen, rejected) };
  return { id, prompt: asMessages(prompt, 'user'), chosen: answer(chosen), rejected: answer(rejected) };
}

function splitAtCommonPrefix(
  chosen: string | Message[],
  rejected: string | Message[],
): Pick<PreferencePair, 'prompt' | 'chosen' | 'rejected'> {
  if (typeof chosen === 'string' || typeof rejected === 'string') {
    throw new UserError({ what: '"prompt" is missing', next: 'Give it as a string or a list of messages' });
  }
  // The last message is never part of the prompt: answers may be equal, and then the pair is left out later.
  const limit = Math.min(chosen.length, rejected.length) - 1;
  let common = 0;
  while (common < limit && sameMessage(chosen[common], rejected[common])) common++;
  return {
    prompt: chosen.slice(0, common),
    chosen: answer(chosen.slice(common)),
    rejected: answer(rejected.slice(common)),
  };
}

function sameMessage(a: Message, b: Message): boolean {
  return a.role === b.role && a.content === b.content;
}

function asMessages(value: string | Message[], role: Message['role']): Message[] {
  return typeof value === 'string' ? [{ role, content: value }] : value;
}

function answer(value: string | Message[]): string {
  const messages = asMessages(value, 'assistant');
  if (messages.length !== 1 || messages[0].role !== 'assistant') {
    throw new UserError({
      what: 'chosen and rejected must each be one answer of the assistant',
      why: `here one is ${messages.map(({ role }) => role).join(', ')}`,
      next: 'Give the turns before the answer as "prompt"',
    });
  }
  return messages[0].content;
}

function pairFault({ prompt, chosen, rejected }: PreferencePair): string | undefined {
  const last = prompt.at(-1)?.role;
  if (last === 'assistant') return 'the prompt ends with an assistant message';
  if (chosen === rejected) return 'the two answers are equal';
  if (rejected.trim() === '') return 'the rejected answer is empty';
  return orderFault([...prompt, { role: 'assistant', content: chosen }]);
}
