// What a round of alignment would learn from a feedback store, and whether it would begin at all: the split and the checks of the
// round itself, before any model is opened. Only what does not fit a model's context is known later.
import { UserError } from '../../base/errors.js';
import { alignSchema } from '../../config/align.js';
import type { MethodName } from '../../config/preference.js';
import type { Preference } from '../../data/preferences/types.js';
import { methods } from '../../train/objectives/methods.js';
import { checkDecidable, checkEnough } from './given-checks.js';
import { groupOf, splitGiven } from './given-split.js';

export interface FeedbackOutlook {
  pairs: number;
  labels: number;
  method: MethodName;
  /** Of these preferences. */
  learnt: number;
  heldOut: number;
  /** Why a round would be refused before its first step. */
  refusal?: UserError;
}

/** Of few labels six epochs win more than the one that is the default: docs/feedback.md has the figures. */
export const feedbackEpochs = 6;

/** @param seed of the round, which draws what is held out. */
export function feedbackOutlook(preferences: readonly Preference[], path: string, seed: number): FeedbackOutlook {
  const pairs = preferences.filter(({ judgement }) => 'chosen' in judgement).length;
  const labels = preferences.length - pairs;
  // Pairs say more than labels, but labels that are the larger part are learnt by kto alone.
  const method: MethodName = labels > pairs ? 'kto' : 'dpo';
  const { validation } = alignSchema.parse({});
  const { learnt, heldOut } = splitGiven(preferences, (one) => [groupOf(one)], { seed, validation });
  const outlook = { pairs, labels, method, learnt: learnt.length, heldOut: heldOut.length };
  try {
    const rows = learnt.map(({ judgement }) => ({ row: judgement }));
    checkEnough(rows, heldOut, {
      request: { rows: methods[method].rows },
      sources: [{ path }],
      notes: { skippedInWords: '' },
    });
    checkDecidable({ heldOut: { pairs: heldOut, labelled: [] } });
  } catch (refusal) {
    if (refusal instanceof UserError) return { ...outlook, refusal };
    throw refusal;
  }
  return outlook;
}

/** Beyond this many nobody is told a number. */
const maxMissing = 100;

/** Which preferences are held out is drawn by what they say: the middle of so many draws is taken. */
const draws = 5;

/**
 * About how many pairs more, each of a prompt of its own, would let a round begin. 0: it would begin as it is; undefined: even
 * `maxMissing` would not do.
 */
export function missingPairs(preferences: readonly Preference[], path: string, seed: number): number | undefined {
  const counts = Array.from({ length: draws }, (_, draw) => drawnMissing(preferences, path, seed, `missing ${draw}`));
  const middle = counts.map((count) => count ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)[draws >> 1];
  return Number.isFinite(middle) ? middle : undefined;
}

function drawnMissing(
  preferences: readonly Preference[],
  path: string,
  seed: number,
  name: string,
): number | undefined {
  const pair = (i: number): Preference => ({
    ...{ id: `missing:${i}`, source: 'feedback', prompt: [{ role: 'user', content: `${name} ${i}` }] },
    judgement: { chosen: [{ role: 'assistant', content: 'yes' }], rejected: [{ role: 'assistant', content: 'no' }] },
  });
  const more: Preference[] = [];
  while (feedbackOutlook([...preferences, ...more], path, seed).refusal !== undefined) {
    if (more.length === maxMissing) return undefined;
    more.push(pair(more.length));
  }
  return more.length;
}
