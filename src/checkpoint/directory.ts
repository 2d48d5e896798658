// A checkpoint: one self-contained folder, the same for every stage, that Hugging Face tools open too.
// What it holds and how it is opened; save.ts writes it.
import { UserError } from '../base/errors.js';
import { sha256File } from '../base/files.js';
import type { HostTensor } from '../base/host-tensor.js';
import type { ModelConfig } from '../config/model.js';
import {
  type AdapterContent,
  type AdapterOptions,
  describeAdapter,
  identifyAdapter,
  openAdapter,
  type SeparateAdapter,
} from './adapter.js';
import { isAdapter } from './adapter-config.js';
import { describeForeign, identifyForeign, isForeign, openForeign } from './hf.js';
import { type Manifest, type ManifestFields, readManifest } from './manifest.js';
import type { GenerationConfig } from './model-config.js';
import { notResumable, type OwnOptions, openOwn, readOwnModel } from './own.js';
import { withCheckpoint } from './reading.js';

/** What only resuming needs: optimizer moments, and any JSON (data cursor, random states). */
export interface TrainingState {
  tensors: readonly HostTensor[];
  state: unknown;
}

export interface CheckpointContent {
  model: ModelConfig;
  /** End generation, the most frequent one first: end of text for a base model, end of turn after fine-tuning. */
  eosTokenIds: readonly number[];
  /** Of generation_config.json, without those ids. */
  generationConfig?: GenerationConfig;
  /** File name → text: tokenizer.json, tokenizer_config.json, … */
  tokenizerFiles: Record<string, string>;
  /** Under their Hugging Face names; where only an adapter was trained, its matrices and what was trained whole beside it. */
  weights: readonly HostTensor[];
  /** Given, the folder becomes an adapter's, which PEFT opens too: without config.json and the weights of its base. */
  adapter?: AdapterContent;
  training?: TrainingState;
  manifest: ManifestFields;
}

export interface Checkpoint {
  /** The step directory itself, links followed. */
  path: string;
  /** Where its tokenizer lies: `path`, or the base of an adapter that has none of its own. */
  tokenizerFolder: string;
  digest: string;
  manifest: Manifest;
  model: ModelConfig;
  eosTokenIds: readonly number[];
  /** What generation_config.json says besides: of sampling, mostly. */
  generationConfig?: GenerationConfig;
  tokenizerFiles: Record<string, string>;
  weights: Map<string, HostTensor>;
  /** What a person should know of how a third-party model is read: names that were changed, ids that are not used. */
  notes?: readonly string[];
  /** Only where it was asked for apart: `weights` are then the base's. */
  adapter?: SeparateAdapter;
  /** Only where it was asked for. */
  training?: { tensors: Map<string, HostTensor>; state: unknown };
}

/** Which checkpoint a path means, without its weights: our own by its mossctl.json, a third-party one by its files. */
export async function identifyCheckpoint(path: string): Promise<{ path: string; manifest: Manifest; digest: string }> {
  return withCheckpoint(path, async (directory) => ({ path: directory, ...(await identifyDirectory(directory)) }));
}

/** The same of a folder that is one. @param hash Of a third-party file: '' where a digest is not asked for. */
export async function identifyDirectory(
  directory: string,
  hash = sha256File,
): Promise<{ manifest: Manifest; digest: string }> {
  if (!(await isForeign(directory))) return readManifest(directory);
  const identify = (base: string) => identifyDirectory(base, hash);
  return (await isAdapter(directory))
    ? identifyAdapter(directory, { identify }, hash)
    : identifyForeign(directory, hash);
}

/** What a model is without its weights. */
export type ModelDescription = Pick<
  Checkpoint,
  'model' | 'eosTokenIds' | 'generationConfig' | 'notes' | 'tokenizerFolder' | 'tokenizerFiles'
>;

/**
 * The architecture, the tokens that end an answer, and what a person should know of them.
 * @throws UserError where one of the files is missing or broken.
 */
export async function readModel(
  directory: string,
  { base }: Pick<AdapterOptions, 'base'> = {},
): Promise<Omit<ModelDescription, 'tokenizerFiles'>> {
  if (await isAdapter(directory)) return describeAdapter(directory, { readModel, base });
  if (await isForeign(directory)) {
    const { model, tokens, notes, generationConfig } = await describeForeign(directory);
    return { model, eosTokenIds: tokens.eosTokenIds, generationConfig, notes, tokenizerFolder: directory };
  }
  return { ...(await readOwnModel(directory)), tokenizerFolder: directory };
}

/**
 * Opens a checkpoint: a step directory, a stage directory, a run directory, its `latest`, or a third-party model directory.
 * An adapter is merged into its base, unless it is asked for apart.
 * `verify` compares the sha256 of every file to be read; `training` also reads what only resuming needs.
 * @throws UserError where it is not a checkpoint or a file is missing, truncated or changed.
 */
export async function openCheckpoint(path: string, options: OwnOptions & AdapterOptions = {}): Promise<Checkpoint> {
  return withCheckpoint(path, (directory) => openDirectory(directory, options));
}

async function openDirectory(directory: string, options: OwnOptions & AdapterOptions): Promise<Checkpoint> {
  const isOwn = !(await isForeign(directory));
  if (!isOwn && options.training) throw notResumable(directory);
  if (await isAdapter(directory)) return openAdapter(directory, { ...options, isOwn }, openDirectory);
  if (options.base !== undefined) {
    const next = 'Name the folder of an adapter, or this model without a base';
    throw new UserError({ what: 'this is a whole model, not an adapter', where: directory, next });
  }
  return isOwn ? openOwn(directory, options) : openForeign(directory);
}
