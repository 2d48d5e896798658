// The knobs of the one trainer, shared by every stage that trains.
import { z } from 'zod';
import { keepSchema } from './keep.js';

const share = z.number().min(0).max(1);

/** The trainer's block with every number there. */
export const trainSchema = z.strictObject({
  steps: z.int().min(1).max(1e9).optional().describe('optimizer steps; without it, `epochs` decides'),
  epochs: z.number().min(0.001).max(1000).default(1).describe('passes over the data, where `steps` is not given'),
  batchSize: z.int().min(1).max(65536).default(8).describe('rows per micro-batch'),
  accumulation: z.int().min(1).max(65536).default(1).describe('micro-batches per optimizer step'),
  batchWarmup: share
    .default(0)
    .describe('share of the steps over which the micro-batches of a step grow from 1 to `accumulation`; 0 = none'),
  optimizer: z
    .enum(['adamw', 'muon'])
    .default('adamw')
    .describe('what turns gradients into steps; muon: Muon for the matrices of the layers, AdamW for all else'),
  momentum: z.number().min(0).max(0.9999).optional().describe('of Muon; default: 0.95'),
  learningRate: z.number().min(0).max(10).default(1e-3).describe('peak learning rate'),
  schedule: z.enum(['cosine', 'wsd', 'constant']).default('cosine').describe('shape after the warm-up'),
  warmup: share.default(0.05).describe('share of the steps spent warming up'),
  decay: share.default(0.2).describe('share of the steps spent decaying (wsd)'),
  finalRatio: share.default(0.1).describe('last learning rate, as a share of the peak'),
  weightDecay: share.default(0.1).describe('AdamW decay of matrices (never of norms or biases)'),
  beta1: z.number().min(0).max(0.9999).default(0.9).describe('AdamW first-moment decay'),
  beta2: z.number().min(0).max(0.99999).default(0.95).describe('AdamW second-moment decay'),
  epsilon: z.number().min(1e-12).max(1).default(1e-8).describe('AdamW epsilon'),
  clipNorm: z.number().min(0).max(1e6).default(1).describe('global gradient norm above which to scale down; 0 = off'),
  zLoss: share
    .default(0)
    .describe('weight of (log Z)² in the loss of pretraining and fine-tuning, against drifting logits: 1e-4; 0 = off'),
  spikeLimit: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .describe(
      'standard deviations above the recent steps at which a loss or gradient norm is a spike: back to the last checkpoint, and on with other data; 0 = off',
    ),
  evaluateEvery: z.int().min(0).default(100).describe('steps between held-out evaluations; 0 = only at the end'),
  sampleEvery: z.int().min(0).default(0).describe('steps between printed samples; 0 = only at the end'),
  statisticsEvery: z
    .int()
    .min(0)
    .optional()
    .describe('steps between statistics of every layer (states, gradients, updates) for the report; 0 = none'),
  checkpointEvery: z.int().min(1).default(100).describe('steps between checkpoints'),
  patience: z
    .int()
    .min(1)
    .max(1e6)
    .optional()
    .describe(
      'evaluations without a better value of `bestBy` after which the training ends, with the best checkpoint as its result; default: it takes all steps, and ends with the last',
    ),
  bestBy: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('metric for `patience`; default: the first that an evaluation reports, such as heldOutLoss'),
  keep: keepSchema.default('last=2').describe('checkpoints kept: last=N newest, every=N steps, best=METRIC'),
  recompute: z
    .boolean()
    .default(false)
    .describe(
      'save memory: keep the activations of one layer at a time and compute them again in the backward pass, at the cost of one more forward pass (about a third more computation)',
    )
    .meta({ formerly: 'checkpointing' }),
  shard: z
    .enum(['moments', 'weights'])
    .optional()
    .describe(
      'what processes that train together (mpirun) share out: moments, each having all weights (ZeRO-1); weights: those of the layers and their gradients too, gathered a layer at a time, with `recompute` (ZeRO-3); default: moments',
    ),
});
export type TrainConfig = z.output<typeof trainSchema>;

