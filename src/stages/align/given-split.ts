// Which preferences are learnt and which decide: rows of one group go the same way, and of few a larger share is held out.
import { groupNames } from '../../data/groups.js';
import { HoldOut } from '../../data/hold-out.js';
import type { Preference } from '../../data/preferences/types.js';

/** Fewer decide nothing: even if all of them went the right way, chance could have done it. */
export const minHeldOut = 20;

/** Preferences that are held out, at most. */
const maxHeldOut = 1000;

/**
 * @param keysOf what a row has in common with others of its group.
 * @param atLeast so many are held out where a quarter of all is as many; default: `minHeldOut`.
 */
export function splitGiven<T>(
  rows: readonly T[],
  keysOf: (row: T) => string[],
  { seed, validation, atLeast = minHeldOut }: { seed: number; validation: number; atLeast?: number },
): { learnt: T[]; heldOut: T[] } {
  const holdOut = new HoldOut<T>(validation, { seed, most: maxHeldOut, atLeast: validation > 0 ? atLeast : 0 });
  const groups = groupNames(rows.map(keysOf));
  const learnt = rows.flatMap((row, i) => holdOut.add(groups[i], row));
  const rest = holdOut.finish();
  return { learnt: [...learnt, ...rest.learnt], heldOut: rest.heldOut };
}

/** Rows of one group, or of one prompt, are one piece of evidence: they go the same way. */
export function groupOf({ group, prompt }: Preference): string {
  return group === undefined ? JSON.stringify(prompt) : `group ${group}`;
}
