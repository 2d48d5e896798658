// The knobs of fine-tuning: which conversations, how long a row is, what else is read, and the trainer's.
import { z } from 'zod';
import { loraSchema } from './lora.js';
import { optionalRows, rows, startPath, weighedSources } from './paths.js';
import { templateNames } from './templates.js';
import { type TrainConfig, tunedTrainSchema } from './train.js';

/** What of a conversation is learnt. */
export const lossChoices = ['assistant', 'all', 'last'] as const;
export type LossChoice = (typeof lossChoices)[number];

/** Of rows: recognised by their fields, unless one is named. */
export const rowFormats = ['messages', 'sharegpt', 'alpaca', 'prompt-completion', 'moss'] as const;
export type RowFormat = (typeof rowFormats)[number];

/** Tokens of a row where nothing is said: published models take 32,000 to 131,072, and a batch of those fills any memory. */
export const defaultColumns = 2048;

/** A model that has read little text cannot copy what it is told: this teaches it. */
export const copyingSchema = z
  .strictObject({
    steps: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe(
        'steps that learn nothing but copying, before all others: a small model that read little text needs some hundreds before it can copy what a question or a result says',
      ),
    share: z.number().min(0).max(0.9).default(0).describe('share of the rows after them that are copying'),
  })
  .prefault({})
  .describe('saying random pieces of the vocabulary after somebody');

const conversations = rows('conversations (rows of JSONL, Parquet, …), or hf:ORG/NAME[:PATH], a data set of a hub');
export const sftSchema = z
  .strictObject({
    from: startPath('base model'),
    data: weighedSources(
      conversations,
      'how often a conversation is read in one epoch: 2 = twice, 0.5 = every second one',
    )
      .optional()
      .describe(
        'conversations: rows (a file, a folder, a pattern, hf:ORG/NAME), or a list of those or of {path, weight}; default: what self-instruct made',
      ),
    format: z
      .enum(rowFormats)
      .optional()
      .describe('how rows of `data` say a conversation; default: recognised by the fields that each row has'),
    evalData: optionalRows(
      'conversations to measure with while training; default: those that self-instruct kept apart',
    ),
    validation: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.05)
      .describe(
        'share of the conversations that is held out to measure with, where there are no others for that (1000 at most, by hash)',
      ),
    contextLength: z
      .int()
      .min(8)
      .max(1048576)
      .optional()
      .describe("tokens per packed row; default: the model's context, 2048 at most"),
    loss: z
      .enum(lossChoices)
      .default('assistant')
      .describe(
        "what is learnt: assistant = every answer, its end included; last = the last answer alone; all = the person's turns and system messages too, as many tools do by default",
      ),
    textShare: z
      .number()
      .min(0)
      .max(0.9)
      .default(0)
      .describe('share of the rows that stay plain text of pretraining, against forgetting it'),
    copying: copyingSchema,
    first: z
      .strictObject({
        data: weighedSources(conversations, 'read as often as the others').describe('conversations'),
        steps: z.int().min(1).max(1_000_000).describe('steps that learn nothing else, after those of copying'),
      })
      .optional()
      .describe(
        'conversations that are learnt alone, before the others: a small model learns one thing soon that it learns late among many',
      ),
    keepTokens: z
      .array(z.string().min(1).max(256))
      .max(1000)
      .optional()
      .describe('special tokens that answers write: where a row spells one in an answer, it is that token, not text'),
    template: z
      .enum(templateNames)
      .optional()
      .describe(
        "how conversations are written, in place of the model's own template; default for a base model of ours: chatml, with JSON schemas of tools (chatml-schema) where rows are longer than 1024 tokens",
      ),
    neftune: z
      .number()
      .min(0)
      .max(1000)
      .default(0)
      .describe(
        'α of noise on the embeddings in training, so that answers are learnt less by heart (NEFTune): 5; 0 = none',
      ),
    lora: loraSchema.optional().describe('train low-rank adapters beside the frozen weights, instead of all weights'),
    train: tunedTrainSchema.prefault({}).describe('trainer'),
  })
  .refine(({ lora, train }) => lora === undefined || train.shard !== 'weights', {
    message: 'only weights that are trained can be shared out, and with lora most are frozen: use moments, or no lora',
    path: ['train', 'shard'],
  });
/** As written: what follows from what is tuned is not there yet. */
export type WrittenSftConfig = z.output<typeof sftSchema>;
export type SftConfig = Omit<WrittenSftConfig, 'train'> & { train: TrainConfig };
