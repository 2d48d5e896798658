// A conversation as a question: its last question is asked, after what was said before; its check, or its last answer, is what
// an answer is judged by, and its calls are what the calls of an answer are measured against.
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { readRow } from '../../data/conversations/formats.js';
import { RowRefusal } from '../../data/conversations/notes.js';
import type { Check } from '../../data/types.js';
import type { Message } from '../../tokenizer/message.js';
import { checkTask } from '../checks.js';
import { referenceTurn, wantedCalls } from '../reference.js';
import { type Question, rowFields, type ScoreName } from './question.js';

export interface ConversationQuestion {
  /** As a row of questions has them. */
  fields: Record<string, unknown>;
  before: readonly Message[];
  row: NonNullable<Question['row']>;
}

/** A row in any format of conversations. */
export function fromConversation(
  value: Record<string, unknown>,
  name: string,
): ConversationQuestion | { faults: string[] } {
  const own = new Set(
    Object.keys(rowFields).filter((key) => !['system', 'question', 'language', 'group'].includes(key)),
  );
  const isOwn = (key: string): boolean => own.has(key) && !(key === 'answer' && !('messages' in value));
  const [mine, rest] = [{}, {}] as Record<string, unknown>[];
  for (const [key, field] of Object.entries(value)) (isOwn(key) ? mine : rest)[key] = field;
  try {
    const { conversation } = readRow(rest, name);
    const { messages, tools, start, check, language, group, id } = conversation;
    const { prompt, answer } = referenceTurn(messages);
    const system = prompt[0]?.role === 'system' ? prompt.shift()?.content : undefined;
    const question = prompt.pop();
    if (question?.role !== 'user') return { faults: ['a row needs a question: {"question": "…", "answer": "…"}'] };
    checkTask(conversation);
    const calls = wantedCalls(conversation) ?? [];
    const scores: ScoreName[] = [
      ...(answer === undefined || answer === '' ? [] : (['rougeL', 'chrF'] as const)),
      ...(calls.length > 0 ? (['calls'] as const) : answer === undefined ? [] : (['likelihood'] as const)),
    ];
    return {
      before: prompt,
      row: { messages, ...(tools && { tools }), ...(start && { start }), ...(check && { check }) },
      fields: {
        ...{ id, question: question.content },
        ...(language && { language }),
        ...(group !== undefined && { group }),
        ...(system !== undefined && { system }),
        ...(answer !== undefined && { answer }),
        ...(scores.length > 0 && { score: scores }),
        ...(check && fieldsOfCheck(check)),
        ...mine,
      },
    };
  } catch (error) {
    if (error instanceof RowRefusal) return { faults: [error.message] };
    if (error instanceof z.ZodError) return { faults: error.issues.map(issueText) };
    if (error instanceof UserError)
      return { faults: error.faults.map(({ what, why }) => [what, why].filter(Boolean).join(': ')) };
    throw error;
  }
}

function fieldsOfCheck(check: Check): Partial<Record<'answer' | 'score', unknown>> {
  switch (check.type) {
    case 'equals':
      return { answer: check.answer, score: 'exact' };
    case 'number':
      return { answer: check.answer, score: 'number' };
    case 'contains':
      return { answer: check.any, score: 'contains' };
    case 'refusal':
      return { score: 'refusal' };
    case 'constraints':
      return { score: 'constraints' };
    case 'world':
      return { score: 'world' };
    default:
      return check satisfies never;
  }
}

export function issueText({ path, message }: { path: PropertyKey[]; message: string }): string {
  return [path.join('.'), message].filter(Boolean).join(': ');
}
