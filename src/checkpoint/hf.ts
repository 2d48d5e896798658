// A third-party model directory: config.json, safetensors and tokenizer.json as Hugging Face tools write them, opened as
// if it were a checkpoint of ours that no stage made. All of it is outside text.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { digestOf, exists, sha256File } from '../base/files.js';
import { type HostTensor, sizeOf } from '../base/host-tensor.js';
import {
  adapterWeightsName,
  addedTokensName,
  chatSamplesName,
  chatTemplateName,
  configName,
  generationConfigName,
  manifestName,
  offeredToolsName,
  processorTemplateName,
  specialTokensMapName,
  tokenizerConfigName,
  tokenizerJsonName,
} from '../base/layout.js';
import { ownVersion } from '../base/version.js';
import { isRewardModel, type ModelConfig } from '../config/model.js';
import { readServingFiles } from '../tokenizer/serving-files.js';
import { readTokenizerFiles } from '../tokenizer/tokenizer-files.js';
import type { Checkpoint } from './directory.js';
import { type ForeignConfig, parseForeignConfig, parseForeignGeneration } from './hf-config.js';
import { chooseTokens, type ForeignTokens, readTokens } from './hf-tokens.js';
import { damagedFile, type Manifest, readSmallText } from './manifest.js';
import { checkVocabulary, embeddingName, parseGenerationFields } from './model-config.js';
import type { TensorEntry } from './safetensors.js';
import { describeWeights, readWeights } from './weights.js';

const headName = 'lm_head.weight';
const maxConfigBytes = 16 << 20;
/** Of the files beside tokenizer.json, those that say how text becomes ids and turns become text. */
export const tokenizerNames = [
  tokenizerJsonName,
  tokenizerConfigName,
  specialTokensMapName,
  chatTemplateName,
  addedTokensName,
  processorTemplateName,
  offeredToolsName,
  chatSamplesName,
];

/** Whether a folder is a model directory, or an adapter's, that no mossctl wrote. */
export async function isForeign(directory: string): Promise<boolean> {
  const has = (name: string): Promise<boolean> => exists(join(directory, name));
  return !(await has(manifestName)) && ((await has(configName)) || (await has(adapterWeightsName)));
}

/**
 * Opens a third-party model directory; all weights become float32. Its digest follows from every file that was read.
 * @throws UserError naming what is missing, damaged or not supported.
 */
export async function openForeign(directory: string): Promise<Checkpoint> {
  const { model, tokens, tokenizerFiles, generationConfig, notes } = await describeForeign(directory);
  const read = new Map<string, string>();
  const stored = await readWeights(directory, (file, sha256) => read.set(join(directory, file), sha256));
  const weights = dropTied(model, stored, directory);
  const identity = await identifyForeign(directory, async (path) => read.get(path) ?? sha256File(path));
  const { manifest, digest } = identity;
  checkVocabulary(model, weights.get(embeddingName)?.shape[0], directory);
  const { eosTokenIds } = tokens;
  return {
    ...{ path: directory, digest, manifest, model, eosTokenIds, generationConfig, tokenizerFiles, weights },
    tokenizerFolder: directory,
    notes: [...notes, ...identity.notes],
  };
}

/** What the small files of a directory say; its weights are not looked at. Throws as `openForeign`. */
export async function describeForeign(directory: string) {
  const text = (name: string, maxBytes = maxConfigBytes) => readSmallText(join(directory, name), maxBytes);
  const config = parseForeignConfig(await text(configName), join(directory, configName));
  if (!(await exists(join(directory, tokenizerJsonName)))) throw await noTokenizer(directory);
  const files = await readTokenizerFiles(directory);
  const serving = await readServingFiles(directory);
  const generationPath = join(directory, generationConfigName);
  const written = (await exists(generationPath)) ? await text(generationConfigName) : '{}';
  const generation = parseForeignGeneration(written, generationPath);
  const tokens = chooseTokens(config, generation, readTokens(files, directory), directory);
  const { generationConfig, skipped } = parseGenerationFields(written, generationPath);
  const unusable = skipped.map((field) => `${generationConfigName} says ${field}, which is no value for it: skipped`);
  return {
    ...{ model: modelOf(config, tokens), tokens, generationConfig },
    tokenizerFiles: { ...files.texts, ...serving.texts },
    notes: [...files.notes(), ...tokens.notes, ...serving.notes, ...unusable],
  };
}

