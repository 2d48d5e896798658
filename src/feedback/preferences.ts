// What a feedback store teaches: preferences for `align --data`, prompts for `align --prompts`. What was withdrawn or
// deleted is not there, in no id, place or order: a training without a judgement equals one that never saw it.
import type { Preference } from '../data/preferences/types.js';
import type { Conversation } from '../data/types.js';
import type { Message } from '../tokenizer/message.js';
import { contentId, type Judgement } from './record.js';
import { readFeedback } from './store.js';

/** What of a store is no preference. */
export interface FeedbackCounts {
  judgements: number;
  /** Neither answer was better: nothing is learnt from it. */
  ties: number;
  skipped: number;
}

/**
 * The preferences of a store, oldest first, each with the id of its record in `feedback`; `counts` hears of the rest.
 * @throws UserError where the file is no store.
 */
export async function* readFeedbackPreferences(path: string, counts?: FeedbackCounts): AsyncGenerator<Preference> {
  for await (const judgement of readFeedback(path)) {
    if (counts !== undefined) {
      counts.judgements++;
      if (judgement.verdict === 'tie') counts.ties++;
      if (judgement.verdict === 'skip') counts.skipped++;
    }
    yield* preferencesOf(judgement);
  }
}

/** An edit is better than the answer that it came from, and that than the other one (as Llama 3's: edited > chosen > rejected). */
export function preferencesOf({ id, prompt, tools, answers, edited, verdict }: Judgement): Preference[] {
  const [first, second] = answers.map(({ messages }) => messages);
  const judgements: Preference['judgement'][] = [];
  const prefer = (chosen: Message[], rejected: Message[] | undefined): void => {
    if (rejected !== undefined) judgements.push({ chosen, rejected });
  };
  if (verdict === 'good' || verdict === 'bad') judgements.push({ answer: first, isGood: verdict === 'good' });
  if (verdict === 'first' || verdict === 'second') {
    const [better, worse] = verdict === 'first' ? [first, second] : [second, first];
    prefer(better, worse);
    if (edited !== undefined) prefer(edited, better);
  }
  if (verdict === 'edit' && edited !== undefined) prefer(edited, first);
  if (verdict === 'both-bad') {
    for (const answer of [first, second]) {
      if (edited !== undefined) prefer(edited, answer);
      else if (answer !== undefined) judgements.push({ answer, isGood: false });
    }
  }
  return judgements.map((judgement, i) => ({
    id: judgements.length === 1 ? `feedback:${id}` : `feedback:${id}.${i + 1}`,
    prompt,
    ...(tools !== undefined && { tools }),
    judgement,
    source: 'feedback',
    group: groupOf(prompt),
    feedback: id,
  }));
}

/** Each prompt of a store once, in the order in which it was first judged; `id` names the record: `feedback:ID`. */
export async function* readFeedbackPrompts(path: string): AsyncGenerator<Conversation> {
  const seen = new Set<string>();
  for await (const { id, prompt, tools } of readFeedback(path)) {
    const key = contentId({ prompt, tools });
    if (seen.has(key)) continue;
    seen.add(key);
    yield { id: `feedback:${id}`, messages: prompt, ...(tools !== undefined && { tools }), group: groupOf(prompt) };
  }
}

/** The turns of a conversation, and conversations that begin alike, are one piece of evidence. */
function groupOf(prompt: readonly Message[]): string {
  return contentId(prompt.find(({ role }) => role === 'user')?.content ?? prompt);
}
