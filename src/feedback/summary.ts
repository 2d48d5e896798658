// What a store holds in a few numbers, and what a training would learn from it.
import type { Preference } from '../data/preferences/types.js';
import { preferencesOf } from './preferences.js';
import { type Judgement, type Verdict, verdictInWords } from './record.js';
import { readFeedback } from './store.js';

export interface FeedbackFigures {
  good: number;
  bad: number;
  edited: number;
  /** Of two answers one was the better. */
  preferred: number;
  /** The newest judgement that counts. */
  last?: { id: string; kind: string; at: string };
  preferences: Preference[];
}

/** @throws UserError where the file is no store. An absent one holds nothing. */
export async function feedbackFigures(path: string): Promise<FeedbackFigures> {
  const preferences: Preference[] = [];
  const verdicts = new Map<Verdict, number>();
  let edited = 0;
  let last: Judgement | undefined;
  for await (const judgement of readFeedback(path)) {
    preferences.push(...preferencesOf(judgement));
    verdicts.set(judgement.verdict, (verdicts.get(judgement.verdict) ?? 0) + 1);
    if (judgement.edited !== undefined) edited++;
    if (last === undefined || judgement.at >= last.at) last = judgement;
  }
  const count = (verdict: Verdict): number => verdicts.get(verdict) ?? 0;
  return {
    good: count('good'),
    bad: count('bad'),
    edited,
    preferred: count('first') + count('second'),
    ...(last !== undefined && { last: { id: last.id, kind: verdictInWords(last), at: last.at } }),
    preferences,
  };
}
