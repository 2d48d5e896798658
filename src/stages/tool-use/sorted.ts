// What is taught of a question: a call where the student fails alone, its own answer where it does not, nothing in between.
import type { Conversation } from '../../data/types.js';
import { type Exchange, questionOf } from './exchange.js';
import type { Attempt } from './student.js';

export interface Sorted {
  calls: Exchange[];
  direct: Exchange[];
  /** How many of each kind were neither. */
  between: Record<string, number>;
}

export function questionTask({ id, language, check, messages, start }: Exchange): Conversation {
  return { id, language, check, messages: messages.slice(0, 1), ...(start !== undefined && { start }) };
}

export function sortedByStudent(
  exchanges: readonly Exchange[],
  attempts: ReadonlyMap<string, Attempt>,
  { callBelow, directAbove }: { callBelow: number; directAbove: number },
): Sorted {
  const sorted: Sorted = { calls: [], direct: [], between: {} };
  for (const exchange of exchanges) {
    const { rate, answer } = attempts.get(exchange.id) ?? { rate: 0 };
    if (exchange.calls > 0 && rate < callBelow) sorted.calls.push(exchange);
    else if (rate > directAbove && answer !== undefined) sorted.direct.push(answeredDirectly(exchange, answer));
    else sorted.between[exchange.kind] = (sorted.between[exchange.kind] ?? 0) + 1;
  }
  return sorted;
}

function answeredDirectly(exchange: Exchange, answer: string): Exchange {
  const { id, kind, language, wording, check } = exchange;
  const messages = [
    { role: 'user', content: questionOf(exchange) } as const,
    { role: 'assistant', content: answer } as const,
  ];
  return { id, kind: `direct ${kind}`, language, wording, messages, check, needs: [], calls: 0 };
}
