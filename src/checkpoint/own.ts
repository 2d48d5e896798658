// A checkpoint of ours read from its folder: each file compared with the sha256 that the manifest states, tensors as they
// are read.
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import {
  adapterConfigName,
  configName,
  generationConfigName,
  manifestName,
  optimizerName,
  stateName,
} from '../base/layout.js';
import type { Checkpoint } from './directory.js';
import { checkDigest, type Manifest, parseJson, readManifest, readSmallText, verifyFiles } from './manifest.js';
import {
  checkTokenIds,
  checkVocabulary,
  embeddingName,
  parseGenerationConfig,
  parseModelConfig,
} from './model-config.js';
import { readSafetensors } from './safetensors.js';
import { isWeightsFile, readWeights } from './weights.js';

const maxTextBytes = 256 << 20;

export interface OwnOptions {
  verify?: boolean;
  training?: boolean;
}

/** What is read of a folder, and how the sha256 of a file of tensors is compared with the one that was saved. */
export interface OwnFolder {
  directory: string;
  manifest: Manifest;
  digest: string;
  check(name: string, sha256: string): void;
}

/** What `read` makes of a folder whose files are verified. @throws UserError naming every file that is missing or changed. */
export async function readVerified<T>(
  directory: string,
  { verify = true, training = false }: OwnOptions,
  read: (folder: OwnFolder) => Promise<T>,
): Promise<T> {
  const identity = await readManifest(directory);
  if (!verify) return read({ directory, ...identity, check: () => undefined });
  const { manifest } = identity;
  const isWanted = (name: string): boolean => training || !name.startsWith('training/');
  try {
    // Tensors are verified as they are read: a file is read once.
    await verifyFiles(directory, manifest, (name) => isWanted(name) && !name.endsWith('.safetensors'));
    const check = (name: string, sha256: string): void => checkDigest(directory, manifest, name, sha256);
    return await read({ directory, ...identity, check });
  } catch (error) {
    if (error instanceof UserError) await verifyFiles(directory, manifest, isWanted); // to name all that is damaged
    throw error;
  }
}

export function openOwn(path: string, options: OwnOptions): Promise<Checkpoint> {
  return readVerified(path, options, async (folder) => {
    const { directory, manifest, digest, check } = folder;
    const config = await readOwnModel(directory);
    const weights = await readWeights(directory, check);
    checkVocabulary(config.model, weights.get(embeddingName)?.shape[0], directory);
    const tokenizerFiles = await readTokenizerTexts(directory, manifest);
    const opened = {
      path: directory,
      tokenizerFolder: directory,
      digest,
      manifest,
      ...config,
      tokenizerFiles,
      weights,
    };
    return options.training ? { ...opened, training: await readTraining(folder) } : opened;
  });
}

export async function readOwnModel(directory: string) {
  const config = join(directory, configName);
  const model = parseModelConfig(await readSmallText(config, maxTextBytes), config);
  const generated = await readOwnGeneration(directory);
  checkTokenIds(model, generated.eosTokenIds, directory);
  return { model, ...generated };
}

export async function readOwnGeneration(directory: string) {
  const path = join(directory, generationConfigName);
  return parseGenerationConfig(await readSmallText(path, maxTextBytes), path);
}

/** File name → text. */
export async function readTokenizerTexts(directory: string, manifest: Manifest): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const name of Object.keys(manifest.files)) {
    if (isTokenizerFile(name)) texts[name] = await readSmallText(join(directory, name), maxTextBytes);
  }
  return texts;
}

export async function readTraining({
  directory,
  manifest,
  check,
}: OwnFolder): Promise<NonNullable<Checkpoint['training']>> {
  if (manifest.files[stateName] === undefined) throw notResumable(directory);
  const onDigest = (sha256: string): void => check(optimizerName, sha256);
  const tensors = await readSafetensors(join(directory, optimizerName), { onDigest });
  const path = join(directory, stateName);
  return { tensors, state: parseJson(await readSmallText(path, maxTextBytes), path) };
}

export function notResumable(directory: string): UserError {
  return new UserError({
    what: 'this checkpoint cannot be resumed',
    where: directory,
    why: 'it was saved without its training state',
    next: 'Start a new stage from it with --from',
  });
}

/** Whatever lies beside config and weights, and is not ours. */
export function isTokenizerFile(name: string): boolean {
  const ours = [configName, generationConfigName, manifestName, adapterConfigName];
  return !ours.includes(name) && !isWeightsFile(name) && !name.includes('/');
}
