// adapter_config.json, PEFT's description of an adapter: which modules it changes, of which rank and scale. Read from
// anybody's file: what would change how the adapter is computed, and is not computed here, is refused by name.
import { join } from 'node:path';
import { z } from 'zod';
import type { AdapterShape } from '../architecture/adapters.js';
import { firstPatterns, modulesMatching } from '../architecture/module-patterns.js';
import { type Fault, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { shorten } from '../base/format.js';
import {
  adapterConfigName,
  adapterWeightsName,
  configName,
  manifestName,
  weightsIndexName,
  weightsName,
} from '../base/layout.js';
import { parseJsonAs } from './manifest.js';

/** The version whose fields are written and read: it opens what we write. */
const peftVersion = '0.21.2';
/** What PEFT takes where Llama, Qwen2 and Qwen3 adapters name no targets. */
const defaultTargets = ['q_proj', 'v_proj'];
const maxNames = 20_000;

export interface AdapterConfig {
  task: 'CAUSAL_LM' | 'SEQ_CLS';
  /** `base_model_name_or_path`: a folder, or a name on the Hugging Face Hub; undefined where the file names none. */
  base: { name?: string; revision?: string };
  rank: number;
  alpha: number;
  rslora: boolean;
  dropout: number;
  /** Names of modules, or a regular expression for the whole name of each; `all-linear`. */
  targets: readonly string[] | string;
  excluded: readonly string[] | string;
  rankPattern: Readonly<Record<string, number>>;
  alphaPattern: Readonly<Record<string, number>>;
  /** Only these layers, where there are any, numbered after a segment that `layersPattern` matches. */
  layers?: readonly number[];
  layersPattern: readonly string[];
  /** Weight-decomposed (Liu et al. 2024, "DoRA"). */
  dora: boolean;
  /** Modules that were trained and saved whole. */
  modulesToSave: readonly string[];
  /** Module → the tokens whose rows were trained, in the order of the rows. */
  tokenIndices: Readonly<Record<string, readonly number[]>>;
  /** Embedding and output projection of a tied model stay one. */
  tiesEmbeddings: boolean;
  /** What a person should know of how the file is read. */
  notes: string[];
}

const name = z.string().max(1000);
const names = z.array(name).max(maxNames);
const rank = z.int().min(1).max(65536);
const alpha = z.number().min(-1e6).max(1e6);
const patterns = <T extends z.ZodType>(value: T) =>
  z.record(name, value).refine((all) => Object.keys(all).length <= maxNames, `more than ${maxNames} patterns`);
const ids = z.array(z.int().min(0).max(0x7fffffff)).max(1_000_000);

const schema = z.looseObject({
  peft_type: z.string().max(100),
  task_type: z.string().max(100).nullish(),
  base_model_name_or_path: z.string().max(4096).nullish(),
  revision: z.string().max(300).nullish(),
  r: rank.nullish(),
  lora_alpha: alpha.nullish(),
  lora_dropout: z.number().min(0).max(1).nullish(),
  target_modules: z.union([names, name]).nullish(),
  exclude_modules: z.union([names, name]).nullish(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  rank_pattern: patterns(rank).nullish(),
  alpha_pattern: patterns(alpha).nullish(),
  layers_to_transform: z.union([z.int().min(0), z.array(z.int().min(0)).max(10_000)]).nullish(),
  layers_pattern: z.union([names, name]).nullish(),
  modules_to_save: names.max(1000).nullish(),
  trainable_token_indices: z.union([ids, z.record(name, ids)]).nullish(),
  ensure_weight_tying: z.boolean().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string().max(100)]).nullish(),
});
type Raw = z.output<typeof schema>;

/** Fields that say nothing of what the adapter computes, or whose other values are refused. */
const otherFields = new Set([
  ...['auto_mapping', 'inference_mode', 'peft_version', 'megatron_core', 'qalora_group_size', 'runtime_config'],
  ...['corda_config', 'eva_config', 'lora_ga_config', 'loftq_config', 'velora_config'],
]);

