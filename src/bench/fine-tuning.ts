// Speed of fine-tuning through the real training step, on conversations of random tokens that are packed as SFT packs them:
// of all weights, or of adapters beside a frozen base. Run it in a process of its own, as training is.
import { adapterShape, withAdapters } from '../architecture/adapters.js';
import { decoderTable, isTrained } from '../architecture/parameters.js';
import { type HostTensor, halfTensor, sizeOf } from '../base/host-tensor.js';
import { Random } from '../base/random.js';
import type { ComputeChoice, Precision } from '../config/compute.js';
import { loraSchema } from '../config/lora.js';
import type { ModelConfig } from '../config/model.js';
import { trainSchema } from '../config/train.js';
import { PackedBatches } from '../data/packing.js';
import type { TokenBatch, TokenSequence } from '../data/types.js';
import { disposeModel, frozenFromTensors, initModel, type Model, withParameters } from '../model/model.js';
import { openBackend } from '../tensor/backends.js';
import { tokenObjective } from '../train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer } from '../train/optimizer.js';
import { trainStep } from '../train/step.js';
import { randomIds } from './inputs.js';
import { residentBytes } from './resident.js';
import { conversationLengths, type FineTunedShape, fineTunedShapeOf } from './shapes.js';
import { timeSteps } from './steps.js';

export interface FineTuningJob extends ComputeChoice {
  shape: FineTunedShape;
  precision: Precision;
  /** Of adapters beside the seven linears of each layer; 0: all weights are trained. */
  rank: number;
  /** Tokens of a row; default: those of the shape. The batch has about as many tokens either way. */
  columns?: number;
  /** Steps to time; without it as many as fit 20 seconds, from 1 to 20. */
  steps?: number;
  seed: number;
}

type Sizes = ReturnType<typeof fineTunedShapeOf>;

export interface FineTuningMeasurement {
  shape: FineTunedShape;
  precision: Precision;
  backend: string;
  rank: number;
  /** B and T of a step, and rows that are computed at a time. */
  rows: number;
  columns: number;
  rowsAtATime: number;
  /** Of the model without adapters; and how many numbers are trained. */
  parameters: number;
  trained: number;
  /** Of the epoch: conversations, their tokens, and those whose prediction counts. */
  conversations: number;
  tokens: number;
  countedTokens: number;
  steps: number;
  /** Tokens of conversations, at the median step; and the quartiles. */
  tokensPerSecond: number;
  quartiles: [low: number, high: number];
  /** As long as an epoch takes at that speed. */
  epochSeconds: number;
  peakRssMiB: number;
  /** Of the last step, in nats per token. */
  loss: number;
}

export const conversationCount = 2000;

/** Tokens that are computed at a time: no faster beyond, and memory grows with them. */
const tokensAtATime = 1024;

/** Opens the backend and fine-tunes a fresh model; `cancelled` is asked between steps. */
export async function measureFineTuning(
  job: FineTuningJob,
  cancelled: () => boolean = () => false,
): Promise<FineTuningMeasurement> {
  const { name: backend } = await openBackend(job.backend, job);
  const shape = fineTunedShapeOf(job.shape, job.columns);
  const { columns } = shape;
  const accumulation = Math.max(1, Math.floor((shape.rows * columns) / tokensAtATime));
  const rowsAtATime = Math.ceil(shape.rows / accumulation);
  const model = modelOf(shape, job);
  const optimizer = createOptimizer(model);
  const config = trainSchema.parse({ learningRate: 2e-4, schedule: 'constant' });
  const sequences = conversationsOf(shape, job.seed);
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  const shapeOfBatch = { rows: rowsAtATime, columns, padId: shape.config.pad_token_id };
  const objective = tokenObjective(new PackedBatches({ source, mode: 'whole', seed: job.seed, ...shapeOfBatch }));
  const run = async (step: number) => {
    const start = performance.now();
    const batches: TokenBatch[] = [];
    while (batches.length < accumulation) batches.push(await objective.next());
    const at = { step, learningRate: config.learningRate };
    const { loss } = await trainStep(model, optimizer, objective, batches, config, at);
    // A conversation's last token is a target alone.
    const tokens = batches.reduce((total, { tokenCount, ids }) => total + tokenCount + ids.length, 0);
    return { seconds: (performance.now() - start) / 1000, tokens, loss };
  };
  try {
    const { secondsPerToken, ...timing } = await timeSteps(run, { steps: job.steps, cancelled });
    const tokens = sequences.reduce((total, sequence) => total + sequence.tokens.length, 0);
    const counted = sequences.reduce((total, { loss = [] }) => total + Array.from(loss).filter(Boolean).length, 0);
    return {
      ...{ shape: job.shape, precision: job.precision, backend, rank: job.rank },
      ...{ rows: rowsAtATime * accumulation, columns, rowsAtATime, parameters: shape.parameters },
      trained: model.parameters.filter(isTrained).reduce((total, row) => total + sizeOf(row.shape), 0),
      ...{ conversations: sequences.length, tokens, countedTokens: counted, ...timing },
      epochSeconds: tokens * secondsPerToken.median,
      peakRssMiB: residentBytes('VmHWM') / 2 ** 20,
    };
  } finally {
    disposeOptimizer(optimizer);
    disposeModel(model);
  }
}

/** With adapters of that rank beside a frozen base: of bf16 where a published model of that shape would be. */
function modelOf({ config, isStoredAsHalves }: Sizes, { rank, seed }: FineTuningJob): Model {
  if (rank === 0) return initModel(config, seed);
  const fresh = isStoredAsHalves ? undefined : initModel(config, seed);
  const base = fresh ?? frozenFromTensors(config, randomHalves(config, seed), 'a random model');
  const lora = loraSchema.parse({ rank, alpha: 2 * rank });
  return withParameters(base, withAdapters(base.parameters, adapterShape(base.parameters, lora)), seed);
}

function conversationsOf({ config, columns }: Sizes, seed: number): TokenSequence[] {
  const random = Random.stream(seed, 'bench-conversations');
  return Array.from({ length: conversationCount }, (_, index) => {
    const { prompt, answer } = conversationLengths(index, columns);
    const tokens = Array.from(randomIds(prompt + answer, config.vocab_size - 2, random), (id) => id + 2);
    return { id: `conversation-${index}`, tokens, loss: tokens.map((_, i) => Number(i >= prompt)) };
  });
}

/** Norms of 1, and matrices of random bf16 between 1/64 and 1/32 either side of 0: any numbers do, and half a billion come fast. */
function randomHalves(config: ModelConfig, seed: number): Map<string, HostTensor> {
  const random = Random.stream(seed, 'bench-halves');
  return new Map(
    decoderTable(config).map(({ name, shape }) => {
      if (shape.length === 1) return [name, { name, shape, data: new Float32Array(sizeOf(shape)).fill(1) }];
      const halves = new Uint16Array(sizeOf(shape));
      let state = random.uint32();
      for (let i = 0; i < halves.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        halves[i] = ((state >>> 16) & 0x807f) | 0x3c80;
      }
      return [name, halfTensor(name, shape, halves)];
    }),
  );
}
