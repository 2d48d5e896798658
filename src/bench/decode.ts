// Decoding speed through the real engine: after one pass over the prompts, a token for every row at each step.
import { Random } from '../base/random.js';
import type { Precision } from '../config/compute.js';
import { greedy } from '../config/sampling.js';
import { Engine } from '../inference/engine.js';
import { disposeModel, initModel } from '../model/model.js';
import { randomIds } from './inputs.js';
import { spreadOf } from './measure.js';
import { type Shape, type ShapeName, shareOf } from './shapes.js';

export interface DecodeResult {
  shape: ShapeName;
  precision: Precision;
  batch: number;
  /** Of all rows together, at the median step; sampling included, the prompt not. */
  tokensPerSecond: number;
  quartiles: [low: number, high: number];
  /** Share of what memory bandwidth allows when every step reads all weights and the cache once; null: not known. */
  ofBandwidth: number | null;
}

/** Decodes greedily with a fresh model; as many steps as the context has room for, or `steps`. */
export async function measureDecode(
  shape: Shape,
  context: { precision: Precision; batch: number; seed: number; bandwidthGBs: number | null; steps?: number },
): Promise<DecodeResult> {
  const { config } = shape;
  const prompt = Math.min(32, config.max_position_embeddings / 4);
  const room = config.max_position_embeddings - prompt;
  const warmUp = 2;
  const steps = Math.min(context.steps ?? 128, room - warmUp - 1);
  const random = Random.stream(context.seed, 'bench-prompts');
  const prompts = Array.from({ length: context.batch }, () => [...randomIds(prompt, config.vocab_size, random)]);
  const model = initModel(config, context.seed);
  const arrivals: number[] = [];
  const engine = new Engine(model);
  try {
    // The first token comes from the prompt's own pass: only the time between tokens is decoding.
    const options = { maxNewTokens: 1 + warmUp + steps, sampling: greedy, stopIds: [], seed: context.seed };
    const arrive = (row: number) => () => {
      if (row === 0) arrivals.push(performance.now());
    };
    await Promise.all(prompts.map((tokens, row) => engine.submit({ tokens, ...options }, arrive(row))));
  } finally {
    await engine.dispose();
    disposeModel(model);
  }
  const times = arrivals.slice(1).map((arrival, i) => (arrival - arrivals[i]) / 1000);
  const seconds = spreadOf(times.slice(warmUp));
  const cacheNumbers = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim;
  const columns = prompt + warmUp + steps / 2; // of the cache, on average
  const weightBytes = context.precision === 'bf16' ? 2 : 4;
  const bytes = weightBytes * shape.parameters + 4 * context.batch * columns * cacheNumbers;
  const limit = context.bandwidthGBs === null ? null : (context.batch * context.bandwidthGBs * 1e9) / bytes;
  const tokensPerSecond = context.batch / seconds.median;
  return {
    shape: shape.name,
    precision: context.precision,
    batch: context.batch,
    tokensPerSecond,
    quartiles: [context.batch / seconds.high, context.batch / seconds.low],
    ofBandwidth: shareOf(tokensPerSecond, limit),
  };
}
