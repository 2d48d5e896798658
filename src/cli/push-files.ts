// What a push sends of a folder: a model as it lies there, an adapter with its base under the name that others know, or a
// checkpoint of ours exported first; and what its model card says of it.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { sizeOf } from '../base/host-tensor.js';
import { adapterConfigName, chatTemplateName, chatTemplatesFolder, configName, manifestName } from '../base/layout.js';
import { isRecord } from '../base/objects.js';
import { describeAdapterTensors } from '../checkpoint/adapter-tensors.js';
import { openCheckpoint } from '../checkpoint/directory.js';
import type { FloatDtype } from '../checkpoint/float16.js';
import { exportHf } from '../checkpoint/hf-export.js';
import { readManifest } from '../checkpoint/manifest.js';
import { checkServed } from '../checkpoint/served-check.js';
import { inspectCheckpoint } from '../inspect/checkpoint.js';
import { checkedLicence } from '../inspect/licences.js';
import { type CardFacts, modelCard } from '../inspect/model-card.js';
import { isModelFile } from '../network/model-files.js';
import { parseModelName } from '../network/model-name.js';
import { publishedName } from '../network/models.js';
import { cardName } from '../network/push.js';
import { corpusEvents } from './corpus-events.js';

export interface PushChoices {
  /** ORG/NAME: where to. */
  name: string;
  license?: string;
  dryRun: boolean;
  /** Of a checkpoint of ours; default: as the published model came, else f32. */
  dtype?: FloatDtype;
  maxShardSize?: number;
  /** On the hub, of what the model was made from. */
  base?: string;
  verify: boolean;
  /** False with --no-replay. */
  replay: boolean;
}

/** Beside the files of a model. */
const extraFiles = /^(?:(?:LICEN[CS]E|NOTICE)(?:\.[A-Za-z]{1,8})?|[\w.-]+\.gguf)$/;

/**
 * The files to push by their paths in the repository, and the text of the card.
 * @param scratch a folder for what has to be made first.
 */
export async function filesToPush(
  directory: string,
  scratch: string,
  choices: PushChoices,
): Promise<{ files: Record<string, string>; card: string }> {
  const names = await readdir(directory);
  if (choices.base !== undefined && hubName(choices.base) === undefined) {
    throw new UserError({
      what: `--base ${choices.base} is no name on the hub`,
      next: 'Write ORG/NAME, as the hub does',
    });
  }
  if (names.includes(adapterConfigName) && !names.includes(configName))
    return adapterFiles(directory, scratch, choices);
  const base = choices.base && hubName(choices.base)?.name;
  if (!names.includes(manifestName)) {
    if (choices.replay) await checkServed(directory, directory);
    const own = names.includes(cardName) ? await readFile(join(directory, cardName), 'utf8') : undefined;
    if (own !== undefined) requireLicence(own, join(directory, cardName));
    const card = own ?? (await cardOf(directory, { ...choices, base, isAdapter: false }));
    return { files: await filesIn(directory), card };
  }
  const card = (dtype: FloatDtype) => cardOf(directory, { ...choices, base, isAdapter: false, dtype });
  if (!choices.dryRun) checkedLicence(choices.license); // before the work
  const checkpoint = await openCheckpoint(directory, { verify: choices.verify });
  const dtype = choices.dtype ?? checkpoint.manifest.storedAs ?? 'f32';
  const out = join(scratch, 'model');
  await exportHf(out, checkpoint, { dtype, maxShardBytes: choices.maxShardSize, replay: choices.replay });
  return { files: await filesIn(out), card: await card(dtype) };
}

/** What is pushed of a folder; the rest, such as what only resuming needs, stays here. */
async function filesIn(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { withFileTypes: true });
  const templates = entries.some(({ name }) => name === chatTemplatesFolder)
    ? (await readdir(join(directory, chatTemplatesFolder)))
        .filter((name) => name.endsWith('.jinja'))
        .map((name) => `${chatTemplatesFolder}/${name}`)
    : [];
  const plain = entries.flatMap(({ name }) => (isModelFile(name) || extraFiles.test(name) ? [name] : []));
  return Object.fromEntries([...plain, ...templates].map((name) => [name, join(directory, name)]));
}

