// How much an engine does at once, and in how much memory.
import type { ModelConfig } from '../config/model.js';
import { columnsFor } from './columns.js';

export interface EngineOptions {
  /** Sequences that are answered side by side, at most. */
  maxRows: number;
  /** Columns of the cache, at most; it grows as they are needed. Default: a context for each row, in 4 GiB or one context. */
  cacheTokens: number;
  /** Tokens of one prompt that are read in a step, at most, and of all prompts together. */
  chunkTokens: number;
  stepTokens: number;
  /** Rows of the embedding that stand for no token: they are never drawn. */
  withoutToken: readonly number[];
}

const defaults = { maxRows: 64, chunkTokens: 512, stepTokens: 2048, withoutToken: [] };
const maxCacheBytes = 4 * 2 ** 30;

/** What is not given follows from the model. */
export function engineOptions(config: ModelConfig, options: Partial<EngineOptions>): EngineOptions {
  const { num_hidden_layers: layers, num_key_value_heads: groups, head_dim: dimension } = config;
  const context = columnsFor(config.max_position_embeddings);
  const affordable = Math.floor(maxCacheBytes / (8 * layers * groups * dimension));
  const wished = (options.maxRows ?? defaults.maxRows) * context;
  return { ...defaults, cacheTokens: Math.max(context, Math.min(wished, affordable)), ...options };
}
