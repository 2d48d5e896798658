// The knobs of teaching tools: how many rows, when the student is to call and when it answers by itself, and the trainer's.
import { z } from 'zod';
import { optionalRows, startPath } from './paths.js';
import { copyingSchema } from './sft.js';
import { type TrainConfig, tunedTrainSchema } from './train.js';

/** Tools with exercises. */
export const taughtTools = ['Calculate', 'Solve', 'Define', 'Search', 'Query', 'Now', 'World'] as const;
export type TaughtTool = (typeof taughtTools)[number];

const rate = z.number().min(0).max(1);

export const toolUseSchema = z
  .strictObject({
    from: startPath('chat model'),
    tools: z
      .array(z.enum(taughtTools))
      .min(1)
      .default([...taughtTools])
      .describe(`what is taught: some of ${taughtTools.join(', ')}`),
    search: z
      .enum(['notes', 'poems'])
      .default('notes')
      .describe("what Search is taught on: made-up notes of a person, or the poems of the run's corpus"),
    tasks: optionalRows(
      'questions with checks that the student may answer without a tool; default: those that self-instruct keeps for alignment',
    ),
    count: z.int().min(10).max(1_000_000).default(12_000).describe('conversations to make for training'),
    heldOut: z.int().min(2).max(100_000).default(600).describe('conversations of other wordings, words and numbers'),
    noCallShare: rate.min(0.25).max(0.9).default(0.35).describe('share of the conversations where no call is right'),
    retryShare: rate
      .max(0.5)
      .default(0)
      .describe(
        'share of what is learnt that begins with a call that fails for what it says (a misspelt word or place, half an expression): what the tool says of it, then the right call; the failing one is not learnt',
      ),
    samples: z.int().min(2).max(64).default(4).describe('answers of the student to each question, without tools'),
    temperature: z.number().min(0.01).max(10).default(0.7).describe('sampling temperature of those answers'),
    maxNewTokens: z.int().min(1).max(65536).default(40).describe('longest of those answers, in tokens'),
    callBelow: rate.default(0.3).describe('share of right answers below which a call is taught'),
    directAbove: rate.default(0.9).describe("share above which the student's own answer is; between them nothing is"),
    instructionWeight: z
      .number()
      .min(0)
      .max(1000)
      .default(0.5)
      .describe('how often a conversation of fine-tuning is read again in an epoch, so that it is kept'),
    copying: copyingSchema,
    listSteps: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe(
        'steps that learn nothing but whether the tool that a question needs is on the list, after those of copying: small models need some hundreds',
      ),
    textShare: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.1)
      .describe('share of the rows that stay plain text of pretraining, against forgetting it'),
    train: tunedTrainSchema.omit({ shard: true }).prefault({}).describe('trainer'),
  })
  .refine(({ callBelow, directAbove }) => callBelow <= directAbove, {
    message: 'must not be above directAbove: a question would be both',
    path: ['callBelow'],
  });
/** As written: what follows from what is tuned is not there yet. */
export type WrittenToolUseConfig = z.output<typeof toolUseSchema>;
export type ToolUseConfig = Omit<WrittenToolUseConfig, 'train'> & { train: TrainConfig };
