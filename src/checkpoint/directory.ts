// A checkpoint: one self-contained folder, the same for every stage, that Hugging Face tools open too.
// What it holds and how it is opened; save.ts writes it.
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';
import { configName, generationConfigName, manifestName, optimizerName, stateName } from '../base/layout.js';
import type { ModelConfig } from '../config/model.js';
import { describeForeign, identifyForeign, isForeign, openForeign } from './hf.js';
import {
  checkDigest,
  type Manifest,
  type ManifestFields,
  parseJson,
  readManifest,
  readSmallText,
  verifyFiles,
} from './manifest.js';
import {
  checkTokenIds,
  checkVocabulary,
  embeddingName,
  type GenerationConfig,
  parseGenerationConfig,
  parseModelConfig,
} from './model-config.js';
import { withCheckpoint } from './reading.js';
import { readSafetensors } from './safetensors.js';
import { isWeightsFile, readWeights } from './weights.js';

const maxTextBytes = 256 << 20;

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
  eosTokenIds: readonly number[];
  /** What generation_config.json says besides: of sampling, mostly. */
  generationConfig?: GenerationConfig;
  tokenizerFiles: Record<string, string>;
  weights: Map<string, HostTensor>;
  /** What a person should know of how a third-party model is read: names that were changed, ids that are not used. */
  notes?: readonly string[];
  /** Only where it was asked for. */
  training?: { tensors: Map<string, HostTensor>; state: unknown };
}

/** Which checkpoint a path means, without its weights: our own by its mossctl.json, a third-party one by its files. */
export async function identifyCheckpoint(path: string): Promise<{ path: string; manifest: Manifest; digest: string }> {
  return withCheckpoint(path, async (directory) => {
    const identity = (await isForeign(directory)) ? await identifyForeign(directory) : await readManifest(directory);
    return { path: directory, ...identity };
  });
}

/**
 * The architecture, the tokens that end an answer, and what a person should know of them.
 * @throws UserError where one of the files is missing or broken.
 */
export async function readModel(directory: string): Promise<Pick<Checkpoint, 'model' | 'eosTokenIds' | 'notes'>> {
  if (await isForeign(directory)) {
    const { model, tokens, notes } = await describeForeign(directory);
    return { model, eosTokenIds: tokens.eosTokenIds, notes };
  }
  return readOwnModel(directory);
}

async function readOwnModel(directory: string) {
  const [config, generation] = [configName, generationConfigName].map((name) => join(directory, name));
  const model = parseModelConfig(await readSmallText(config, maxTextBytes), config);
  const generated = parseGenerationConfig(await readSmallText(generation, maxTextBytes), generation);
  checkTokenIds(model, generated.eosTokenIds, directory);
  return { model, ...generated };
}

/**
 * Opens a checkpoint: a step directory, a stage directory, a run directory, its `latest`, or a third-party model directory.
 * `verify` compares the sha256 of every file to be read; `training` also reads what only resuming needs.
 * @throws UserError where it is not a checkpoint or a file is missing, truncated or changed.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  return withCheckpoint(path, (directory) => openDirectory(directory, options));
}

interface OpenOptions {
  verify?: boolean;
  training?: boolean;
}

async function openDirectory(directory: string, { verify = true, training = false }: OpenOptions): Promise<Checkpoint> {
  if (await isForeign(directory)) {
    if (training) throw notResumable(directory);
    return openForeign(directory);
  }
  const identity = await readManifest(directory);
  if (!verify) return openOwn({ directory, ...identity }, { training, check: () => undefined });
  const { manifest } = identity;
  const isWanted = (name: string): boolean => training || !name.startsWith('training/');
  try {
    // Tensors are verified as they are read: a file is read once.
    await verifyFiles(directory, manifest, (name) => isWanted(name) && !name.endsWith('.safetensors'));
    const check = (name: string, sha256: string): void => checkDigest(directory, manifest, name, sha256);
    return await openOwn({ directory, ...identity }, { training, check });
  } catch (error) {
    if (error instanceof UserError) await verifyFiles(directory, manifest, isWanted); // to name all that is damaged
    throw error;
  }
}

async function openOwn(
  { directory, manifest, digest }: { directory: string; manifest: Manifest; digest: string },
  { training, check }: { training: boolean; check: (name: string, sha256: string) => void },
): Promise<Checkpoint> {
  const text = (name: string) => readSmallText(join(directory, name), maxTextBytes);
  const config = await readOwnModel(directory);
  const weights = await readWeights(directory, check);
  checkVocabulary(config.model, weights.get(embeddingName)?.shape[0], directory);
  const tokenizerFiles: Record<string, string> = {};
  for (const name of Object.keys(manifest.files)) if (isTokenizerFile(name)) tokenizerFiles[name] = await text(name);
  const opened = { path: directory, digest, manifest, ...config, tokenizerFiles, weights };
  if (!training) return opened;
  if (manifest.files[stateName] === undefined) throw notResumable(directory);
  const onDigest = (sha256: string): void => check(optimizerName, sha256);
  const tensors = await readSafetensors(join(directory, optimizerName), { onDigest });
  return { ...opened, training: { tensors, state: parseJson(await text(stateName), join(directory, stateName)) } };
}

function notResumable(directory: string): UserError {
  return new UserError({
    what: 'this checkpoint cannot be resumed',
    where: directory,
    why: 'it was saved without its training state',
    next: 'Start a new stage from it with --from',
  });
}

/** Whatever lies beside config and weights, and is not ours. */
export function isTokenizerFile(name: string): boolean {
  const ours = [configName, generationConfigName, manifestName];
  return !ours.includes(name) && !isWeightsFile(name) && !name.includes('/');
}
