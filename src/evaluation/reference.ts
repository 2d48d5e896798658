// What a row says after its last question: the calls that are right there, their results, and the final answer. A model is
// asked the question, and may find its own way; what it calls is measured against these calls.
import type { Conversation } from '../data/types.js';
import type { Message, ToolCall } from '../tokenizer/message.js';

export interface ReferenceCall {
  call: ToolCall;
  /** As the row has it; absent where the row ends before. */
  result?: string;
}

export interface ReferenceTurn {
  /** The conversation up to and with the last question. */
  prompt: Message[];
  /** Calls that are right, in order: without those of weight 0, which a row shows being corrected. */
  calls: ReferenceCall[];
  /** Of the row's last message, where that is an answer without calls. */
  answer?: string;
}

/** Of a row without a question, the prompt is all but the last answer. */
export function referenceTurn(messages: readonly Message[]): ReferenceTurn {
  const question = messages.findLastIndex(({ role }) => role === 'user');
  const last = messages.at(-1);
  const isAnswered = last?.role === 'assistant';
  const from = question >= 0 ? question + 1 : messages.length - Number(isAnswered);
  const answer = isAnswered && last.toolCalls === undefined ? last.content : undefined;
  return {
    prompt: messages.slice(0, from),
    calls: callsWithResults(messages.slice(from)).filter(({ weight }) => weight !== 0),
    ...(answer !== undefined && { answer }),
  };
}

/**
 * The calls that are right for a row; undefined where that is not known: it has no answer, or neither offers a tool nor calls
 * one, as rows do that know nothing of tools.
 */
export function wantedCalls({
  messages,
  tools,
}: Pick<Conversation, 'messages' | 'tools'>): ReferenceCall[] | undefined {
  const { calls } = referenceTurn(messages);
  if (calls.length > 0) return calls;
  return tools !== undefined && messages.at(-1)?.role === 'assistant' ? calls : undefined;
}

/** Results follow their calls: each that of the call it names, or else of the first without one. */
export function callsWithResults(messages: readonly Message[]): (ReferenceCall & { weight?: number })[] {
  const all: (ReferenceCall & { weight?: number })[] = [];
  let open: ReferenceCall[] = [];
  for (const { role, toolCalls, content, weight, toolCallId } of messages) {
    if (role === 'assistant') {
      open = (toolCalls ?? []).map((call) => ({ call, ...(weight !== undefined && { weight }) }));
      all.push(...open);
    } else if (role === 'tool') {
      const named = open.find(
        ({ call, result }) => result === undefined && call.id !== undefined && call.id === toolCallId,
      );
      const answered = named ?? open.find(({ result }) => result === undefined);
      if (answered !== undefined) answered.result = content;
    }
  }
  return all;
}

/** What a turn of calls and results ends with; empty where it ends with one of these. */
export function finalText(messages: readonly Message[]): string {
  const last = messages.at(-1);
  return last?.role === 'assistant' && last.toolCalls === undefined ? last.content : '';
}
