// Where the model is that an adapter belongs to. An adapter's file may name any path: only a model folder is ever opened there, as it would be if a person had typed it, and nothing is fetched because a file says so.
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { shorten } from '../base/format.js';
import { adapterConfigName, isRound } from '../base/layout.js';
import { shellQuoted } from '../base/shell.js';
import { hubCacheFolder } from '../network/hub-cache.js';
import { nearModelName, parseModelName } from '../network/model-name.js';
import { cachedModel, publishedName } from '../network/models.js';
import { type AdapterConfig, isAdapter } from './adapter-config.js';
import { resolveCheckpoint } from './history.js';

/** The base of an adapter as its manifest states it. */
export interface AdapterBase {
  /** A folder, or ORG/NAME of a hub. */
  name: string;
  revision?: string;
  /** Its digest as a checkpoint. */
  digest: string;
}

/**
 * The folder of an adapter's base: what was typed (`--base`), else what adapter_config.json names: an absolute path, or one from
 * the adapter's folder or from the current folder, or a model of a hub that was fetched before.
 * @throws UserError where there is no model.
 */
export async function findBase(
  directory: string,
  { base }: Pick<AdapterConfig, 'base'>,
  typed?: string,
): Promise<string> {
  const path = typed ?? (await pathOf(base, directory));
  if (path === undefined) throw baseNotFound(directory, base);
  const found = await resolveCheckpoint(path);
  if (!(await isAdapter(found))) return found;
  throw new UserError({
    what: 'the base of this adapter is an adapter itself',
    where: directory,
    why: `${shorten(path, 500)} has to be merged before anything else is added to it`,
    next: 'Merge it first: mossctl export BASE --merge --out FOLDER, and name that folder with --base',
  });
}

async function pathOf({ name, revision }: AdapterConfig['base'], directory: string): Promise<string | undefined> {
  if (name === undefined || !isPrintable(name)) return undefined;
  const candidates = isAbsolute(name) ? [name] : [join(directory, name), resolve(name)];
  for (const candidate of candidates) if (await exists(candidate)) return candidate;
  const published = publishedBase(name, revision);
  if (published === undefined) return undefined;
  return (await cachedModel(parseModelName(published))) ?? hubCacheFolder(parseModelName(published));
}

function baseNotFound(directory: string, { name, revision }: AdapterConfig['base']): UserError {
  const what = 'the base model of this adapter is not here';
  const merged = `mossctl export ${shellQuoted(directory)} --merge --out MERGED --base`;
  if (name === undefined || !isPrintable(name)) {
    const why = `${adapterConfigName} names ${name === undefined ? 'none' : 'none that could be a path'}`;
    return new UserError({ what, where: directory, why, next: `Name its folder: ${merged} FOLDER` });
  }
  const published = publishedBase(name, revision);
  const why = `${adapterConfigName} names ${shorten(name, 200)}, `;
  if (published === undefined) {
    const next = `Name its folder: ${merged} FOLDER`;
    return new UserError({ what, where: directory, why: `${why}and there is nothing at this path`, next });
  }
  return new UserError({
    what,
    where: directory,
    why: `${why}which has not been fetched: that is done only for a name that a person types`,
    next: `Type it: ${merged} ${shellQuoted(published)}`,
  });
}

/** `hf:ORG/NAME@REVISION` of what PEFT names without hf:, or of a path into the cache of another machine. */
function publishedBase(name: string, revision: string | undefined): string | undefined {
  const known = publishedName(name) ?? nearModelName(revision === undefined ? name : `${name}@${revision}`);
  return known?.startsWith('hf:') ? known : undefined;
}

function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text);
}

/** Of a folder in our cache of the Hugging Face hub: ORG/NAME and its commit, as PEFT writes them. */
export function publishedRepository(path: string): { name: string; revision?: string } | undefined {
  const published = publishedName(path);
  if (!published?.startsWith('hf:')) return undefined;
  const { name, revision, folder } = parseModelName(published);
  return folder === undefined ? { name, ...(revision !== undefined && { revision }) } : undefined;
}

/**
 * How an adapter in `directory` (`<run>/<stage>/step-…`, `<run>/align/round-…/step-…`) names its base: one that was fetched by
 * its name, one in the same run from there, any other by its whole path.
 */
export function baseReference(directory: string, base: AdapterBase): AdapterBase {
  const published = publishedRepository(base.name);
  if (published !== undefined) return { ...base, ...published };
  const stage = dirname(resolve(directory));
  const run = dirname(isRound(basename(stage)) ? dirname(stage) : stage);
  if (!isAbsolute(base.name) || !base.name.startsWith(run + sep)) return base;
  return { ...base, name: relative(resolve(directory), base.name) };
}
