// Training speed through the real training step, on seeded random tokens: forward, backward, clipping, AdamW.
// Run it in a process of its own (compute-child.ts): the peak of resident memory belongs to the whole process.
import { trainingFlopsPerToken } from '../architecture/cost.js';
import { Random } from '../base/random.js';
import type { ComputeChoice, Precision } from '../config/compute.js';
import { trainSchema } from '../config/train.js';
import type { TokenBatch } from '../data/types.js';
import { disposeModel, initModel } from '../model/model.js';
import { openBackend } from '../tensor/backends.js';
import { alone, type Communicator } from '../tensor/communicator.js';
import { tokenObjective } from '../train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer } from '../train/optimizer.js';
import { trainStep } from '../train/step.js';
import { causalRanges, randomIds, rowPositions } from './inputs.js';
import { residentBytes } from './resident.js';
import { type Shape, type ShapeName, shapeOf } from './shapes.js';
import { timeSteps } from './steps.js';

export interface TrainJob extends ComputeChoice {
  shape: ShapeName;
  precision: Precision;
  /** Tokens of a row; default: those of the shape. The batch has about as many tokens either way. */
  columns?: number;
  /** Steps to time; without it as many as fit 20 seconds, from 1 to 20. */
  steps?: number;
  seed: number;
}

export interface TrainMeasurement {
  shape: ShapeName;
  precision: Precision;
  backend: string;
  /** B and T of a batch. */
  rows: number;
  columns: number;
  /** Of the model; and B·T, the tokens of a step. */
  parameters: number;
  tokensPerStep: number;
  flopsPerToken: number;
  steps: number;
  /** Of the median step; and the quartiles. */
  tokensPerSecond: number;
  quartiles: [low: number, high: number];
  gflops: number;
  /** Most memory that this process has held at once, all of Node included. */
  peakRssMiB: number;
  /** Of the last step, in nats per token. */
  loss: number;
}

/**
 * Opens the backend and trains a fresh model; `cancelled` is asked between steps. Together with others, who are given a number of steps, it
 * takes those of the whole batch.
 */
export async function measureTraining(
  job: TrainJob,
  cancelled: () => boolean = () => false,
  communicator: Communicator = alone,
): Promise<TrainMeasurement> {
  const { name: backend } = await openBackend(job.backend, job);
  const shape = shapeOf(job.shape, job.columns);
  const model = initModel(shape.config, job.seed);
  const optimizer = createOptimizer(model, 'adamw', communicator);
  const config = trainSchema.parse({ learningRate: 1e-3, schedule: 'constant' });
  const objective = randomTokens(shape, job.seed);
  const tokens = shape.rows * shape.columns;
  const run = async (step: number) => {
    const batch = await objective.next();
    const start = performance.now();
    const { loss } = await trainStep(model, optimizer, objective, [batch], config, {
      ...{ step, learningRate: config.learningRate, communicator },
    });
    return { seconds: (performance.now() - start) / 1000, tokens, loss };
  };
  try {
    const { steps, tokensPerSecond, quartiles, loss } = await timeSteps(run, { steps: job.steps, cancelled });
    const flopsPerToken = trainingFlopsPerToken(shape.config, shape.columns);
    return {
      ...{ shape: job.shape, precision: job.precision, backend, parameters: shape.parameters },
      ...{ rows: shape.rows, columns: shape.columns, tokensPerStep: tokens, flopsPerToken, steps },
      ...{ tokensPerSecond, quartiles, gflops: flopsPerToken * tokensPerSecond * 1e-9 },
      peakRssMiB: residentBytes('VmHWM') / 2 ** 20,
      loss,
    };
  } finally {
    disposeOptimizer(optimizer);
    disposeModel(model);
  }
}

/** Batches of uniformly random tokens: full rows, one document each, every prediction counts. */
function randomTokens({ config, rows, columns }: Shape, seed: number) {
  const random = Random.stream(seed, 'bench-tokens');
  const count = rows * columns;
  const fixed = {
    rows,
    columns,
    weights: new Float32Array(count).fill(1),
    positions: rowPositions(rows, columns),
    ranges: causalRanges(rows, columns),
    owners: Int32Array.from({ length: count }, (_, i) => Math.floor(i / columns)),
    ids: Array.from({ length: rows }, (_, row) => `row-${row}`),
    weight: count,
    tokenCount: count,
  };
  const next = async (): Promise<TokenBatch> => {
    const tokens = randomIds(count, config.vocab_size, random);
    const targets = randomIds(count, config.vocab_size, random);
    return { ...fixed, tokens, targets };
  };
  return tokenObjective({ next, state: null, restore: () => undefined });
}
