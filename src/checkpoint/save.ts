// Writes a checkpoint: built under a temporary name, fsynced and renamed, so that a crash at any instant leaves the
// earlier one whole.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asUserError, systemErrorCode, UserError } from '../base/errors.js';
import {
  exists,
  sha256,
  sha256File,
  syncDirectory,
  writeDirectoryAtomic,
  writeFileAtomic,
  writeFileDurable,
} from '../base/files.js';
import {
  adapterConfigName,
  adapterWeightsName,
  configName,
  generationConfigName,
  manifestName,
  optimizerName,
  stateName,
  trainingFolder,
} from '../base/layout.js';
import { isRewardModel } from '../config/model.js';
import type { AdapterContent } from './adapter.js';
import { baseReference } from './adapter-base.js';
import { adapterConfigText } from './adapter-config.js';
import { wholeModules, writeAdapterTensors } from './adapter-tensors.js';
import type { CheckpointContent } from './directory.js';
import { displace, displacedPath, isStepDirectory, removeTemporary, restoreDisplaced } from './history.js';
import { canonicalJson, type ManifestFields, manifestText, measuredManifestText, readManifest } from './manifest.js';
import { checkVocabulary, embeddingName, generationConfigText, modelConfigText } from './model-config.js';
import { isTokenizerFile } from './own.js';
import { writeSafetensors } from './safetensors.js';
import { writeWeights } from './weights.js';

/**
 * Saves a checkpoint. A checkpoint of the same stage and step that is already there is replaced.
 * @returns the sha256 of its mossctl.json, which identifies all of it.
 * @throws UserError where the disk is full or the folder holds something else; earlier checkpoints stay whole.
 */
export async function saveCheckpoint(directory: string, content: CheckpointContent): Promise<{ digest: string }> {
  if (content.adapter === undefined) {
    checkVocabulary(content.model, content.weights.find(({ name }) => name === embeddingName)?.shape[0], directory);
  }
  await refuseForeign(directory, content.manifest);
  try {
    await writeDirectoryAtomic(directory, async (temporary) => {
      await writeContent(temporary, directory, content);
      if (await exists(directory)) await displace(directory);
    });
    await rm(displacedPath(directory), { recursive: true, force: true });
  } catch (error) {
    await restoreDisplaced(directory).catch(() => undefined);
    throw asSaveError(error, directory);
  }
  return { digest: await sha256File(join(directory, manifestName)) };
}

/**
 * Writes the figures of a checkpoint that was saved before they were known. @returns its digest, now that it is final.
 * @throws UserError where it cannot be written: the checkpoint stays as it was.
 */
export async function saveFigures(directory: string, metrics: ManifestFields['metrics']): Promise<{ digest: string }> {
  const { manifest } = await readManifest(directory);
  const text = measuredManifestText(manifest, metrics);
  try {
    await removeTemporary(directory);
    await writeFileAtomic(join(directory, manifestName), text);
  } catch (error) {
    throw asSaveError(error, directory);
  }
  return { digest: sha256(text) };
}

/** Whatever the system refuses is something a person can act on, not a fault of the program. */
function asSaveError(error: unknown, directory: string): unknown {
  const code = systemErrorCode(error);
  if (code === undefined || code.startsWith('ERR_')) return error;
  const known = asUserError(error, directory);
  if (known instanceof UserError) return known;
  const what = `the system could not write it (${code})`;
  return new UserError({ what, where: directory, why: (error as Error).message }, { cause: error, exitCode: 1 });
}

/** @param folder A temporary sibling of `directory`, whose name it will get. */
async function writeContent(folder: string, directory: string, content: CheckpointContent): Promise<void> {
  const { model, eosTokenIds, tokenizerFiles, weights, training, adapter } = content;
  const texts: Record<string, string> = {
    ...(adapter === undefined
      ? { [configName]: modelConfigText(model) }
      : { [adapterConfigName]: adapterText(directory, adapter, content) }),
    [generationConfigName]: generationConfigText(model, eosTokenIds, content.generationConfig),
  };
  for (const [name, text] of Object.entries(tokenizerFiles)) {
    if (!isTokenizerFile(name)) throw new Error(`${name} is not a name for a tokenizer file`);
    texts[name] = text;
  }
  const files: Record<string, string> = {};
  if (training !== undefined) {
    await mkdir(join(folder, trainingFolder));
    texts[stateName] = canonicalJson(training.state);
    files[optimizerName] = await writeSafetensors(join(folder, optimizerName), training.tensors);
  }
  if (adapter === undefined) Object.assign(files, await writeWeights(folder, weights));
  else files[adapterWeightsName] = await writeAdapterTensors(folder, weights);
  for (const [name, text] of Object.entries(texts)) {
    await writeFileDurable(join(folder, name), text);
    files[name] = sha256(text);
  }
  if (training !== undefined) await syncDirectory(join(folder, trainingFolder));
  const manifest = {
    ...content.manifest,
    ...(adapter !== undefined && { base: baseReference(directory, adapter.base) }),
  };
  await writeFileDurable(join(folder, manifestName), await manifestText(manifest, files));
}

function adapterText(directory: string, adapter: AdapterContent, { model, weights }: CheckpointContent): string {
  const { shape, dropout } = adapter;
  return adapterConfigText(shape, {
    ...{ base: baseReference(directory, adapter.base), dropout, modulesToSave: wholeModules(weights) },
    task: isRewardModel(model) ? 'SEQ_CLS' : 'CAUSAL_LM',
  });
}

/** Only a checkpoint of the same stage and step, or a damaged one under a step's name, may be replaced. */
async function refuseForeign(directory: string, { stage, step }: ManifestFields): Promise<void> {
  if (!(await exists(directory))) return;
  const manifest = (await readManifest(directory).catch(() => undefined))?.manifest;
  if (manifest === undefined ? isStepDirectory(directory) : manifest.stage === stage && manifest.step === step) return;
  throw new UserError({
    what: 'a checkpoint cannot be written here',
    where: directory,
    why: manifest === undefined ? 'the folder holds something else' : 'the folder holds a checkpoint of another stage',
    next: 'Choose another folder with --out, or move this one away',
  });
}
