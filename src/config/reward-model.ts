// The knobs of a reward model: from which preferences it learns to score answers, what its loss adds to Bradley and Terry's,
// and what it has to show before it may steer alignment.
import { z } from 'zod';
import { loraSchema } from './lora.js';
import { optionalRows, startPath } from './paths.js';
import { preferenceDataShape } from './preference-data.js';
import { rewardTrainSchema, type TrainConfig } from './train.js';

/** Without dropout: a score is the same whenever it is asked for. */
const rewardLoraSchema = loraSchema.omit({ dropout: true });

const licenceSchema = z.strictObject({
  calibration: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe(
      'largest calibration error: how far its probabilities are from how often it is right, on average over held-out pairs',
    ),
  prompts: optionalRows(
    'tasks with checks that the best of n answers are drawn for; default: those that self-instruct made for alignment, where it did',
  ),
  promptCount: z.int().min(2).max(100_000).default(32).describe('of these tasks, at most'),
  samples: z.int().min(4).max(1024).default(64).describe('answers of the chat model to each: the largest n'),
  temperature: z.number().min(0.01).max(10).default(1).describe('sampling temperature of those answers'),
  maxNewTokens: z.int().min(1).max(65536).default(48).describe('longest of those answers, in tokens'),
});

export const rewardModelSchema = z.strictObject({
  from: startPath('chat model'),
  ...preferenceDataShape,
  data: preferenceDataShape.data.describe(
    'preferences to learn from: rows with prompt, chosen and rejected (a file, a folder, a pattern, hf:ORG/NAME), feedback (what chat and annotate collected), or a list of those or of {path, weight}',
  ),
  evalData: optionalRows('preferences to measure the reward model with; default: a share of `data`'),
  validation: z
    .number()
    .min(0.01)
    .max(0.5)
    .default(0.1)
    .describe(
      'share of the preferences that is held out to measure with, where no others are given for that (1000 at most, by hash)',
    ),
  margins: z
    .boolean()
    .default(true)
    .describe('ask for a gap as wide as the `margin` of a row, where it has one; false: only for the right order'),
  centerWeight: z
    .number()
    .min(0)
    .max(100)
    .default(0.01)
    .describe(
      "weight of the squared sum of both scores, which keeps scores around 0 (TRL's center_rewards_coefficient, and the value that TRL recommends)",
    ),
  lmWeight: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .describe('weight of the NLL per token of the chosen answer, so that the states keep predicting text; 0 = off'),
  licence: licenceSchema.prefault({}).describe('what it has to show before it may steer alignment'),
  lora: rewardLoraSchema
    .optional()
    .describe('train low-rank adapters and the score beside the frozen weights, not all weights'),
  train: rewardTrainSchema.prefault({}).describe('trainer'),
});
/** As written: what follows from what is tuned is not there yet. */
export type WrittenRewardModelConfig = z.output<typeof rewardModelSchema>;
export type RewardModelConfig = Omit<WrittenRewardModelConfig, 'train'> & { train: TrainConfig };
