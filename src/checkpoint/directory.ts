// A checkpoint: one self-contained folder, the same for every stage, that Hugging Face tools open too.
// It is built under a temporary name, fsynced and renamed, so that a crash at any instant leaves the earlier one whole.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asUserError, systemErrorCode, UserError } from '../base/errors.js';
import { exists, sha256File, syncDirectory, writeDirectoryAtomic, writeFileDurable } from '../base/files.js';
import type { HostTensor } from '../base/host-tensor.js';
import type { ModelConfig } from '../config/model.js';
import { displace, displacedPath, isStepDirectory, resolveCheckpoint } from './history.js';
import {
  canonicalJson,
  damagedFile,
  type Manifest,
  type ManifestFields,
  manifestName,
  manifestText,
  parseJson,
  readManifest,
  readSmallFile,
  verifyFiles,
} from './manifest.js';
import {
  checkVocabulary,
  generationConfigText,
  modelConfigText,
  parseGenerationConfig,
  parseModelConfig,
} from './model-config.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';

const configName = 'config.json';
const generationConfigName = 'generation_config.json';
const weightsName = 'model.safetensors';
const optimizerName = 'training/optimizer.safetensors';
const stateName = 'training/state.json';
const embeddingName = 'model.embed_tokens.weight';
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
 * Saves a checkpoint. A checkpoint of the same stage and step that is already there is replaced.
 * @returns the sha256 of its mossctl.json, which stands for all of it.
 * @throws UserError where the disk is full or the folder holds something else; earlier checkpoints stay whole.
 */
export async function saveCheckpoint(directory: string, content: CheckpointContent): Promise<{ digest: string }> {
  checkVocabulary(content.model, content.weights.find(({ name }) => name === embeddingName)?.shape[0], directory);
  await refuseForeign(directory, content.manifest);
  try {
    await writeDirectoryAtomic(directory, async (temporary) => {
      await writeContent(temporary, content);
      if (await exists(directory)) await displace(directory);
    });
    await rm(displacedPath(directory), { recursive: true, force: true });
  } catch (error) {
    if (systemErrorCode(error) !== undefined) Object.assign(error as Error, { path: directory });
    throw asUserError(error);
  }
  return { digest: await sha256File(join(directory, manifestName)) };
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

async function writeContent(folder: string, content: CheckpointContent): Promise<void> {
  const { model, eosTokenId, tokenizerFiles, weights, training } = content;
  const texts: Record<string, string> = {
    [configName]: modelConfigText(model),
    [generationConfigName]: generationConfigText(model, eosTokenId),
  };
  for (const [name, text] of Object.entries(tokenizerFiles)) {
    if (!isTokenizerFile(name)) throw new Error(`${name} is not a name for a tokenizer file`);
    texts[name] = text;
  }
  if (training !== undefined) {
    await mkdir(join(folder, 'training'));
    texts[stateName] = canonicalJson(training.state);
    await writeSafetensors(join(folder, optimizerName), training.tensors);
  }
  // transformers refuses weights without this word
  await writeSafetensors(join(folder, weightsName), weights, { format: 'pt' });
  for (const [name, text] of Object.entries(texts)) await writeFileDurable(join(folder, name), text);
  if (training !== undefined) await syncDirectory(join(folder, 'training'));

  const names = [...Object.keys(texts), weightsName, ...(training === undefined ? [] : [optimizerName])];
  const files: Record<string, string> = {};
  for (const name of names) files[name] = await sha256File(join(folder, name));
  await writeFileDurable(join(folder, manifestName), await manifestText(content.manifest, files));
}

function isTokenizerFile(name: string): boolean {
  return ![configName, generationConfigName, weightsName, manifestName].includes(name) && !name.includes('/');
}

/** Only a checkpoint of the same stage and step, or a damaged one under a step's name, may be replaced. */
async function refuseForeign(directory: string, { stage, step }: ManifestFields): Promise<void> {
  if (!(await exists(directory))) return;
  const there = await readManifest(directory).catch(() => undefined);
  const ours = there === undefined ? isStepDirectory(directory) : isSame(there.manifest, stage, step);
  if (ours) return;
  throw new UserError({
    what: 'a checkpoint cannot be written here',
    where: directory,
    why: there === undefined ? 'the folder holds something else' : 'the folder holds a checkpoint of another stage',
    next: 'Choose another folder with --out, or move this one away',
  });
}

function isSame(manifest: Manifest, stage: string, step: number): boolean {
  return manifest.stage === stage && manifest.step === step;
}

/** Hashing has already proved the bytes; without it, a damaged file is named by its own checks. */
async function readTensors(directory: string, name: string): Promise<Map<string, HostTensor>> {
  const path = join(directory, name);
  if (!(await exists(path))) throw damagedFile(path, 'the file is missing');
  return readSafetensors(path);
}
