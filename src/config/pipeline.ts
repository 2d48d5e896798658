// A whole pipeline file: one block a stage, in the order they run. A block that is absent is a stage that is not run.
// Paths in a file are relative to that file.
import { z } from 'zod';
import { alignSchema } from './align.js';
import { type ComputeChoice, computeSchema, quantizations } from './compute.js';
import { endpointShape } from './endpoint.js';
import { methodsSchema } from './methods.js';
import { mixtureSchema } from './mixture.js';
import { modelSchema } from './model.js';
import { optionalPath, optionalRows, optionalTokenizer, path, rows } from './paths.js';
import { rewardModelSchema } from './reward-model.js';
import { sftSchema } from './sft.js';
import { studentSchema } from './student.js';
import { templateNames } from './templates.js';
import { toolUseSchema } from './tool-use.js';
import { toolNames } from './tools.js';
import { type TrainConfig, writtenTrainSchema } from './train.js';
import { turnsSchema } from './turns.js';

/** The kinds that are built in. */
export const taskKinds = [
  'identity',
  'chat',
  'arithmetic',
  'small-sums',
  'parity',
  'comparison',
  'dates',
  'language',
  'refusal',
  'over-refusal',
  'unanswerable',
  'translation',
  'definition',
  'poem-line',
  'last-word',
  'upper-case',
  'reverse',
  'count',
  'copying',
  'formatting',
  'rules',
  'constraints',
] as const;
export type BuiltInKind = (typeof taskKinds)[number];
/** A family of tasks: built in, or of the person's own. */
export type TaskKind = string;
export const taskKindSchema = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}_-]{0,39}$/u, 'a kind is 1 to 40 letters, digits, dashes or underscores');

const dataSchema = z.strictObject({
  spec: path('data-spec YAML: sources, licences, filters'),
  validation: z.number().min(0).max(0.5).default(0.02).describe('share of the documents held out'),
  strict: z.boolean().optional().describe('a row that cannot be read ends the build; else it is counted and skipped'),
  stdin: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'data.stdin is the sha256 of a spooled standard input')
    .optional()
    .describe('sha256 of what `from: stdin` reads, in the cache; `data build` sets it from its own standard input'),
});

const languageWeight = z.number().min(0).max(1000).default(1).describe('weight of the language');

const tokenizerSchema = z.strictObject({
  vocabSize: z
    .int()
    .min(266)
    .max(1_000_000)
    .default(4096)
    .describe('ids in all: 10 of the chat format, 256 bytes, merges'),
  trainBytes: z.int().min(1000).default(20_000_000).describe('bytes of text the merges are learnt from, at most'),
  balance: z
    .strictObject({ zh: languageWeight, en: languageWeight, other: languageWeight })
    .optional()
    .describe('count languages in these proportions of bytes, whatever their shares of the text'),
  characterCoverage: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'share of the characters beyond ASCII whose most frequent ones are whole tokens before anything else; default 0',
    ),
  spaces: z
    .enum(['early', 'last'])
    .optional()
    .describe(
      'last: a word is split the same way with and without a space before it, which makes it easy to copy; default early',
    ),
  reserved: z.int().min(0).max(4096).optional().describe('control tokens without a use yet: <|reserved_0|> and on'),
  template: z
    .enum(templateNames)
    .optional()
    .describe('how conversations are written: chatml (default), or moss, whose end markers become tokens'),
  extend: optionalTokenizer(
    'tokenizer to add tokens to, in place of training one: its tokenizer.json, or the folder, checkpoint or model that has it; vocabSize and reserved are then ignored',
  ),
  add: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('tokens that `extend` adds, at most; 0: that tokenizer as it is; default: 8192'),
});

export const pretrainSchema = z.strictObject({
  from: optionalPath(
    'checkpoint or model folder to continue training on this text, in place of a fresh model: it gives the shape, and the tokenizer unless one extends it; model.contextLength is then the tokens of a row',
  ),
  model: modelSchema.prefault({}).describe('shape of the model'),
  train: writtenTrainSchema.prefault({}).describe('trainer'),
  cooldown: z
    .strictObject({
      from: path('the checkpoint to start from'),
      steps: z.int().min(1).optional().describe('steps of the decay; default: as large a share as `train.decay`'),
    })
    .optional()
    .describe('end a training early: continue from its checkpoint, the learning rate falling to its last'),
  mixture: mixtureSchema
    .optional()
    .describe('how much is read of each language and source, and when; default: all text alike'),
});

