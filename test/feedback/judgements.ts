// Judgements as tests need them: short, with ids that follow from a number.
import { contentId, itemOf, type Judgement, type Verdict } from '../../src/feedback/record.js';
import type { Message } from '../../src/tokenizer/message.js';

export const asked = (content: string): Message[] => [{ role: 'user', content }];
export const said = (content: string): Message[] => [{ role: 'assistant', content }];

/** `answers`: the texts of one answer or two. */
export function judgement(
  n: number,
  verdict: Verdict,
  answers: readonly string[],
  more: Partial<Judgement> = {},
): Judgement {
  const prompt = more.prompt ?? asked(`question ${n}`);
  return {
    type: 'judgement',
    id: n.toString(16).padStart(16, '0'),
    conversation: contentId(`conversation ${n}`),
    at: '2026-11-28T23:00:00.000Z',
    annotator: 'anna',
    verdict,
    item: itemOf(prompt, answers.map(said)),
    prompt,
    answers: answers.map((text) => ({ messages: said(text), model: 'f'.repeat(64), seed: n })),
    ...more,
  };
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
