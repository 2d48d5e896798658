// What an engine refuses before it queues: ids that are no tokens, counts that are no counts, prompts that never fit.
import { UserError } from '../base/errors.js';
import type { ModelConfig } from '../config/model.js';
import { columnsFor } from './columns.js';
import { checkIds, type Request } from './sequence.js';

/** Tokens that a sequence may come to have. */
export function maxLengthOf({ tokens, maxNewTokens }: Pick<Request, 'tokens' | 'maxNewTokens'>, model: ModelConfig) {
  return Math.min(tokens.length + maxNewTokens, model.max_position_embeddings);
}

/**
 * `columns`: of the cache.
 * @throws UserError where it can never fit; RangeError for what is no request.
 */
export function checkRequest(
  { tokens, maxNewTokens, samples = 1 }: Request,
  model: ModelConfig,
  columns: number,
): void {
  const context = model.max_position_embeddings;
  checkIds(tokens, model.vocab_size);
  if (tokens.length === 0) throw new RangeError('a prompt has at least one token');
  for (const [name, count] of Object.entries({ maxNewTokens, samples })) {
    if (!Number.isInteger(count) || count < 0) throw new RangeError(`${name} must be a whole number, got ${count}`);
  }
  const isPastContext = tokens.length >= context;
  if (!isPastContext && columnsFor(maxLengthOf({ tokens, maxNewTokens }, model)) <= columns) return;
  throw new UserError({
    what: `a prompt of ${tokens.length} tokens can never be answered here`,
    why: isPastContext
      ? `the model's context holds ${context}, the answer included`
      : `with ${maxNewTokens} new ones it needs more than the ${columns} columns of the cache`,
    next: isPastContext ? 'Shorten it' : 'Shorten it, or ask for a shorter answer',
  });
}
