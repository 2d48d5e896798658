// A model for a larger vocabulary. Old rows of the embedding (and of an output projection of its own) stay bit for bit, so
// old tokens keep their logits. A new row is the mean of the rows of the old tokens that spell the new token: near what
// the model knew of that text before (Koto et al. 2021, IndoBERTweet, §4: the best of the ways compared there; Hewitt
// 2021 on why means). No noise: two tokens of the same parts part with their first gradients, as they stand elsewhere.
import { UserError } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';
import type { ModelConfig } from '../config/model.js';
import { decoderTable } from './parameters.js';

/**
 * Gives the tokens from id `oldSize` on their rows; `spelled[i]` holds the old tokens that spell token `oldSize + i`.
 * Rows that only padded the embedding past the old tokenizer are taken first.
 * Throws `UserError` where the model uses one of those rows for its start, end or padding, or has fewer rows than the old
 * tokenizer has tokens.
 */
export function resizeVocabulary(
  model: ModelConfig,
  weights: ReadonlyMap<string, HostTensor>,
  oldSize: number,
  spelled: readonly ArrayLike<number>[],
): { model: ModelConfig; weights: Map<string, HostTensor> } {
  const newSize = oldSize + spelled.length;
  checkRows(model, oldSize, newSize);
  const resized = { ...model, vocab_size: Math.max(model.vocab_size, newSize) };
  const all = new Map(weights);
  for (const { name, shape, part } of decoderTable(resized)) {
    if (part !== 'embedding' && part !== 'head') continue;
    const old = weights.get(name);
    if (old !== undefined) all.set(name, { name, shape, data: appendMeanRows(old.data, shape, oldSize, spelled) });
  }
  return { model: resized, weights: all };
}

function appendMeanRows(
  old: Float32Array,
  [rows, columns]: readonly number[],
  oldSize: number,
  spelled: readonly ArrayLike<number>[],
): Float32Array {
  const data = new Float32Array(rows * columns);
  data.set(old);
  for (const [i, ids] of spelled.entries()) {
    const at = (oldSize + i) * columns;
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < ids.length; k++) sum += old[ids[k] * columns + column];
      data[at + column] = sum / Math.max(1, ids.length);
    }
  }
  return data;
}

function checkRows(model: ModelConfig, oldSize: number, newSize: number): void {
  if (newSize > oldSize && oldSize > model.vocab_size) {
    throw new UserError({
      where: 'config.json',
      what: `the embedding has ${model.vocab_size} rows, the tokenizer beside it ${oldSize} tokens`,
      why: 'some of its tokens have no row to learn from',
      next: 'Get the tokenizer that the model was trained with',
    });
  }
  for (const role of ['bos_token_id', 'eos_token_id', 'pad_token_id'] as const) {
    const id = model[role] ?? -1;
    if (id < oldSize || id >= newSize) continue;
    throw new UserError({
      where: 'config.json',
      what: `${role} is ${id}, which would become a new token`,
      why: `the tokenizer ends with ${oldSize - 1}: that row of the embedding has no token`,
      next: `Set ${role} to a token of the tokenizer`,
    });
  }
}