/** What `readManifest` would say if the directory had a mossctl.json. Reads every file once, for its sha256. */
export async function identifyForeign(
  directory: string,
  hash: (path: string) => Promise<string> = sha256File,
): Promise<{ manifest: Manifest; digest: string; notes: readonly string[] }> {
  const { files: weights, entries, notes } = await describeWeights(directory);
  const files: Record<string, string> = {};
  for (const name of [configName, generationConfigName, ...tokenizerNames, ...weights]) {
    const path = join(directory, name);
    if (await exists(path)) files[name] = await hash(path);
  }
  const digest = digestOf(files);
  return { manifest: { ...foreignManifest(files, digest), ...storedDtype(entries) }, digest, notes };
}

/** The manifest of what no stage made. */
export function foreignManifest(files: Record<string, string>, digest: string): Manifest {
  return {
    format: 1,
    stage: 'import',
    step: 0,
    tokensSeen: 0,
    parent: null,
    lineage: [],
    settings: {},
    inputDigest: digest,
    metrics: {},
    files,
    versions: { mossctl: ownVersion(), tfjs: 'none' },
    backend: 'none',
    threads: null,
    precision: 'fp32',
  };
}

/** The dtype of most numbers, where it has 16 bits. */
function storedDtype(entries: readonly TensorEntry[]): Pick<Manifest, 'storedAs'> {
  const counts = { f32: 0, f16: 0, bf16: 0 };
  for (const { dtype, shape } of entries) counts[dtype] += sizeOf(shape);
  const storedAs = counts.bf16 > counts.f16 ? 'bf16' : 'f16';
  return counts[storedAs] > counts.f32 ? { storedAs } : {};
}

function modelOf(config: ForeignConfig, tokens: ForeignTokens): ModelConfig {
  const { eosTokenIds: _, padTokenId: __, assumed: ___, ...model } = config;
  const { bosTokenId, configEos, padTokenId } = tokens;
  return { ...model, bos_token_id: bosTokenId, eos_token_id: configEos, pad_token_id: padTokenId };
}

/** Tied models may store their one matrix twice. */
function dropTied(model: ModelConfig, weights: Map<string, HostTensor>, directory: string): Map<string, HostTensor> {
  const head = weights.get(headName);
  if (!model.tie_word_embeddings || isRewardModel(model) || head === undefined) return weights;
  const embedding = weights.get(embeddingName);
  const areHalves = head.halves !== undefined && embedding?.halves !== undefined;
  if (!(areHalves ? sameNumbers(head.halves, embedding.halves) : sameNumbers(head.data, embedding?.data))) {
    throw new UserError({
      what: `${headName} differs from ${embeddingName}, though config.json says that they are one`,
      where: directory,
      why: 'tie_word_embeddings is true: one of the two would be lost',
      next: 'Set "tie_word_embeddings": false in config.json if the model has an output projection of its own',
    });
  }
  weights.delete(headName);
  return weights;
}

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number> | undefined): boolean {
  if (a.length !== b?.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

async function noTokenizer(directory: string): Promise<UserError> {
  const names = await readdir(directory).catch(() => []);
  const slow = names.find((name) => ['tokenizer.model', 'vocab.json', 'merges.txt'].includes(name));
  if (slow === undefined) return damagedFile(join(directory, tokenizerJsonName), 'the file is missing');
  return new UserError({
    what: 'this model has no tokenizer.json',
    where: directory,
    why: `it has ${slow}, which transformers converts but mossctl does not read`,
    next: 'Convert it with Python: AutoTokenizer.from_pretrained(…) and then save_pretrained(…) write tokenizer.json',
  });
}