/** What changes the computation in a way that is not computed here, unless it has a value that stands for nothing. */
const refusedFields: Readonly<Record<string, string>> = {
  bias: 'biases are not trained here',
  fan_in_fan_out: 'its matrices are stored the other way round, as GPT-2 has them',
  lora_bias: 'B has a bias',
  layer_replication: 'layers are used several times',
  target_parameters: 'it changes parameters that are no linear layer, as mixtures of experts have',
  alora_invocation_tokens: 'it works only from certain tokens on (aLoRA)',
  use_qalora: 'it groups its inputs (QALoRA)',
  use_bdlora: 'its matrices are block-diagonal (BD-LoRA)',
  arrow_config: 'it chooses among several adapters (Arrow)',
  kasa_config: 'it has singular values between A and B (KaSA)',
  monteclora_config: 'it draws random samples (Monteclora)',
  megatron_config: 'its layers are divided among processes (Megatron)',
};

/** Initial values that stand for nothing once A and B are known. The others change the base model itself. */
const plainStarts: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal'];

/** Whether a folder holds an adapter, ours or PEFT's, and no whole model beside it. */
export async function isAdapter(directory: string): Promise<boolean> {
  const has = (name: string): Promise<boolean> => exists(join(directory, name));
  if (!(await has(adapterConfigName))) return false;
  if (await has(manifestName)) return !(await has(configName));
  return (await has(adapterWeightsName)) && !(await has(weightsName)) && !(await has(weightsIndexName));
}

/** @throws UserError naming every field that is missing, out of bounds, or says what is not computed here. */
export function parseAdapterConfig(text: string, path: string): AdapterConfig {
  const raw = parseJsonAs(schema, text, path, unreadable);
  const faults = faultsOf(raw).map((fault) => ({ where: path, next: 'Use a LoRA adapter without it', ...fault }));
  if (faults.length > 0) throw new UserError(faults);
  const listOf = <T>(value: T | readonly T[] | null | undefined): readonly T[] =>
    value === null || value === undefined ? [] : Array.isArray(value) ? value : [value as T];
  const tokens = raw.trainable_token_indices ?? {};
  const layers = listOf<number>(raw.layers_to_transform);
  const unknown = Object.keys(raw).filter(
    (field) => !Object.hasOwn(schema.shape, field) && !otherFields.has(field) && !Object.hasOwn(refusedFields, field),
  );
  return {
    task: raw.task_type === 'SEQ_CLS' ? 'SEQ_CLS' : 'CAUSAL_LM',
    base: { name: raw.base_model_name_or_path || undefined, revision: raw.revision ?? undefined },
    rank: raw.r as number,
    alpha: raw.lora_alpha as number,
    rslora: raw.use_rslora ?? false,
    dropout: raw.lora_dropout ?? 0,
    targets: raw.target_modules ?? defaultTargets,
    excluded: raw.exclude_modules ?? [],
    rankPattern: raw.rank_pattern ?? {},
    alphaPattern: raw.alpha_pattern ?? {},
    ...(layers.length > 0 && { layers }),
    layersPattern: listOf<string>(raw.layers_pattern),
    dora: raw.use_dora ?? false,
    modulesToSave: raw.modules_to_save ?? [],
    tokenIndices: Array.isArray(tokens) ? (tokens.length > 0 ? { embed_tokens: tokens } : {}) : tokens,
    tiesEmbeddings: raw.ensure_weight_tying ?? false,
    notes:
      unknown.length === 0 ? [] : [`adapter_config.json has fields that are not known here: ${shortList(unknown)}`],
  };
}

