// Sums that the corpus cannot have given away. Its formulas for training compute with no held-out pair of operands, so
// a task that computes with one is unseen, formula and all; any other may stand there word for word.
import { readDataManifest } from '../../data/manifest.js';
import { isHeldOutPair } from '../../data/sources/formulas.js';
import type { AcceptedTask } from './expand.js';

const step = /(\d+)\s*[+\-×*÷/]\s*(\d+)\s*=/g;

/**
 * Which tasks may be kept apart from training on `corpus`, a built corpus: of arithmetic, those with a step that
 * computes with a held-out pair. Everything without a corpus, or where it was given no formulas.
 */
export async function unseenIn(corpus: string | undefined): Promise<(task: AcceptedTask) => boolean> {
  const formulas = corpus === undefined ? undefined : (await readDataManifest(corpus)).formulas;
  if (formulas === undefined) return () => true;
  const { seed, heldOut } = formulas;
  return ({ kind, solution }) =>
    kind !== 'arithmetic' ||
    [...solution.answer.normalize('NFKC').matchAll(step)].some(([, a, b]) =>
      isHeldOutPair([Number(a), Number(b)], seed, heldOut),
    );
}
