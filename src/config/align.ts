// The knobs of alignment: where preferences come from, how a round samples and learns, and when its result is promoted.
import { z } from 'zod';
import { alarmsSchema } from './alarms.js';
import { gateSchema } from './gate.js';
import { loraSchema } from './lora.js';
import { checkOnline, distillShape, onlineShape } from './online.js';
import { rowsOrFeedback, startPath } from './paths.js';
import { checkPolicy, policyShape } from './policy.js';
import { checkPpo, ppoShape } from './ppo.js';
import { checkPreference, preferenceShape } from './preference.js';
import { preferenceDataShape } from './preference-data.js';
import { replaySchema } from './replay.js';
import { scorersSchema } from './scorers.js';
import { toolNames } from './tools.js';
import { alignTrainSchema, type TrainConfig } from './train.js';

/** Without dropout: what a policy is compared with at random says nothing of it. */
const alignLoraSchema = loraSchema.omit({ dropout: true });

const knobs = z.strictObject({
  from: startPath('chat model'),
  ...preferenceDataShape,
  prompts: rowsOrFeedback('tasks with checks (rows of JSONL, …)')
    .optional()
    .describe(
      'tasks with checks to sample answers to (a file, a folder or a pattern), beside `data` or without it; or feedback: what people asked, of which answers are scored by form alone; default: what self-instruct made',
    ),
  tools: toolNames
    .optional()
    .describe(
      'tools that run while answers are sampled and judged ([Calculate, Search=notes/], one of your own folder): what they say is forced, and not learnt',
    ),
  scorers: scorersSchema
    .optional()
    .describe(
      'who scores sampled answers: some of rules, constraints, tools, reward-model (the one that this run makes), {scorer, weight}, {rewardModel: PATH, weight} or {judge: {model: NAME}, weight} (a model that compares answers: docs/reward.md); several are scaled to 0…1 among the answers to a prompt and added; default: rules, which decide on promotion in any case',
    ),
  unlicensed: z
    .boolean()
    .optional()
    .describe(
      'let a reward model or a judge score that has no licence, or was refused one; it is recorded with what it makes',
    ),
  rounds: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'rounds of sample → score → train → evaluate → promote; default: 2; of `data` without prompts, and of methods that sample as they learn, 1',
    ),
  promptsPerRound: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(128)
    .describe('prompts sampled in a round; methods that sample as they learn read none of this and go through all'),
  samplesPerPrompt: z
    .int()
    .min(2)
    .max(256)
    .optional()
    .describe('answers sampled for each prompt; default: 6, online-dpo 2'),
  temperature: z.number().min(0.01).max(10).default(1).describe('sampling temperature'),
  maxNewTokens: z.int().min(1).max(65536).default(48).describe('longest answer, in tokens'),
  heldOutSamples: z
    .int()
    .min(1)
    .max(256)
    .default(8)
    .describe('answers sampled for each held-out prompt: their mean reward decides on promotion'),
  minMargin: z
    .number()
    .min(0)
    .max(10)
    .default(0.2)
    .describe('smallest reward gap between chosen and rejected; methods that sample as they learn read none of it'),
  pairsPerPrompt: z
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('pairs made from one prompt, at most; methods that sample as they learn read none of it'),
  ...preferenceShape,
  ...onlineShape,
  ...distillShape,
  ...policyShape,
  ...ppoShape,
  replay: replaySchema.prefault({}).describe('what is read again beside the pairs, against forgetting'),
  ledger: z
    .boolean()
    .default(false)
    .describe('compare each round with further fine-tuning that takes as many operations: about twice the time'),
  tolerance: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe('fall of held-out reward that must be ruled out (95 % interval) before a better mean is promoted'),
  gate: gateSchema.prefault({}).describe('how much of what a round has learnt is promoted, and what that may cost'),
  alarms: alarmsSchema.prefault({}).describe('when alignment stops by itself, because the policy falls apart'),
  lora: alignLoraSchema
    .optional()
    .describe('train low-rank adapters beside the frozen weights, new ones or those that the policy has'),
  train: alignTrainSchema.prefault({}).describe('trainer'),
});
export const alignSchema = knobs.superRefine((written, context) => {
  checkPreference(written, context);
  checkPolicy(written, context);
  checkOnline(written, context);
  checkPpo(written, context);
});
/** As written: what follows from what is tuned is not there yet. */
export type WrittenAlignConfig = z.output<typeof alignSchema>;
export type AlignConfig = Omit<WrittenAlignConfig, 'train' | 'samplesPerPrompt'> & {
  samplesPerPrompt: number;
  train: Omit<TrainConfig, 'evaluateEvery' | 'sampleEvery' | 'patience' | 'bestBy'>;
};

/** Answers sampled for each prompt, where nobody says how many: a pair, or enough to compare. */
export function resolvedSamples({ method, samplesPerPrompt }: Pick<WrittenAlignConfig, 'method' | 'samplesPerPrompt'>) {
  return samplesPerPrompt ?? (method === 'online-dpo' ? 2 : 6);
}