/** An adapter is of use to others only where they find its base: under its name on the hub. */
async function adapterFiles(directory: string, scratch: string, choices: PushChoices) {
  if (choices.replay) await checkServed(directory, directory);
  const files = await filesIn(directory);
  const path = join(directory, adapterConfigName);
  const config: unknown = JSON.parse(await readFile(path, 'utf8'));
  const written = isRecord(config) ? String(config.base_model_name_or_path ?? '') : '';
  const base = hubName(choices.base ?? written);
  if (base === undefined) {
    throw new UserError({
      what: 'others would not find the base of this adapter',
      where: path,
      why: `base_model_name_or_path is ${written === '' ? 'empty' : JSON.stringify(written)}, which is no name on the hub`,
      next: 'Name the base as the hub does: --base ORG/NAME; or push the model with the adapter merged: export it first, and push that folder',
    });
  }
  if (written !== base.name) {
    files[adapterConfigName] = join(scratch, adapterConfigName);
    const revision = base.revision ?? null;
    await writeFile(
      files[adapterConfigName],
      `${JSON.stringify({ ...(config as object), base_model_name_or_path: base.name, revision }, undefined, 2)}\n`,
    );
    delete files[manifestName]; // it states the sha256 of the other one
  }
  return { files, card: await cardOf(directory, { ...choices, base: base.name, isAdapter: true }) };
}

/** ORG/NAME and revision, of a name with or without hf:, or of a folder of the cache. */
function hubName(text: string): { name: string; revision?: string } | undefined {
  const named = publishedName(text) ?? (/^hf:/.test(text) ? text : `hf:${text}`);
  try {
    const { hub, name, revision } = parseModelName(named);
    return hub === 'hf' ? { name, ...(revision && { revision }) } : undefined;
  } catch {
    return undefined;
  }
}

function requireLicence(card: string, path: string): void {
  const [, text] = /^---\r?\n(.*?)\r?\n---/s.exec(card) ?? [];
  let front: unknown;
  try {
    front = text === undefined ? undefined : parse(text, { maxAliasCount: 10 });
  } catch {
    // said below
  }
  if (isRecord(front) && front.license !== undefined) return;
  throw new UserError({
    what: 'this model card names no licence',
    where: path,
    why: isRecord(front) ? undefined : 'it has no front matter, or none that is YAML: lines between two lines of ---',
    next: 'Write `license: apache-2.0` (or another) there, or move the file away: then a card is made, with --license',
  });
}

type CardChoices = Pick<CardFacts, 'name' | 'base' | 'isAdapter' | 'isFolder' | 'dtype'> & {
  license?: string;
  dryRun: boolean;
};

/** What is to be known of a model, as a page for whoever gets it. */
export async function cardOf(
  directory: string,
  { license, dryRun, name, base, isAdapter, isFolder, dtype }: CardChoices,
): Promise<string> {
  const licence = dryRun && license === undefined ? 'unknown' : checkedLicence(license);
  const isOurs = await exists(join(directory, manifestName));
  const facts = {
    name,
    licence,
    base,
    isAdapter,
    isFolder,
    dtype,
    events: isOurs ? await corpusEvents(directory) : [],
  };
  if (isAdapter) return modelCard({ ...facts, ...(await adapterFacts(directory, isOurs)) });
  const seen = await inspectCheckpoint(directory, { verify: false });
  return modelCard({
    ...{ ...facts, model: seen.model, parameters: seen.parameters?.parameters ?? null },
    canChat: seen.chatTemplate !== null && seen.manifest.stage !== 'pretrain',
    manifest: isOurs ? seen.manifest : null,
    digest: isOurs ? seen.digest : null,
  });
}

/** Of an adapter its own numbers are counted; it is talked to where it brings a template. */
async function adapterFacts(directory: string, isOurs: boolean) {
  const { entries } = await describeAdapterTensors(directory);
  const files = await readdir(directory);
  const identity = isOurs ? await readManifest(directory) : { manifest: null, digest: null };
  return {
    ...{ ...identity, model: null },
    parameters: entries.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    canChat: files.includes(chatTemplateName),
  };
}
