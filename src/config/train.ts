// The knobs of the one trainer, shared by every stage that trains.
import { z } from 'zod';
import { keepSchema } from './keep.js';

const trainDefaults = {
  epochs: 1,
  batchSize: 8,
  accumulation: 1,
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
  evaluateEvery: 100,
  sampleEvery: 0,
  checkpointEvery: 100,
  keep: 'last=2',
  checkpointing: false,
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
    evaluateEvery: z
      .int()
      .min(0)
      .default(d.evaluateEvery)
      .describe('steps between held-out evaluations; 0 = only at the end'),
    sampleEvery: z.int().min(0).default(d.sampleEvery).describe('steps between printed samples; 0 = only at the end'),
    checkpointEvery: z.int().min(1).default(d.checkpointEvery).describe('steps between checkpoints'),
    keep: keepSchema.default(d.keep).describe('checkpoints kept: last=N newest, every=N steps, best=METRIC'),
    checkpointing: z
      .boolean()
      .default(d.checkpointing)
      .describe(
        'save memory: keep the activations of one layer at a time and compute them again in the backward pass, at the cost of one more forward pass (about a third more computation)',
      ),
  });
};
export type TrainConfig = z.output<ReturnType<typeof trainSchema>>;
