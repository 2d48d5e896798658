// Whether the tokenizer beside an adapter has its base's tokens. Another base can have as many tokens and matrices of the same
// shapes: nothing else would show that each word the adapter was trained on is another word there.
import { UserError } from '../base/errors.js';
import { formatCount } from '../base/format.js';
import { isRecord, jsonIn } from '../base/objects.js';

/**
 * @param own Text of the tokenizer.json beside the adapter; tokens that only it has are new ones.
 * @param base That of its base; absent where that has none.
 * @throws UserError where a token of both has another id.
 */
export function checkSameIds(own: string | undefined, base: string | undefined, directory: string): void {
  if (own === undefined || base === undefined || own === base) return;
  const [ours, theirs] = [idsIn(own), idsIn(base)];
  const other = [...ours].filter(([token, id]) => theirs.has(token) && theirs.get(token) !== id);
  if (other.length === 0) return;
  const [token, id] = other[0];
  throw new UserError({
    what: 'the tokenizer beside this adapter is not that of its base',
    where: directory,
    why: `${formatCount(other.length)} of ${formatCount(ours.size)} tokens have another id there (${JSON.stringify(token.slice(0, 60))}: ${id}, there ${theirs.get(token)})`,
    next: 'Name the model that it was trained on with --base',
  });
}

/** Every token of a tokenizer.json and its id. */
function idsIn(text: string): Map<string, number> {
  const ids = new Map<string, number>();
  const json = jsonIn(text);
  if (!isRecord(json)) return ids;
  const { model, added_tokens: added } = json;
  const vocab = isRecord(model) ? model.vocab : undefined;
  const pieces = Array.isArray(vocab)
    ? vocab.map((piece, id) => [(piece as unknown[])?.[0], id])
    : Object.entries(isRecord(vocab) ? vocab : {});
  for (const [token, id] of pieces) if (typeof token === 'string' && typeof id === 'number') ids.set(token, id);
  for (const token of Array.isArray(added) ? added : []) {
    if (isRecord(token) && typeof token.content === 'string' && typeof token.id === 'number')
      ids.set(token.content, token.id);
  }
  return ids;
}
