// Whether a model that learns these answers learns to stop: the last token of each that carries loss must be a control
// token. A template whose marks leave the end of the turn out is the usual fault, and one that no loss curve shows.
import { ownTemplate } from './own-templates.js';
import type { Tokenizer } from './tokenizer.js';

interface LabelledTokens {
  tokens: ArrayLike<number>;
  /** Absent: plain text, which has no answers. */
  loss?: ArrayLike<number>;
}

/** Each token that ends a stretch with loss, and what follows it. */
export function learntEnds({ tokens, loss }: LabelledTokens): { id: number; next: number | undefined }[] {
  return Array.from(tokens).flatMap((id, i) =>
    isLearnt(loss?.[i]) && !isLearnt(loss?.[i + 1]) ? [{ id, next: tokens[i + 1] }] : [],
  );
}

/** MOSS's template marks more than answers, and ends its parts itself. */
export function marksOnlyAnswers({ chatTemplate }: Tokenizer): boolean {
  return ownTemplate(chatTemplate)?.owners === undefined;
}

function isLearnt(weight = 0): boolean {
  return weight > 0;
}

/** What is wrong, with tokens as `name` shows them; undefined where every answer is learnt to its end. */
export function unlearntEnd(
  tokenizer: Tokenizer,
  labelled: LabelledTokens,
  name: (id: number) => string = (id) => JSON.stringify(tokenizer.decode([id])),
): string | undefined {
  if (!marksOnlyAnswers(tokenizer)) return undefined;
  const isControl = (id: number): boolean => tokenizer.controlId(tokenizer.decode([id])) === id;
  const open = learntEnds(labelled).find(({ id }) => !isControl(id));
  if (open === undefined) return undefined;
  const what =
    open.next === undefined ? 'no token ends the answer' : `${name(open.next)} after an answer carries no loss`;
  return `${what}: the model does not learn to stop`;
}
