// An adapter's folder opened as a checkpoint: its base with the adapter merged into it, so that whatever reads a model reads
// this one too; or the two apart, for a training that continues. Ours have a manifest; PEFT's are described as if they had.
import { join } from 'node:path';
import type { AdapterShape } from '../architecture/adapters.js';
import { UserError } from '../base/errors.js';
import { digestOf, exists, sha256File } from '../base/files.js';
import type { HostTensor } from '../base/host-tensor.js';
import {
  adapterConfigName,
  adapterWeightsName,
  generationConfigName,
  manifestName,
  tokenizerJsonName,
} from '../base/layout.js';
import { readServingFiles } from '../tokenizer/serving-files.js';
import { readTokenizerFiles } from '../tokenizer/tokenizer-files.js';
import { adaptedModel, applyAdapter, separateAdapter } from './adapter-apply.js';
import { type AdapterBase, findBase } from './adapter-base.js';
import { type AdapterConfig, parseAdapterConfig } from './adapter-config.js';
import { describeAdapterTensors, readAdapterTensors } from './adapter-tensors.js';
import { checkSameIds } from './adapter-vocabulary.js';
import type { Checkpoint, ModelDescription } from './directory.js';
import { foreignManifest, tokenizerNames } from './hf.js';
import { parseForeignGeneration } from './hf-config.js';
import { chooseTokens, readTokens } from './hf-tokens.js';
import { type Manifest, readManifest, readSmallText } from './manifest.js';
import { embeddingName, parseGenerationFields } from './model-config.js';
import { type OwnFolder, readOwnGeneration, readTokenizerTexts, readTraining, readVerified } from './own.js';

const maxConfigBytes = 16 << 20;

/** What a checkpoint of an adapter says of it; its tensors are the checkpoint's weights. */
export interface AdapterContent {
  shape: AdapterShape;
  dropout: number;
  /** `name`: an absolute path, or ORG/NAME of a hub. */
  base: AdapterBase;
}

/** An adapter beside its base. */
export interface SeparateAdapter extends AdapterContent {
  /** Under the names of the parameter table; of a reward model also `score.weight`. */
  tensors: Map<string, HostTensor>;
}

export interface AdapterOptions {
  /** Its base, where a person named it. */
  base?: string;
  /** `apart`: the base's weights as they are, and the adapter's tensors beside them. */
  adapter?: 'merged' | 'apart';
}

interface Options extends AdapterOptions {
  verify?: boolean;
  training?: boolean;
  /** Whether it has a manifest. */
  isOwn: boolean;
}

/** Opens the base: that of directory.ts. */
type Open = (directory: string, options: { verify?: boolean }) => Promise<Checkpoint>;

/**
 * Opens an adapter with its base.
 * @throws UserError where the base is not there or is another one, or a tensor does not belong to it, naming each.
 */
export async function openAdapter(directory: string, options: Options, open: Open): Promise<Checkpoint> {
  if (!options.isOwn) return openWith(directory, options, open);
  return readVerified(directory, options, (folder) => openWith(directory, options, open, folder));
}

async function openWith(
  directory: string,
  { base: typed, adapter: form = 'merged', verify, training }: Options,
  open: Open,
  own?: OwnFolder,
): Promise<Checkpoint> {
  const config = await readConfig(directory);
  const base = await open(await findBase(directory, config, typed), { verify });
  const notes = compareBase(own?.manifest.base, base, { directory, isTyped: typed !== undefined });
  let sha256 = '';
  const tensors = await readAdapterTensors(directory, (digest) => {
    sha256 = digest;
    own?.check(adapterWeightsName, digest);
  });
  const adapter = { config, tensors, path: directory };
  const made = form === 'merged' ? applyAdapter(base, adapter) : separateAdapter(base, adapter);
  const identity = own ?? (await identifyForeignAdapter(directory, config, base, sha256));
  const words = await readWords(directory, { ...base, model: made.model }, own?.manifest);
  const onBase = `an adapter of rank ${config.rank} on ${base.path}${form === 'merged' ? ', merged' : ''}`;
  return {
    ...{ path: directory, digest: identity.digest, ...words, weights: made.weights },
    manifest: { ...identity.manifest, storedAs: identity.manifest.storedAs ?? base.manifest.storedAs },
    notes: [onBase, ...notes, ...(base.notes ?? []), ...made.notes, ...words.notes],
    ...('adapter' in made && {
      adapter: { ...made.adapter, dropout: config.dropout, base: own?.manifest.base ?? baseOf(config, base) },
    }),
    ...(training && own !== undefined && { training: await readTraining(own) }),
  };
}

async function readConfig(directory: string): Promise<AdapterConfig> {
  const path = join(directory, adapterConfigName);
  return parseAdapterConfig(await readSmallText(path, maxConfigBytes), path);
}

function baseOf({ base }: AdapterConfig, { path, digest }: Pick<Checkpoint, 'path' | 'digest'>): AdapterBase {
  return { name: path, ...(base.revision !== undefined && { revision: base.revision }), digest };
}

/**
 * Ours know their base by its digest. A base that a person names may be a copy in another form: that is said.
 * @throws UserError where what lies at the base's place by now is another model.
 */
