// From what a person typed to one resolved configuration: defaults ← YAML file ← --set and the named flags.
import { readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelShape } from '../architecture/config.js';
import { continuedShape } from '../architecture/continued.js';
import { resolvedTraining } from '../architecture/dial.js';
import { ifAbsent, nearest, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { type Flags, flagOverrides, type Override } from '../base/overrides.js';
import { valueAt } from '../base/schema.js';
import { loadYaml, parseYaml, type WhereIs } from '../base/yaml.js';
import { readModel } from '../checkpoint/directory.js';
import { withCheckpoint } from '../checkpoint/reading.js';
import { unreadBy } from '../config/method-keys.js';
import type { ModelConfig } from '../config/model.js';
import { type PipelineConfig, pipelineSchema, type WrittenPipeline } from '../config/pipeline.js';

const packagedFolder = fileURLToPath(new URL('../../pipelines/', import.meta.url));

export interface PipelineRequest {
  /**
   * A path, the bare name of a packaged pipeline (`smoke`), or what a file would say. Without it, the configuration is all
   * defaults.
   */
  config?: string | object;
  /** From --size: takes the place of all that the file says of the model's shape, and of what follows from its size. */
  size?: string;
  /** `a.b=c` from --set. */
  set?: readonly string[];
  /** Named flags: dotted key → value, for example `{ seed: '7' }`, which an error shows as `--seed 7`. */
  flags?: Flags;
  /** Blocks (dotted keys) that must be there, with their defaults, even where the file has none. */
  blocks?: readonly string[];
  /** Hears of what is read, but should be written otherwise. */
  warn?: (text: string) => void;
  /** Hears where each key was set, by a flag or in a file; not of a `config` that is no file. */
  locate?: (whereIs: WhereIs) => void;
}

/** @throws UserError with every fault of the file, of --set and of the flags at once. */
export async function loadPipeline(request: PipelineRequest): Promise<PipelineConfig> {
  const unread: string[] = [];
  const overrides = [...methodOverrides(request, unread), ...overridesOf(request)];
  const { config, warn } = request;
  const listener = { warn, ...(typeof config !== 'object' && { locate: request.locate }) };
  const given =
    config === undefined
      ? { path: 'the command line', text: '' }
      : { path: 'the pipeline', text: JSON.stringify(config) };
  const written =
    typeof config === 'string'
      ? await loadYaml(await findPipeline(config), pipelineSchema, overrides, listener)
      : parseYaml(given, pipelineSchema, overrides, listener); // JSON is YAML
  const kept = shapeKept(written, request);
  if (kept !== undefined) warn?.(kept);
  if (unread.length > 0) {
    warn?.(`align.${unread.join(', align.')} of the file: not read by ${written.align?.method}, and set aside`);
  }
  const from = written.pretrain?.from;
  return resolved(written, from === undefined ? undefined : await readShape(from));
}

/** Undefined where it cannot be read: a stage that needs the checkpoint says why, and the others do not need it. */
async function readShape(from: string): Promise<ModelConfig | undefined> {
  return withCheckpoint(from, readModel).then(
    ({ model }) => model,
    () => undefined,
  );
}

/** With what follows from the size of the model, for the vocabulary that is asked for; `parent` is that of `pretrain.from`. */
export function resolved(config: WrittenPipeline, parent?: ModelConfig): PipelineConfig {
  const { pretrain, ...others } = config;
  if (pretrain === undefined) return withTurns(others, config.sft?.contextLength);
  const { vocabSize } = config.tokenizer ?? pipelineSchema.shape.tokenizer.unwrap().parse({});
  const model = parent === undefined ? modelShape(pretrain.model, vocabSize) : continuedShape(pretrain.model, parent);
  const context = config.sft?.contextLength ?? model.max_position_embeddings;
  const train = resolvedTraining(model, pretrain.train, pretrain.from !== undefined);
  return withTurns({ ...config, pretrain: { ...pretrain, train } }, context);
}

/** Conversations as long as fine-tuning takes them; `context` in tokens. */
function withTurns(config: PipelineConfig, context: number | undefined): PipelineConfig {
  const { selfInstruct } = config;
  if (selfInstruct === undefined || context === undefined) return config;
  return {
    ...config,
    selfInstruct: { ...selfInstruct, turns: { maxTokens: Math.max(16, context), ...selfInstruct.turns } },
  };
}

const shapeKeys = ['hiddenSize', 'layers', 'heads', 'keyValueHeads', 'headDim', 'intermediateSize'] as const;

/** Of `--set pretrain.model.size=…` beside a file that says a part of the shape itself, which then stays. */
function shapeKept({ pretrain }: WrittenPipeline, { set = [] }: PipelineRequest): string | undefined {
  const isSet = (key: string): boolean => set.some((each) => each.trimStart().startsWith(`pretrain.model.${key}=`));
  const kept = shapeKeys.filter((key) => pretrain?.model[key] !== undefined && !isSet(key));
  if (!isSet('size') || kept.length === 0) return undefined;
  const values = kept.map((key) => `${key} ${pretrain?.model[key]}`).join(', ');
  const undone = kept.map((key) => `--set pretrain.model.${key}=null`).join(' ');
  return `pretrain.model.size gives the rest of the shape only: ${values} of the file stay${kept.length === 1 ? 's' : ''}. To have the shape of the size alone: ${undone}`;
}

/** What the dial decides on, besides `model.size` itself. */
const underDial = [
  ...[...shapeKeys, 'initialHeads'].map((key) => `model.${key}`),
  ...['steps', 'tokens', 'epochs', 'batchSize', 'accumulation', 'learningRate', 'weightDecay'].map(
    (key) => `train.${key}`,
  ),
];

/**
 * Of `--set align.method=…` beside a file that is for another method: what the file says of the knobs that this one does not
 * read gives way, and `unread` hears of it.
 */
function methodOverrides({ set = [] }: PipelineRequest, unread: string[]): Override[] {
  const typed = set.findLast((each) => /^\s*align\.method\s*=/.test(each));
  if (typed === undefined) return [];
  const method = typed.slice(typed.indexOf('=') + 1).trim();
  return unreadBy(method).map(({ key, isUnread }) => ({
    assignment: `align.${key}=null`,
    typed: `--set ${typed}`,
    ...(isUnread && { onlyWhere: (value) => isUnread(alignOf(value)) }),
    removed: () => unread.push(key),
  }));
}

function alignOf(value: unknown): Readonly<Record<string, unknown>> {
  const align = valueAt(value, ['align']);
  return typeof align === 'object' && align !== null ? { ...align } : {};
}

function overridesOf({ size, set = [], flags = {}, blocks = [] }: PipelineRequest): Override[] {
  const dial = size === undefined ? [] : [...underDial.map((key) => `${key}=null`), `model.size=${size}`];
  return [
    ...blocks.map((block) => ({
      assignment: `${block}={}`,
      typed: `the ${block} block (no --config gives one)`,
      ifAbsent: true,
    })),
    ...dial.map((assignment) => ({ assignment: `pretrain.${assignment}`, typed: `--size ${size}` })),
    ...set.map((assignment) => ({ assignment, typed: `--set ${assignment}` })),
    ...flagOverrides(flags),
  ];
}

/** The names that `mossctl run NAME` knows without a file. */
export async function packagedPipelines(): Promise<string[]> {
  const files = await readdir(packagedFolder).catch(ifAbsent<string[]>([]));
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

async function findPipeline(config: string): Promise<string> {
  const bare = /^[\p{L}\p{N}_-]+$/u.test(config);
  const path = bare ? join(packagedFolder, `${config}.yaml`) : config;
  if (await exists(path)) return path;
  const names = await packagedPipelines();
  const near = nearest(bare ? config : parse(config).name, names);
  throw new UserError({
    what: bare ? `there is no packaged pipeline called ${config}` : 'there is no such pipeline file',
    where: bare ? undefined : config,
    why: `the packaged ones are: ${names.join(', ')}`,
    next: near === undefined ? 'Give one of these names, or the path of a YAML file' : `Did you mean "${near}"?`,
  });
}
