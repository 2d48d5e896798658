// Whether an adapter belongs to its base: every tensor of its file has a place there and the right shape, every module that
// its configuration names has its tensors, and all of them are numbers. What is wrong is named tensor by tensor.
import { isTarget } from '../architecture/module-patterns.js';
import { decoderTable, type ParameterSpec } from '../architecture/parameters.js';
import { UserError } from '../base/errors.js';
import { formatCount, shorten } from '../base/format.js';
import type { HostTensor } from '../base/host-tensor.js';
import { isRewardModel, type ModelConfig } from '../config/model.js';
import { type AdapterConfig, type AdapterPlan, planAdapter } from './adapter-config.js';
import { type AdapterPair, type AdapterTensors, moduleOf } from './adapter-tensors.js';

export interface Adapter {
  config: AdapterConfig;
  tensors: AdapterTensors;
  /** Its folder. */
  path: string;
}

const maxNamed = 5;

type Shapes = ReadonlyMap<string, { shape: readonly number[] }>;

/**
 * @param model The base as the adapter changes it, see `adaptedModel`.
 * @param stored The base's own weights.
 * @throws UserError naming the tensors that are missing, unknown or misshapen, or hold NaN or infinity.
 */
export function checkAdapter(model: ModelConfig, stored: Shapes, adapter: Adapter): AdapterPlan {
  const { config, tensors, path } = adapter;
  // A tied model has an output projection too, as far as adapters know.
  const table = new Map(decoderTable({ ...model, tie_word_embeddings: false }).map((row) => [row.name, row]));
  const matrices = [...table.values()].filter(({ shape }) => shape.length === 2).map(({ name }) => moduleOf(name));
  const plan = planAdapter(
    { ...config, tiesEmbeddings: config.tiesEmbeddings && model.tie_word_embeddings },
    matrices,
    path,
  );
  const faults: string[] = [];
  for (const [module, pair] of tensors.pairs) faults.push(...pairFaults(module, pair, { config, plan, table }));
  for (const module of plan.modules.keys()) {
    if (!tensors.pairs.has(module)) faults.push(`${module} is a target, and the file has no tensors for it`);
  }
  for (const [name, { tensor }] of tensors.whole) faults.push(...wholeFaults(name, tensor, table));
  for (const [module, rows] of tensors.rows) faults.push(...rowFaults(module, rows, adapter, model));
  faults.push(...baseFaults(model, stored, adapter, table));
  faults.push(...missingWholes(model, stored, adapter, table));
  if (faults.length > 0) {
    throw new UserError({
      what: 'this adapter does not belong to this base model',
      where: path,
      why: `${faults.slice(0, maxNamed).join('; ')}${faults.length > maxNamed ? `; and ${formatCount(faults.length - maxNamed)} more` : ''}`,
      next: 'Name the model that it was trained on with --base',
    });
  }
  refuseNotFinite(adapter);
  return plan;
}

type Table = ReadonlyMap<string, ParameterSpec>;

function pairFaults(
  module: string,
  { a, b, magnitude, isEmbedding }: AdapterPair,
  { config, plan, table }: { config: Adapter['config']; plan: AdapterPlan; table: Table },
): string[] {
  const row = table.get(`${module}.weight`);
  const shown = shorten(module, 120);
  if (row === undefined) return [`${shown} has an adapter in the file, and the model has no such module`];
  if (row.shape.length !== 2) return [`${shown} has an adapter in the file, and is no matrix`];
  const size = plan.modules.get(module);
  if (size === undefined) return [`${shown} has an adapter in the file, and adapter_config.json does not name it`];
  const isTokens = row.part === 'embedding';
  if (isEmbedding !== isTokens)
    return [`${shown} has ${isEmbedding ? 'an adapter for embeddings' : 'an adapter for a linear layer'}, and is none`];
  if (a === undefined || b === undefined) {
    const [present, absent] = a === undefined ? ['B', 'A'] : ['A', 'B'];
    return [`${shown} has ${present} and no ${absent}`];
  }
  const [out, input] = isTokens ? [row.shape[1], row.shape[0]] : row.shape;
  const faults = [misshapen(a, [size.rank, input]), misshapen(b, [out, size.rank])];
  if (config.dora && isTokens) faults.push(`${shown} has DoRA on an embedding, which is not merged here`);
  else if (config.dora && magnitude === undefined)
    faults.push(`${shown} has no lora_magnitude_vector, and use_dora is true`);
  else if (!config.dora && magnitude !== undefined)
    faults.push(`${shown} has a lora_magnitude_vector, and use_dora is not true`);
  if (magnitude !== undefined) faults.push(misshapen(magnitude, [out]));
  return faults.filter((fault) => fault !== undefined);
}

