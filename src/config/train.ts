// The knobs of the one trainer, shared by every stage that trains.
import { z } from 'zod';
import { keepSchema } from './keep.js';

const trainDefaults = {
  epochs: 1,
  batchSize: 8,
  accumulation: 1,
  batchWarmup: 0,
  optimizer: 'adamw' as 'adamw' | 'muon',
  learningRate: 1e-3,
  schedule: 'cosine' as 'cosine' | 'wsd' | 'constant',
  warmup: 0.05,
  decay: 0.2,
  finalRatio: 0.1,
  weightDecay: 0.1,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  clipNorm: 1,
  zLoss: 0,
  spikeLimit: 0,
  evaluateEvery: 100,
  sampleEvery: 0,
  checkpointEvery: 100,
  keep: 'last=2',
  recompute: false,
};
type TrainDefaults = typeof trainDefaults;

/** The trainer's block; each stage has its own defaults for some knobs. */
export const trainSchema = (defaults: Partial<TrainDefaults> = {}) => {
  const d = { ...trainDefaults, ...defaults };
  return z.strictObject({
    steps: z.int().min(1).max(1e9).optional().describe('optimizer steps; without it, `epochs` decides'),
    epochs: z
      .number()
      .min(0.001)
      .max(1000)
      .default(d.epochs)
      .describe('passes over the data, where `steps` is not given'),
    batchSize: z.int().min(1).max(65536).default(d.batchSize).describe('rows per micro-batch'),
    accumulation: z.int().min(1).max(65536).default(d.accumulation).describe('micro-batches per optimizer step'),
    batchWarmup: z
      .number()
      .min(0)
      .max(1)
      .default(d.batchWarmup)
      .describe('share of the steps over which the micro-batches of a step grow from 1 to `accumulation`; 0 = none'),
    optimizer: z
      .enum(['adamw', 'muon'])
      .default(d.optimizer)
      .describe('what turns gradients into steps; muon: Muon for the matrices of the layers, AdamW for all else'),
    momentum: z.number().min(0).max(0.9999).optional().describe('of Muon; default: 0.95'),
    learningRate: z.number().min(0).max(10).default(d.learningRate).describe('peak learning rate'),
    schedule: z.enum(['cosine', 'wsd', 'constant']).default(d.schedule).describe('shape after the warm-up'),
    warmup: z.number().min(0).max(1).default(d.warmup).describe('share of the steps spent warming up'),
    decay: z.number().min(0).max(1).default(d.decay).describe('share of the steps spent decaying (wsd)'),
    finalRatio: z.number().min(0).max(1).default(d.finalRatio).describe('last learning rate, as a share of the peak'),
    weightDecay: z
      .number()
      .min(0)
      .max(1)
      .default(d.weightDecay)
      .describe('AdamW decay of matrices (never of norms or biases)'),
    beta1: z.number().min(0).max(0.9999).default(d.beta1).describe('AdamW first-moment decay'),
    beta2: z.number().min(0).max(0.99999).default(d.beta2).describe('AdamW second-moment decay'),
    epsilon: z.number().min(1e-12).max(1).default(d.epsilon).describe('AdamW epsilon'),
    clipNorm: z
      .number()
      .min(0)
      .max(1e6)
      .default(d.clipNorm)
      .describe('global gradient norm above which to scale down; 0 = off'),
    zLoss: z
      .number()
      .min(0)
      .max(1)
      .default(d.zLoss)
      .describe(
        'weight of (log Z)² in the loss of pretraining and fine-tuning, against drifting logits: 1e-4; 0 = off',
      ),
    spikeLimit: z
      .number()
      .min(0)
      .max(1000)
      .default(d.spikeLimit)
      .describe(
        'standard deviations above the recent steps at which a loss or gradient norm is a spike: back to the last checkpoint, and on with other data; 0 = off',
      ),
    evaluateEvery: z
      .int()
      .min(0)
      .default(d.evaluateEvery)
      .describe('steps between held-out evaluations; 0 = only at the end'),
    sampleEvery: z.int().min(0).default(d.sampleEvery).describe('steps between printed samples; 0 = only at the end'),
    statisticsEvery: z
      .int()
      .min(0)
      .optional()
      .describe('steps between statistics of every layer (states, gradients, updates) for the report; 0 = none'),
    checkpointEvery: z.int().min(1).default(d.checkpointEvery).describe('steps between checkpoints'),
    keep: keepSchema.default(d.keep).describe('checkpoints kept: last=N newest, every=N steps, best=METRIC'),
    recompute: z
      .boolean()
      .default(d.recompute)
      .describe(
        'save memory: keep the activations of one layer at a time and compute them again in the backward pass, at the cost of one more forward pass (about a third more computation)',
      )
      .meta({ formerly: 'checkpointing' }),
  });
};
export type TrainConfig = z.output<ReturnType<typeof trainSchema>>;

/** The trainer's block of pretraining, as written: what is left out of these follows from the model's size (architecture/dial.ts). */
export const writtenTrainSchema = () => {
  const schema = trainSchema();
  const { steps, epochs, batchSize, accumulation, learningRate, weightDecay } = schema.shape;
  const follows = (field: z.ZodType): string => `${field.description}; default: follows from model.size`;
  const written = schema.extend({
    steps: steps.describe('optimizer steps; default: as many as `tokens` or `epochs` take'),
    tokens: z
      .number()
      .min(1)
      .max(1e15)
      .optional()
      .describe('tokens to train on, in place of `steps`; default: 20 for each parameter'),
    epochs: epochs.unwrap().optional().describe('passes over the data, in place of `steps` or `tokens`'),
    batchSize: batchSize.unwrap().optional().describe(follows(batchSize)),
    accumulation: accumulation.unwrap().optional().describe(follows(accumulation)),
    learningRate: learningRate.unwrap().optional().describe(follows(learningRate)),
    weightDecay: weightDecay.unwrap().optional().describe(follows(weightDecay)),
  });
  return written.superRefine(({ tokens, ...others }, context) => {
    if (tokens === undefined) return;
    for (const key of ['steps', 'epochs'] as const) {
      if (others[key] === undefined) continue;
      const message = `decides on the length, and ${key} does too (${others[key]}): give one, and null for the other`;
      context.addIssue({ code: 'custom', path: ['tokens'], message });
    }
  });
};
export type WrittenTrainConfig = z.output<ReturnType<typeof writtenTrainSchema>>;

/** Micro-batches of a step, on average over the training. */
export function meanAccumulation({
  accumulation,
  batchWarmup,
}: Pick<TrainConfig, 'accumulation' | 'batchWarmup'>): number {
  return accumulation - (batchWarmup * (accumulation - 1)) / 2;
}
