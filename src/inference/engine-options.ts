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

const defaults = { maxRows: 128, chunkTokens: 512, stepTokens: 2048, withoutToken: [] };
const maxCacheBytes = 4 * 2 ** 30;

/** Keys and values of a column, in fp32. */
function columnBytes({
  num_hidden_layers: layers,
  num_key_value_heads: groups,
  head_dim: dimension,
}: CacheShape): number {
  return 8 * layers * groups * dimension;
}

type CacheShape = Pick<ModelConfig, 'num_hidden_layers' | 'num_key_value_heads' | 'head_dim'>;

/** Bytes that the cache of an engine with nothing set grows to while it answers `sequences` of `columns` tokens. */
export function cacheBytes(
  config: ModelConfig,
  { sequences, columns }: { sequences: number; columns: number },
): number {
  const { maxRows, cacheTokens } = engineOptions(config, {});
  return columnBytes(config) * Math.min(cacheTokens, Math.min(maxRows, sequences) * columnsFor(columns));
}

/** What is not given follows from the model. */
export function engineOptions(config: ModelConfig, options: Partial<EngineOptions>): EngineOptions {
  const context = columnsFor(config.max_position_embeddings);
  const affordable = Math.floor(maxCacheBytes / columnBytes(config));
  const wished = (options.maxRows ?? defaults.maxRows) * context;
  return { ...defaults, cacheTokens: Math.max(context, Math.min(wished, affordable)), ...options };
}
