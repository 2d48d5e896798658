// Decoding speed through the real engine: after the prompts have been read, a token for every row at each step. Run it in
// a process of its own (compute.ts): the peak of resident memory belongs to the whole process.
import { parameterCount } from '../architecture/parameters.js';
import { Random } from '../base/random.js';
import type { ComputeChoice, Precision, Quantization } from '../config/compute.js';
import type { ModelConfig } from '../config/model.js';
import { greedy, samplingAt } from '../config/sampling.js';
import { Engine } from '../inference/engine.js';
import { type EngineOptions, engineOptions } from '../inference/engine-options.js';
import { quantizedModel } from '../inference/quantized.js';
import { disposeModel, initModel, type Model, weight } from '../model/model.js';
import { openBackend } from '../tensor/backends.js';
import { read } from '../tensor/host.js';
import { randomIds } from './inputs.js';
import { spreadOf } from './measure.js';
import { residentBytes } from './resident.js';
import { type Limits, type RooflineShare, rooflineShare, type Work } from './roofline.js';
import { type ShapeName, shapeOf } from './shapes.js';

export interface DecodeJob extends ComputeChoice {
  shape: ShapeName;
  precision: Precision;
  batch: number;
  /** Tokens that a row has in its cache, halfway through the timed steps; at least 32. */
  context: number;
  /** 0: greedy. Nothing is cut off from the distribution. */
  temperature: number;
  /** How the matrices are stored; default: as the precision has them. */
  quantize?: Quantization;
  /** Steps to time, at most one for each token of the context; default 128. */
  steps?: number;
  seed: number;
}

export interface DecodeMeasurement {
  shape: ShapeName;
  precision: Precision;
  batch: number;
  context: number;
  temperature: number;
  quantize: Quantization | null;
  steps: number;
  /** Of all rows together, at the median step; sampling included, the prompt not. */
  tokensPerSecond: number;
  quartiles: [low: number, high: number];
  /** Of all rows together, from the question to every row's first token. */
  promptTokensPerSecond: number;
  /** Of the mean step, and of a token of a prompt. */
  stepWork: Work;
  promptWork: Work;
  /** Most memory that this process has held at once, all of Node included. */
  peakRssMiB: number;
}

export interface DecodeResult extends Omit<DecodeMeasurement, 'stepWork' | 'promptWork'>, RooflineShare {
  /** Share of what memory bandwidth allows when every step reads all weights and the cache once; null: not known. */
  ofBandwidth: number | null;
  promptOfRoofline: number | null;
}

/** Of a weight that is read; a block of q8_0 is 32 bytes and a scale of 2. */
const weightBytes = { fp32: 4, bf16: 2, q8_0: 34 / 32 };
const warmUpSteps = 8;
const maxPromptPasses = 5;
const maxPromptSeconds = 1;

/** Opens the backend, and decodes with a fresh model. */
export async function measureDecode(job: DecodeJob): Promise<DecodeMeasurement> {
  await openBackend(job.backend, job);
  const { shape, precision, batch, context, temperature, quantize = null } = job;
  const steps = Math.min(job.steps ?? 128, context);
  const promptLength = context - warmUpSteps - Math.floor(steps / 2);
  const base = shapeOf(shape).config;
  // Some rows begin while the prompts of others are still read.
  const { chunkTokens, stepTokens } = engineOptions(base, {});
  const rowsAtOnce = Math.max(1, Math.floor(stepTokens / Math.min(promptLength, chunkTokens)));
  const lead = Math.ceil(batch / rowsAtOnce) * Math.ceil(promptLength / chunkTokens) + 1;
  const maxNewTokens = lead + warmUpSteps + steps + 1;
  const { config } = shapeOf(shape, promptLength + maxNewTokens);
  const random = Random.stream(job.seed, 'bench-prompts');
  const newPrompts = (rows: number): number[][] =>
    Array.from({ length: rows }, () => [...randomIds(promptLength, config.vocab_size, random)]);
  const model = quantize === null ? initModel(config, job.seed) : await quantizedShape(config, job.seed);
  try {
    const promptSeconds = await secondsToRead(model, newPrompts, batch);
    const sampling = temperature === 0 ? greedy : samplingAt(temperature);
    const options = { maxNewTokens, sampling, stopIds: [], seed: job.seed };
    const { seconds, columns } = await stepsOf(model, newPrompts(batch), options, steps);
    const spread = spreadOf(seconds);
    return {
      ...{ shape, precision, batch, context, temperature, quantize, steps },
      tokensPerSecond: batch / spread.median,
      quartiles: [batch / spread.high, batch / spread.low],
      promptTokensPerSecond: (batch * promptLength) / promptSeconds,
      stepWork: decodeWork(config, quantize ?? precision, { tokens: batch, columns }),
      promptWork: promptWork(config, quantize ?? precision, batch, promptLength),
      peakRssMiB: residentBytes('VmHWM') / 2 ** 20,
    };
  } finally {
    disposeModel(model);
  }
}