const selfInstructSchema = z.strictObject({
  seeds: rows('seed tasks (rows of JSONL, CSV, Parquet, …)'),
  teacher: z
    .enum(['offline', 'openai', 'checkpoint'])
    .default('offline')
    .describe(
      'offline: only answers that can be computed or looked up; openai: any OpenAI-compatible endpoint; checkpoint: a chat model on this machine',
    ),
  checkpoint: optionalPath('checkpoint, run or model folder of a chat model (teacher: checkpoint)'),
  model: z.string().default('gpt-4o-mini').describe('model name at the endpoint (openai)'),
  ...endpointShape,
  kinds: z
    .union([
      z.array(taskKindSchema).min(1),
      z
        .record(taskKindSchema, z.number().gt(0).max(1000))
        .refine((shares) => Object.keys(shares).length > 0, 'name at least one kind'),
    ])
    .optional()
    .describe(
      `task families to expand; names with shares ({chat: 3, parity: 1}) say how much of each is made (of what programs hold out all have as much); default: all in the seeds. Built in: ${taskKinds.join(', ')}; openai and checkpoint: any`,
    ),
  methods: methodsSchema.optional(),
  tools: toolNames
    .optional()
    .describe(
      'what the method `tools` calls: built in, with what they read ([Calculate, Search=notes/]), or of your own folder; default: Calculate, Solve, Now',
    ),
  count: z.int().min(1).max(10_000_000).default(1000).describe('conversations to make for training'),
  prompts: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(200)
    .describe('tasks kept apart for align to sample: fine-tuning never sees their answers'),
  heldOut: z.int().min(1).max(1_000_000).default(120).describe('tasks kept apart for evaluation'),
  maxSimilarity: z.number().min(0).max(1).default(0.7).describe('ROUGE-L above which a task is not new'),
  student: studentSchema
    .optional()
    .describe('keep for training what this model answers right sometimes, neither always nor never'),
  turns: turnsSchema.prefault({}).describe('conversations of several exchanges, made of tasks of one'),
  answers: z
    .enum(['short', 'worked'])
    .default('short')
    .describe('offline: the result alone, or what decides it first (the last digit, both numbers), for small models'),
});

const evalSchema = z.strictObject({
  tasks: optionalRows('held-out tasks with checks (rows of JSONL, …); default: what self-instruct kept apart'),
  tools: toolNames
    .optional()
    .describe(
      'tools that run where tasks list them ([Calculate, Search=notes/], one of your own folder); any other is answered with the results that the row has',
    ),
  maxTasks: z.int().min(1).default(1000).describe('tasks answered per checkpoint, at most'),
  maxNewTokens: z.int().min(1).max(65536).default(48).describe('longest answer, in tokens'),
  samples: z.int().min(1).max(256).default(4).describe('answers sampled for each task; their mean is the reward'),
  temperature: z.number().min(0.01).max(10).default(1).describe('sampling temperature of those answers'),
  turns: z
    .array(z.int().min(2).max(64))
    .max(4)
    .default([2, 4])
    .describe('turns at which single tasks are asked again, after exchanges of other tasks; []: none'),
  validationTokens: z.int().min(1).default(20_000).describe('held-out tokens per language for bits per byte, at most'),
  quantize: z
    .enum(quantizations)
    .optional()
    .describe("measure the models with their matrices rounded to GGUF's q8_0 (native engine only)"),
});

export const pipelineSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u, 'a name is 1 to 64 letters, digits, dots, dashes or underscores')
    .default('run')
    .describe('name of the run: its folder under runs/'),
  seed: z.int().min(0).max(4294967295).default(42).describe('every random choice follows from it'),
  ...computeSchema.shape,
  data: dataSchema.optional().describe('raw text → clean documents'),
  tokenizer: tokenizerSchema.optional().describe('documents → vocabulary'),
  pretrain: pretrainSchema.optional().describe('documents → base model'),
  selfInstruct: selfInstructSchema.optional().describe('seed tasks → conversations'),
  sft: sftSchema.optional().describe('base model + conversations → chat model'),
  toolUse: toolUseSchema
    .optional()
    .describe('chat model + exercises with tools → a model that calls them where it needs them'),
  rewardModel: rewardModelSchema
    .optional()
    .describe('chat model + preferences → a model that scores answers, and a licence to steer alignment'),
  align: alignSchema.optional().describe('chat model + checkable rewards → better chat model'),
  eval: evalSchema.optional().describe('the table across base → sft → align'),
  expectedSeconds: z
    .partialRecord(
      z.enum([
        'data',
        'tokenizer',
        'tokens',
        'pretrain',
        'selfInstruct',
        'sft',
        'toolUse',
        'rewardModel',
        'align',
        'eval',
      ]),
      z.number().gt(0).max(1e9),
    )
    .optional()
    .describe('how long stages take, for the time that is left where they never ran on this machine'),
});

/** As written: what follows from the size of the model is not there yet. */
export type WrittenPipeline = z.output<typeof pipelineSchema>;
/** Resolved: every number is there (pipeline/load.ts). `tokens` has no knobs, so no block in the file either. */
export type PipelineConfig = Omit<WrittenPipeline, 'pretrain'> & { pretrain?: PretrainConfig; tokens?: null };
/** Every key of the file that is a stage's block. */
export type StageName = Exclude<keyof PipelineConfig, 'name' | 'seed' | 'expectedSeconds' | keyof ComputeChoice>;
export type DataConfig = z.output<typeof dataSchema>;
export type TokenizerConfig = z.output<typeof tokenizerSchema>;
export type PretrainConfig = Omit<z.output<typeof pretrainSchema>, 'train'> & { train: TrainConfig };
export type SelfInstructConfig = z.output<typeof selfInstructSchema>;
export type EvalConfig = z.output<typeof evalSchema>;

/** Kinds with their shares of what is learnt, relative to each other; undefined: all that the seeds have, alike. */
export function kindShares({ kinds }: Pick<SelfInstructConfig, 'kinds'>): Map<TaskKind, number> | undefined {
  if (kinds === undefined) return undefined;
  return new Map(Array.isArray(kinds) ? kinds.map((kind) => [kind, 1]) : Object.entries(kinds));
}