function compareBase(
  expected: AdapterBase | undefined,
  base: Checkpoint,
  { directory, isTyped }: { directory: string; isTyped: boolean },
): string[] {
  if (expected === undefined || expected.digest === base.digest) return [];
  const shown = `the adapter was trained on the checkpoint ${expected.digest.slice(0, 12)}, and this one is ${base.digest.slice(0, 12)}`;
  if (isTyped) return [`${shown}: it fits only if it holds the same weights`];
  throw new UserError({
    what: 'the base of this adapter is not the model that it was trained on',
    where: directory,
    why: `${shown} (${base.path})`,
    next: 'Bring back that model, or name a copy of it with --base',
  });
}

/** What `readManifest` would say of an adapter if it had a mossctl.json. Reads every file once, for its sha256. */
export async function identifyAdapter(
  directory: string,
  { identify }: { identify(base: string): Promise<{ manifest: Manifest; digest: string }> },
  hash = sha256File,
): Promise<{ manifest: Manifest; digest: string }> {
  const config = await readConfig(directory);
  const path = await findBase(directory, config);
  const weights = await hash(join(directory, adapterWeightsName));
  return identifyForeignAdapter(directory, config, { path, ...(await identify(path)) }, weights, hash);
}

async function identifyForeignAdapter(
  directory: string,
  config: AdapterConfig,
  base: Pick<Checkpoint, 'path' | 'digest' | 'manifest'>,
  weights: string,
  hash = sha256File,
): Promise<{ manifest: Manifest; digest: string }> {
  const files: Record<string, string> = { [adapterWeightsName]: weights };
  for (const name of [adapterConfigName, generationConfigName, ...tokenizerNames]) {
    if (await exists(join(directory, name))) files[name] = await hash(join(directory, name));
  }
  const digest = digestOf({ ...files, base: base.digest });
  return { manifest: { ...foreignManifest(files, digest), base: baseOf(config, base) }, digest };
}

/** What the small files of an adapter and of its base say. */
export async function describeAdapter(
  directory: string,
  {
    readModel,
    base: typed,
  }: { readModel(folder: string): Promise<Omit<ModelDescription, 'tokenizerFiles'>>; base?: string },
): Promise<Omit<ModelDescription, 'tokenizerFiles'>> {
  const config = await readConfig(directory);
  const path = await findBase(directory, config, typed);
  const base = await readModel(path);
  const { entries } = await describeAdapterTensors(directory);
  const rows = entries.find(({ name }) => name === embeddingName)?.shape[0];
  const model = adaptedModel(base.model, config.task, rows);
  const own = (await isOwn(directory)) ? (await readManifest(directory)).manifest : undefined;
  const { tokenizerFiles: _, ...words } = await readWords(directory, { ...base, model, tokenizerFiles: {} }, own);
  return {
    ...words,
    notes: [`an adapter of rank ${config.rank} on ${path}`, ...(base.notes ?? []), ...config.notes, ...words.notes],
  };
}

const isOwn = async (directory: string): Promise<boolean> => exists(join(directory, manifestName));

/** Tokenizer and ends of answers: the adapter's own, as far as it has any, else its base's. */
async function readWords(directory: string, base: ModelDescription, own?: Manifest) {
  const { model, tokenizerFolder, tokenizerFiles, eosTokenIds, generationConfig } = base;
  if (own !== undefined) {
    const generated = await readOwnGeneration(directory);
    const texts = await readTokenizerTexts(directory, own);
    return { model, tokenizerFolder: directory, tokenizerFiles: texts, ...generated, notes: [] };
  }
  const generationPath = join(directory, generationConfigName);
  const written = (await exists(generationPath)) ? await readSmallText(generationPath, maxConfigBytes) : undefined;
  const generation = written === undefined ? undefined : parseForeignGeneration(written, generationPath);
  const fields = written === undefined ? { generationConfig } : parseGenerationFields(written, generationPath);
  const ends = { model, eosTokenIds: [...eosTokenIds], generationConfig: fields.generationConfig };
  if (!(await exists(join(directory, tokenizerJsonName)))) {
    return { ...ends, tokenizerFolder, tokenizerFiles, notes: [] };
  }
  const files = await readTokenizerFiles(directory);
  const serving = await readServingFiles(directory);
  const assumed = { bos: false, eos: false };
  const { eos_token_id: eos, pad_token_id: pad, ...shape } = model;
  const tokens = chooseTokens(
    { ...shape, eosTokenIds: [...eosTokenIds, eos], padTokenId: pad, assumed },
    { eos: generation?.eos ?? [...eosTokenIds], pad: generation?.pad },
    readTokens(files, directory),
    directory,
  );
  checkSameIds(files.texts[tokenizerJsonName], tokenizerFiles[tokenizerJsonName], directory);
  const ids = { bos_token_id: tokens.bosTokenId, eos_token_id: tokens.configEos, pad_token_id: tokens.padTokenId };
  return {
    ...{ ...ends, model: { ...model, ...ids }, eosTokenIds: tokens.eosTokenIds },
    ...{ tokenizerFolder: directory, tokenizerFiles: { ...files.texts, ...serving.texts } },
    notes: [...files.notes(), ...tokens.notes, ...serving.notes],
  };
}
