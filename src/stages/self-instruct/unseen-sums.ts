// Sums that the corpus cannot have given away. Its formulas for training compute with no held-out pair of operands, so
// a task that computes with one is unseen, formula and all; any other may stand there word for word.
import { readDataManifest } from '../../data/manifest.js';
import { isHeldOutPair } from '../../data/sources/formulas.js';
import type { AcceptedTask } from './expansion.js';

const step = /(\d+)\s*[+\-×*÷/]\s*(\d+)\s*=/g;

/** Whether `corpus`, a built one, has no formula that computes with the two; undefined where it was given no formulas. */
export async function unseenPairs(
  corpus: string | undefined,
): Promise<((a: number, b: number) => boolean) | undefined> {
  const formulas = corpus === undefined ? undefined : (await readDataManifest(corpus)).formulas;
  return formulas && ((a, b) => isHeldOutPair([a, b], formulas.seed, formulas.heldOut));
}

/** Which tasks may be kept apart from training on `corpus`: of sums, those with a step that computes with an unseen pair. */
export async function unseenIn(corpus: string | undefined): Promise<(task: AcceptedTask) => boolean> {
  const isUnseen = await unseenPairs(corpus);
  if (isUnseen === undefined) return () => true;
  return ({ kind, solution }) =>
    (kind !== 'arithmetic' && kind !== 'small-sums') ||
    [...solution.answer.normalize('NFKC').matchAll(step)].some(([, a, b]) => isUnseen(Number(a), Number(b)));
}

/** Without a corpus any fifth of the pairs may be held out. */
export function anyFifth(a: number, b: number): boolean {
  return isHeldOutPair([a, b], 0, 0.2);
}
