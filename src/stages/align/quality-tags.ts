// Quality tags (stage 3 of MOSS: Sun et al. 2024, "MOSS: An Open Conversational Large Language Model"): answers of every quality
// are learnt, each after a tag that says how good it is, so that the bad ones teach what a bad one is like. Here a good answer
// has no tag: a model that is asked as any other is asked for a good one, and its template stays what it is.
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { isPair, type Labelled, labelsOf, type RoundRow } from './pairs.js';

/** Text, and no control token: it stands where a bad answer begins, and is not learnt itself. */
export const badTag = '[quality: low]\n';

/** Every answer after its prompt and, where it is bad, the tag. */
export function withTags(rows: readonly RoundRow[], tokenizer: Pick<Tokenizer, 'encode'>): Labelled[] {
  const tag = tokenizer.encode(badTag);
  return rows
    .flatMap((row) => (isPair(row) ? labelsOf(row) : [row]))
    .map((row) => (row.isGood ? row : { ...row, prompt: [...row.prompt, ...tag] }));
}