function wholeFaults(name: string, tensor: HostTensor, table: Table): string[] {
  const row = table.get(name);
  if (row === undefined) return [`${shorten(name, 120)} is unknown`];
  const fault = misshapen(tensor, row.shape);
  return fault === undefined ? [] : [fault];
}

function rowFaults(module: string, rows: HostTensor, { config }: Adapter, model: ModelConfig): string[] {
  const tokens = tokensFor(module, config.tokenIndices, model);
  const shown = shorten(rows.name, 120);
  if (tokens === undefined) return [`${shown} has rows of tokens, and trainable_token_indices does not say of which`];
  const beyond = tokens.find((token) => token >= model.vocab_size);
  if (beyond !== undefined) {
    return [`${shown} has a row for token ${beyond}, and the model ${formatCount(model.vocab_size)} tokens`];
  }
  const fault = misshapen(rows, [tokens.length, model.hidden_size]);
  return fault === undefined ? [] : [fault];
}

/** The tokens whose rows a module's tensor holds: in a tied model the head's are those of the embedding. */
export function tokensFor(
  module: string,
  indices: Adapter['config']['tokenIndices'],
  { tie_word_embeddings: isTied }: ModelConfig,
): readonly number[] | undefined {
  const named = (wanted: string): readonly number[] | undefined =>
    Object.entries(indices).find(([name]) => isTarget(name, wanted))?.[1];
  if (module !== 'model.embed_tokens' && module !== 'lm_head') return undefined;
  return named(module) ?? (isTied ? named('model.embed_tokens') : undefined);
}

/** What the adapter changes must be in the base, and as large; with other tokens, both ends must come from the adapter. */
function baseFaults(model: ModelConfig, stored: Shapes, { tensors }: Adapter, table: Table): string[] {
  return [...tensors.pairs.keys(), ...tensors.rows.keys(), 'model.embed_tokens', 'lm_head'].flatMap((module) => {
    const name = `${module}.weight`;
    const row = table.get(name);
    const isShared = name === 'lm_head.weight' && model.tie_word_embeddings;
    if (row === undefined || isShared || tensors.whole.has(name)) return [];
    const base = stored.get(name);
    if (base === undefined) return [`${name} of the base is missing`];
    if (base.shape.join() === row.shape.join()) return [];
    return [`${name} of the base is [${base.shape.join(', ')}], and [${row.shape.join(', ')}] goes with the adapter`];
  });
}

/** What the configuration asks for and the file does not have. */
function missingWholes(model: ModelConfig, stored: Shapes, { config, tensors }: Adapter, table: Table): string[] {
  const faults: string[] = [];
  const wholes = [...tensors.whole.keys()].map(moduleOf);
  for (const saved of config.modulesToSave) {
    const isOurs = [...table.keys()].some((name) => `.${moduleOf(name)}.`.includes(`.${saved}.`));
    const isThere = wholes.some((module) => `.${module}.`.includes(`.${saved}.`));
    if (isOurs && !isThere)
      faults.push(`modules_to_save names ${shorten(saved, 120)}, and the file has no tensor of it`);
  }
  for (const name of Object.keys(config.tokenIndices)) {
    if (![...tensors.rows.keys()].some((module) => isTarget(name, module)))
      faults.push(`trainable_token_indices names ${shorten(name, 120)}, and the file has no rows for it`);
  }
  if (isRewardModel(model) && !tensors.whole.has('score.weight') && !stored.has('score.weight')) {
    faults.push('task_type is SEQ_CLS, and neither the adapter nor its base has a score.weight');
  }
  return faults;
}

function misshapen({ name, shape }: HostTensor, expected: readonly number[]): string | undefined {
  if (shape.join() === expected.join()) return undefined;
  return `${shorten(name, 120)} is [${shape.join(', ')}], and the base asks for [${expected.join(', ')}]`;
}

function refuseNotFinite({ tensors, path }: Adapter): void {
  const all = [
    ...[...tensors.pairs.values()].flatMap(({ a, b, magnitude }) => [a, b, magnitude]),
    ...[...tensors.whole.values()].map(({ tensor }) => tensor),
    ...tensors.rows.values(),
  ].filter((tensor) => tensor !== undefined);
  const wrong = all.filter(({ data }) => !data.every(Number.isFinite)).map(({ name }) => shorten(name, 120));
  if (wrong.length === 0) return;
  throw new UserError({
    what: `${wrong.slice(0, maxNamed).join(', ')} of this adapter ${wrong.length === 1 ? 'holds' : 'hold'} NaN or infinity`,
    where: path,
    why: `${formatCount(wrong.length)} of ${formatCount(all.length)} tensors do; merged, the model would compute nothing else`,
    next: 'Use an earlier checkpoint of the training that made it',
  });
}