async function quantizedShape(config: ModelConfig, seed: number): Promise<Model> {
  const model = initModel(config, seed);
  const tensors = await Promise.all(
    model.parameters.map(async ({ name, shape }) => ({ name, shape, data: await read(weight(model, name)) })),
  );
  disposeModel(model);
  const weights = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return quantizedModel({ model: config, weights, path: 'a fresh model' });
}

/** A measurement as shares of the machine's limits. */
export function decodeShares(measured: DecodeMeasurement, limits: Limits): DecodeResult {
  const { stepWork, promptWork, ...row } = measured;
  const seconds = row.batch / row.tokensPerSecond;
  const promptSeconds = 1 / row.promptTokensPerSecond;
  const { bandwidthGBs } = limits;
  return {
    ...row,
    ofBandwidth: bandwidthGBs === null ? null : stepWork.bytes / (bandwidthGBs * 1e9) / seconds,
    ...rooflineShare(stepWork, seconds, limits),
    promptOfRoofline: rooflineShare(promptWork, promptSeconds, limits).ofRoofline,
  };
}

/** The median of some passes over new prompts of so many rows; the first, over one, does not count. */
async function secondsToRead(model: Model, newPrompts: (rows: number) => number[][], batch: number): Promise<number> {
  const engine = new Engine(model, rowsFor(batch));
  const read = async (rows: number): Promise<number> => {
    const requests = newPrompts(rows).map((tokens) => ({
      ...{ tokens, maxNewTokens: 1, sampling: greedy, stopIds: [], seed: 1 },
    }));
    const start = performance.now();
    await engine.run(requests);
    return (performance.now() - start) / 1000;
  };
  try {
    await read(1);
    const times: number[] = [];
    const ends = performance.now() + maxPromptSeconds * 1000;
    while (times.length === 0 || (times.length < maxPromptPasses && performance.now() < ends)) {
      times.push(await read(batch));
    }
    return spreadOf(times).median;
  } finally {
    await engine.dispose();
  }
}

/** All of them side by side. */
function rowsFor(batch: number): Partial<EngineOptions> {
  return { maxRows: Math.max(batch, engineOptions(shapeOf('100k').config, {}).maxRows) };
}

/** Seconds of each timed step, once every row decodes, and the mean count of columns that all rows together see in one. */
async function stepsOf(
  model: Model,
  prompts: readonly number[][],
  options: Omit<Parameters<Engine['submit']>[0], 'tokens'>,
  steps: number,
): Promise<{ seconds: number[]; columns: number }> {
  const engine = new Engine(model, rowsFor(prompts.length));
  const controller = new AbortController();
  const begun = new Set<number>();
  const arrivals: { at: number; columns: number }[] = [];
  let columns = prompts.reduce((sum, tokens) => sum + tokens.length, 0);
  const arrive = (row: number) => (): void => {
    columns++;
    begun.add(row);
    if (row !== 0 || begun.size < prompts.length) return;
    arrivals.push({ at: performance.now(), columns });
    if (arrivals.length > warmUpSteps + steps) controller.abort();
  };
  try {
    const { signal } = controller;
    await Promise.all(prompts.map((tokens, row) => engine.submit({ ...options, tokens, signal }, arrive(row))));
  } finally {
    await engine.dispose();
  }
  const timed = arrivals.slice(warmUpSteps, warmUpSteps + steps + 1);
  if (timed.length <= steps) throw new Error(`only ${timed.length} of ${steps + 1} steps had every row in them`);
  return {
    seconds: timed.slice(1).map(({ at }, i) => (at - timed[i].at) / 1000),
    // What had come before row 0's newest token, which the step has drawn but not read.
    columns: timed.slice(1).reduce((sum, arrival) => sum + arrival.columns - 1, 0) / steps,
  };
}

/**
 * What a step costs at least that gives each row a token: 2 operations a weight and token (a tied embedding counts once,
 * as the output projection) and 4 a number of a query for each column that it sees; every weight and the cache's keys
 * and values read once.
 */
export function decodeWork(
  config: ModelConfig,
  stored: Precision | Quantization,
  { tokens, columns }: { tokens: number; columns: number },
): Work {
  const { num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: groups } = config;
  const parameters = parameterCount(config);
  return {
    operations: 2 * parameters * tokens + 4 * layers * heads * config.head_dim * columns,
    bytes: weightBytes[stored] * parameters + 4 * 2 * layers * groups * config.head_dim * columns,
  };
}

/** The same for a token of a prompt: logits only after the last, and the weights read once for all rows. */
function promptWork(config: ModelConfig, stored: Precision | Quantization, rows: number, length: number): Work {
  const tokens = rows * length;
  const { operations } = decodeWork(config, stored, { tokens, columns: (tokens * (length + 1)) / 2 });
  const withoutLogits = 2 * config.vocab_size * config.hidden_size * (tokens - rows);
  const { bytes } = decodeWork(config, stored, { tokens: 0, columns: tokens });
  return { operations: (operations - withoutLogits) / tokens, bytes: bytes / tokens };
}