function faultsOf(raw: Raw): Fault[] {
  if (raw.peft_type.toUpperCase() !== 'LORA') {
    const what = `this is an adapter of the kind ${shorten(raw.peft_type, 100)}, and only LORA is read`;
    return [{ what, next: "Merge it with Python: peft's merge_and_unload() and then save_pretrained(…)" }];
  }
  const faults: Fault[] = [];
  for (const field of ['r', 'lora_alpha'] as const) {
    if (raw[field] !== undefined && raw[field] !== null) continue;
    const why = 'other programs would silently take 8, and the adapter would add another multiple of its product';
    faults.push({
      what: `adapter_config.json has no ${field}`,
      why,
      next: `Write the ${field} that it was trained with`,
    });
  }
  const task = raw.task_type ?? 'CAUSAL_LM';
  if (!['CAUSAL_LM', 'SEQ_CLS'].includes(task)) {
    faults.push({ what: `task_type ${shorten(task, 100)} is not supported`, why: 'only CAUSAL_LM and SEQ_CLS are' });
  }
  if (!plainStarts.includes(raw.init_lora_weights)) {
    faults.push({
      what: `init_lora_weights ${shorten(String(raw.init_lora_weights), 100)} is not supported`,
      why: 'such an adapter belongs to a base model whose weights its training has changed',
      next: 'Convert it with Python: save_pretrained(…, path_initial_model_for_weight_conversion=…) writes a plain one',
    });
  }
  for (const [field, why] of Object.entries(refusedFields)) {
    const value = raw[field];
    const isNothing = value === undefined || value === null || value === false || value === 'none';
    if (isNothing || (Array.isArray(value) && value.length === 0)) continue;
    const shown = typeof value === 'object' ? '' : ` ${shorten(String(value), 100)}`;
    faults.push({ what: `${field}${shown} is not supported`, why });
  }
  return faults;
}

export interface AdapterPlan {
  shape: AdapterShape;
  /** Rank and scale of each module that it names, in the order of the model. */
  modules: ReadonlyMap<string, { rank: number; scale: number }>;
}

/** What an adapter is to a model that has these modules. Throws as `modulesMatching`. */
export function planAdapter(config: AdapterConfig, modules: readonly string[], path: string): AdapterPlan {
  const { targets, rslora } = config;
  const targeted = targetedModules(config, modules, path);
  const [ranks, alphas] = (['rankPattern', 'alphaPattern'] as const).map((field) => {
    const keys = firstPatterns(Object.keys(config[field]), targeted, `${path} ${field}`);
    return {
      keys,
      valueOf: (i: number): number | undefined => (keys[i] === undefined ? undefined : config[field][keys[i]]),
    };
  });
  /** Only the keys that mean something for this model. */
  const used = (all: Readonly<Record<string, number>>, keys: readonly (string | undefined)[]) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key)));
  const named = typeof targets === 'string' ? [...targeted].sort() : suffixesFor(targets, targeted, modules);
  return {
    shape: {
      ...{ rank: config.rank, alpha: config.alpha, rslora, targets: named },
      rankPattern: used(config.rankPattern, ranks.keys),
      alphaPattern: used(config.alphaPattern, alphas.keys),
    },
    modules: new Map(
      targeted.map((module, i) => {
        const [rank, alpha] = [ranks.valueOf(i) ?? config.rank, alphas.valueOf(i) ?? config.alpha];
        return [module, { rank, scale: alpha / (rslora ? Math.sqrt(rank) : rank) }];
      }),
    ),
  };
}

/** The targets as they are written, without those that the model does not have, where they mean exactly these modules. */
function suffixesFor(targets: readonly string[], targeted: readonly string[], modules: readonly string[]): string[] {
  const [named, wanted] = [namedBy(targets), new Set(targeted)];
  if (!modules.every((module) => named(module) === wanted.has(module))) return [...targeted].sort();
  const used = new Set(targeted.flatMap(endsOf));
  return targets.filter((target) => used.has(target)).sort();
}

/** Whether a module's name, or its last segments, are among these: what `isTarget` says of each, for many. */
function namedBy(names: readonly string[]): (module: string) => boolean {
  const all = new Set(names);
  return (module) => endsOf(module).some((end) => all.has(end));
}

/** `a.b.c`, `b.c` and `c` of `a.b.c`. */
function endsOf(module: string): string[] {
  const segments = module.split('.');
  return segments.map((_, i) => segments.slice(i).join('.'));
}