const { steps, epochs, batchSize, accumulation, learningRate, weightDecay } = trainSchema.shape;
const following = (field: z.ZodDefault<z.ZodNumber>, from: string) =>
  field.unwrap().optional().describe(`${field.description}; default: follows from ${from}`);
const bySize = (field: z.ZodDefault<z.ZodNumber>) => following(field, 'model.size');

type Tuned = Record<'learningRate' | 'epochs' | 'batchSize' | 'weightDecay', string>;
/** What only pretraining and fine-tuning do. */
const shardsWeights = { shard: true } as const;
const tuned = (defaults: Tuned) =>
  trainSchema.extend({
    learningRate: following(learningRate, `what is tuned: ${defaults.learningRate}`),
    epochs: following(epochs, `what is tuned: ${defaults.epochs}`),
    batchSize: following(batchSize, `what is tuned: ${defaults.batchSize}`),
    weightDecay: following(weightDecay, `what is tuned: ${defaults.weightDecay}`),
  });

/** The trainer's block of fine-tuning, as written: what is absent of these follows from what is tuned (tuning.ts). */
export const tunedTrainSchema = tuned({
  learningRate: '5e-4 (published models 2e-5), with LoRA 5e-3 (2e-4)',
  epochs: '3, where an adapter continues 1',
  batchSize: '8',
  weightDecay: '0.01, of published models and adapters 0',
});
export type TunedTrainConfig = z.output<typeof tunedTrainSchema>;

/** The same of a reward model. */
export const rewardTrainSchema = tuned({
  learningRate: '1e-4, with LoRA ten times that',
  epochs: '2 (published models 1)',
  batchSize: '8',
  weightDecay: '0',
}).omit(shardsWeights);

/** The same of alignment, whose rounds are evaluated and sampled when they end, to decide on promotion: not in between. */
export const alignTrainSchema = tuned({
  learningRate: '1e-4 (published models 1e-6), with LoRA ten times that',
  epochs: '2 (published models 1)',
  batchSize: '8',
  weightDecay: '0',
})
  .extend({
    warmup: trainSchema.shape.warmup
      .unwrap()
      .default(0.1)
      .describe(trainSchema.shape.warmup.description ?? ''),
  })
  .omit({ ...shardsWeights, evaluateEvery: true, sampleEvery: true, patience: true, bestBy: true });

/** The trainer's block of pretraining, as written: what is absent of these follows from the model's size (architecture/dial.ts). */
export const writtenTrainSchema = trainSchema
  .extend({
    steps: steps.describe('optimizer steps; default: as many as `tokens` or `epochs` take'),
    tokens: z
      .number()
      .min(1)
      .max(1e15)
      .optional()
      .describe(
        'tokens to train on, in place of `steps`; default: 20 for each parameter, where a model continues one pass over the text',
      ),
    epochs: epochs.unwrap().optional().describe('passes over the data, in place of `steps` or `tokens`'),
    batchSize: bySize(batchSize),
    accumulation: bySize(accumulation),
    learningRate: following(learningRate, 'model.size, where a model continues a tenth'),
    weightDecay: bySize(weightDecay),
  })
  .superRefine(({ tokens, ...others }, context) => {
    if (tokens === undefined) return;
    for (const key of ['steps', 'epochs'] as const) {
      if (others[key] === undefined) continue;
      const message = `decides on the length, and ${key} does too (${others[key]}): give one, and null for the other`;
      context.addIssue({ code: 'custom', path: ['tokens'], message });
    }
  });
export type WrittenTrainConfig = z.output<typeof writtenTrainSchema>;

/** Micro-batches of a step, on average over the training. */
export function meanAccumulation({
  accumulation,
  batchWarmup,
}: Pick<TrainConfig, 'accumulation' | 'batchWarmup'>): number {
  return accumulation - (batchWarmup * (accumulation - 1)) / 2;
}
