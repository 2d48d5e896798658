// One answer to "what would this training take?": the costs of cost.ts put together for a model, a number of tokens,
// this machine and other hardware.
import { meanAccumulation, type TrainConfig } from '../config/train.js';
import type { ModelShape } from './config.js';
import {
  assumedUtilization,
  type Device,
  measuredShare,
  shardingOn,
  tokensPerParameter,
  trainingFlopsPerToken,
  trainingMemory,
} from './cost.js';
import { decoderTable, parameterCount } from './parameters.js';
import { rankMemory, wireBytes } from './rank-plan.js';

export interface PlanRequest {
  config: ModelShape;
  /** Without steps (passes over a corpus that nobody has read yet), as long as is compute-optimal. */
  train: TrainConfig;
  /** Of this machine, fp32: operations a second at most, null where not known; and memory in bytes. */
  machine: { peakFlops: number | null; bytes: number };
  hardware: readonly { device: Device; count: number }[];
  /** Processes that train together; absent: one. */
  ranks?: number;
}

export interface HardwareEstimate {
  name: string;
  /** Operations a second that are reckoned with, all devices together; null where not known. */
  flopsPerSecond: number | null;
  /** That as a share of the peak: measured for this machine, assumed elsewhere. */
  share: number;
  tokensPerSecond: number | null;
  seconds: number | null;
}

export type TrainingPlan = ReturnType<typeof planTraining>;

export function planTraining(request: PlanRequest) {
  const { config, train, machine } = request;
  const { optimizer, learningRate, weightDecay, schedule } = train;
  const columns = config.max_position_embeddings;
  const parameters = parameterCount(config);
  const optimalTokens = tokensPerParameter * parameters;
  const perStep = train.batchSize * columns * meanAccumulation(train);
  const steps = train.steps ?? Math.ceil(optimalTokens / perStep);
  const tokens = Math.round(steps * perStep);
  const flopsPerToken = trainingFlopsPerToken(config, columns);
  const memory = trainingMemory(config, { rows: train.batchSize, columns }, train);
  const estimate = (name: string, peak: number | null, share: number): HardwareEstimate => {
    const rate = peak === null ? null : peak * share;
    return {
      ...{ name, flopsPerSecond: rate, share },
      tokensPerSecond: rate === null ? null : rate / flopsPerToken,
      seconds: rate === null ? null : (flopsPerToken * tokens) / rate,
    };
  };
  /** What one of them takes. */
  const planRanks = (count: number) => {
    const memory = rankMemory(config, { rows: train.batchSize, columns }, { ...train, ranks: count });
    const shard = count > 1 ? (train.shard ?? 'moments') : 'moments';
    const flopsPerStep = (flopsPerToken * perStep) / count;
    const rate = machine.peakFlops === null ? null : machine.peakFlops * measuredShare(parameters);
    return {
      ...{ count, shard, memory },
      /** Operations, and bytes that it sends, and receives: of a step. */
      flopsPerStep,
      wireBytesPerStep: wireBytes(decoderTable(config), count, shard === 'weights' ? memory.passes : undefined),
      /** Of computing alone, on a machine like this one of its own; null where its rate is not known. */
      secondsPerStep: rate === null ? null : flopsPerStep / rate,
    };
  };
  return {
    /** Of the parameters: the table of the vocabulary, and the output projection where that is another. */
    embedding: (config.tie_word_embeddings ? 1 : 2) * config.vocab_size * config.hidden_size,
    ...{ parameters, layers: config.num_hidden_layers, hiddenSize: config.hidden_size },
    ...{ heads: config.num_attention_heads, vocabulary: config.vocab_size, contextLength: columns },
    ...{ flopsPerToken, tokens, optimalTokens, flops: flopsPerToken * tokens, memory },
    steps,
    /** Of a step: rows of a micro-batch, micro-batches, tokens on average over a batch that warms up. */
    batch: { rows: train.batchSize, accumulation: train.accumulation, warmup: train.batchWarmup, tokens: perStep },
    training: { optimizer, learningRate, weightDecay, schedule },
    ...(request.ranks !== undefined && { ranks: planRanks(request.ranks) }),
    machine: {
      ...estimate('this machine', machine.peakFlops, measuredShare(parameters)),
      bytes: machine.bytes,
      fits: memory.peak <= machine.bytes,
      fitsRecomputed: memory.recomputedPeak <= machine.bytes,
    },
    hardware: request.hardware.map(({ device, count }) => ({
      ...estimate(`${device.name}×${count}`, device.bf16Flops * count, assumedUtilization),
      count,
      sharding: shardingOn(config, { columns, optimizer }, device, count),
    })),
  };
}
