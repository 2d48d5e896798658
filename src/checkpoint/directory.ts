// A checkpoint: one self-contained folder, the same for every stage, that Hugging Face tools open too.
// What it holds and how it is opened; save.ts writes it.
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import type { HostTensor } from '../base/host-tensor.js';
import type { ModelConfig } from '../config/model.js';
import { resolveCheckpoint } from './history.js';
import {
  damagedFile,
  type Manifest,
  type ManifestFields,
  manifestName,
  parseJson,
  readManifest,
  readSmallFile,
  verifyFiles,
} from './manifest.js';
import { checkVocabulary, parseGenerationConfig, parseModelConfig } from './model-config.js';
import { readSafetensors } from './safetensors.js';

export const configName = 'config.json';
export const generationConfigName = 'generation_config.json';
export const weightsName = 'model.safetensors';
export const optimizerName = 'training/optimizer.safetensors';
export const stateName = 'training/state.json';
export const embeddingName = 'model.embed_tokens.weight';
const maxTextBytes = 256 << 20;

/** What only resuming needs: optimizer moments, and any JSON (data cursor, random states). */
export interface TrainingState {
  tensors: readonly HostTensor[];
  state: unknown;
}

export interface CheckpointContent {
  model: ModelConfig;
  /** Ends generation: end of text for a base model, end of turn after fine-tuning. */
  eosTokenId: number;
  /** File name → text: tokenizer.json, tokenizer_config.json, … */
  tokenizerFiles: Record<string, string>;
  /** Under their Hugging Face names. */
  weights: readonly HostTensor[];
  training?: TrainingState;
  manifest: ManifestFields;
}

export interface Checkpoint {
  /** The step directory itself, links followed. */
  path: string;
  digest: string;
  manifest: Manifest;
  model: ModelConfig;
  eosTokenId: number;
  tokenizerFiles: Record<string, string>;
  weights: Map<string, HostTensor>;
  /** Only where it was asked for. */
  training?: { tensors: Map<string, HostTensor>; state: unknown };
}

/**
 * Opens a checkpoint: a step directory, a stage directory, a run directory, or its `latest`.
 * `verify` compares the sha256 of every file to be read; `training` also reads what only resuming needs.
 * @throws UserError where it is not a checkpoint or a file is missing, truncated or changed.
 */
export async function openCheckpoint(
  path: string,
  { verify = true, training = false }: { verify?: boolean; training?: boolean } = {},
): Promise<Checkpoint> {
  const directory = await resolveCheckpoint(path);
  const { manifest, digest } = await readManifest(directory);
  if (verify) await verifyFiles(directory, manifest, training);
  const text = async (name: string) => (await readSmallFile(join(directory, name), maxTextBytes)).toString('utf8');
  const model = parseModelConfig(await text(configName), join(directory, configName));
  const weights = await readTensors(directory, weightsName);
  checkVocabulary(model, weights.get(embeddingName)?.shape[0], join(directory, weightsName));
  const tokenizerFiles: Record<string, string> = {};
  for (const name of Object.keys(manifest.files)) if (isTokenizerFile(name)) tokenizerFiles[name] = await text(name);
  const eosTokenId = parseGenerationConfig(await text(generationConfigName), join(directory, generationConfigName));
  const opened = { path: directory, digest, manifest, model, eosTokenId, tokenizerFiles, weights };
  if (!training) return opened;
  if (manifest.files[stateName] === undefined) {
    throw new UserError({
      what: 'this checkpoint cannot be resumed',
      where: directory,
      why: 'it was saved without its training state',
      next: 'Start a new stage from it with --from',
    });
  }
  const tensors = await readTensors(directory, optimizerName);
  return { ...opened, training: { tensors, state: parseJson(await text(stateName), join(directory, stateName)) } };
}

/** Whatever lies beside config and weights, and is not ours. */
export function isTokenizerFile(name: string): boolean {
  return ![configName, generationConfigName, weightsName, manifestName].includes(name) && !name.includes('/');
}

/** Hashing has already proved the bytes; without it, a damaged file is named by its own checks. */
async function readTensors(directory: string, name: string): Promise<Map<string, HostTensor>> {
  const path = join(directory, name);
  if (!(await exists(path))) throw damagedFile(path, 'the file is missing');
  return readSafetensors(path);
}
