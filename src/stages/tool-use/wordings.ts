// A question out of a set of wordings, with its values.
import { variantOf, type Wordings } from '../../tools/wordings.js';
import { type Draw, filled, wordingOf } from './exercise.js';

export { variantOf, variantsOf, type WordingSet, wordingSets } from '../../tools/wordings.js';

/** One of the questions of a set on this side, with its values. */
export function asked(
  set: Wordings,
  values: Readonly<Record<string, string | number>>,
  draw: Draw,
): { wording: string; question: string } {
  const wording = wordingOf(set, draw);
  return { wording, question: filled(variantOf(wording, draw.random), values) };
}