function targetedModules(config: AdapterConfig, modules: readonly string[], path: string): string[] {
  const { targets, excluded, layers, layersPattern, modulesToSave, tiesEmbeddings } = config;
  const matching = (wanted: readonly string[] | string, field: string): Set<string> =>
    new Set(
      typeof wanted === 'string'
        ? modulesMatching(wanted, modules, `${path} ${field}`)
        : modules.filter(namedBy(wanted)),
    );
  const isAllLinear = typeof targets === 'string' && targets.toLowerCase() === 'all-linear';
  const inLayers = (module: string): boolean => /(^|\.)layers\.\d+\./.test(module);
  const wanted = isAllLinear ? new Set(modules.filter(inLayers)) : matching(targets, 'target_modules');
  const unwanted = matching(excluded, 'exclude_modules');
  const inLayer = layers === undefined ? undefined : layerFilter(layers, layersPattern, modules, path);
  const isSaved = (module: string): boolean => modulesToSave.some((saved) => `.${module}.`.includes(`.${saved}.`));
  const isTargeted = (module: string): boolean =>
    wanted.has(module) && !unwanted.has(module) && !isSaved(module) && (inLayer === undefined || inLayer(module));
  const ends = ['model.embed_tokens', 'lm_head'];
  const isWithBoth = tiesEmbeddings && ends.some(isTargeted);
  return modules.filter((module) => isTargeted(module) || (isWithBoth && ends.includes(module)));
}

/** `layers_to_transform`: the first number of a name, after a segment that one of `patterns` matches where there are any. */
function layerFilter(
  layers: readonly number[],
  patterns: readonly string[],
  modules: readonly string[],
  path: string,
): (module: string) => boolean {
  const segmentOf = (module: string): { before: string; layer: number } | undefined => {
    const [, before, number] = /^(.*?)\.(\d{1,4})\./.exec(module) ?? [];
    return before === undefined ? undefined : { before, layer: Number(number) };
  };
  const stems = [...new Set(modules.flatMap((module) => segmentOf(module)?.before ?? []))];
  const matched = firstPatterns(patterns, stems, `${path} layers_pattern`);
  const wanted = new Set(stems.filter((_, i) => patterns.length === 0 || matched[i] !== undefined));
  return (module) => {
    const found = segmentOf(module);
    return found !== undefined && wanted.has(found.before) && layers.includes(found.layer);
  };
}

/** The text of adapter_config.json, with every field that PEFT would otherwise guess. */
export function adapterConfigText(
  { rank, alpha, rslora, targets, rankPattern, alphaPattern }: AdapterShape,
  {
    task,
    base,
    dropout,
    modulesToSave,
  }: Pick<AdapterConfig, 'task' | 'base' | 'dropout'> & { modulesToSave: readonly string[] },
): string {
  const fields = {
    alpha_pattern: alphaPattern,
    base_model_name_or_path: base.name ?? null,
    bias: 'none',
    ensure_weight_tying: false,
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_dropout: dropout,
    modules_to_save: modulesToSave.length === 0 ? null : modulesToSave,
    peft_type: 'LORA',
    peft_version: peftVersion,
    r: rank,
    rank_pattern: rankPattern,
    revision: base.revision ?? null,
    target_modules: targets,
    task_type: task,
    trainable_token_indices: null,
    use_dora: false,
    use_rslora: rslora,
  };
  // Not in the order of their names: of two patterns that match, the first counts.
  return `${JSON.stringify(fields, null, 2)}\n`;
}

function shortList(fields: readonly string[]): string {
  const more = fields.length > 5 ? `, … (${fields.length} in all)` : '';
  return shorten(fields.slice(0, 5).join(', '), 300) + more;
}

function unreadable(path: string, why: string): UserError {
  const { what, next } = {
    what: 'this file does not describe an adapter that can be opened',
    next: 'Fetch the adapter again, or correct the field',
  };
  return new UserError({ what, where: path, why, next });
}
