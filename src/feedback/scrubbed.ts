// Personal data in a store, replaced by typed placeholders (data/filters/scrub.ts): the scrubbed record is appended under
// the same id, and the line that held the data is erased. Killed in between, the next try does the rest.
import { mapTexts } from '../base/secrets.js';
import { type PersonalKind, scrubText } from '../data/filters/scrub.js';
import type { Message } from '../tokenizer/message.js';
import type { Judgement } from './record.js';
import { appendFeedback, eraseLines, indexStore, judgementsAt, type Place } from './store.js';

export interface ScrubResult {
  /** Lines that were read: withdrawn judgements hold data as well. */
  judgements: number;
  changed: { id: string; conversation: string; counts: Record<string, number> }[];
}

/** @param onlyCount nothing is written. */
export async function scrubStore(
  path: string,
  { kinds, onlyCount = false }: { kinds?: readonly PersonalKind[]; onlyCount?: boolean } = {},
): Promise<ScrubResult> {
  const { texts } = await indexStore(path);
  const result: ScrubResult = { judgements: texts.length, changed: [] };
  const newest = new Map(texts.map((place) => [place.id, place]));
  for (const place of texts) {
    for await (const judgement of judgementsAt(path, [place])) {
      const { scrubbed, counts } = scrubJudgement(judgement, kinds);
      const isReplaced = newest.get(place.id) !== place;
      if (Object.keys(counts).length === 0 && !isReplaced) continue;
      if (!isReplaced) result.changed.push({ ...idsOf(place), counts });
      if (onlyCount) continue;
      if (!isReplaced) await appendFeedback(path, [scrubbed]);
      await eraseLines(path, [place]);
    }
  }
  return result;
}

function idsOf({ id, conversation }: Place): { id: string; conversation: string } {
  return { id, conversation };
}

/** All that was said: texts, thoughts, and the arguments of calls. Who said it, and which item it is, stay. */
function scrubJudgement(judgement: Judgement, kinds?: readonly PersonalKind[]) {
  const counts: Record<string, number> = {};
  const change = (text: string): string => {
    const found = scrubText(text, kinds);
    for (const [kind, count] of Object.entries(found?.counts ?? {})) counts[kind] = (counts[kind] ?? 0) + count;
    return found?.text ?? text;
  };
  const scrub = (messages: readonly Message[]): Message[] =>
    messages.map(({ role, ...said }) => ({ role, ...mapTexts(said, change) }));
  const { prompt, answers, edited } = judgement;
  const scrubbed: Judgement = {
    ...judgement,
    prompt: scrub(prompt),
    answers: answers.map(({ messages, ...origin }) => ({ messages: scrub(messages), ...origin })),
    ...(edited !== undefined && { edited: scrub(edited) }),
  };
  return { scrubbed, counts };
}
