// Where the model is that an adapter belongs to. An adapter's file may name any path: only a model
// folder is ever opened there, as it would be if a person had typed it, and nothing is fetched because a file says so.
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { shorten } from '../base/format.js';
import { adapterConfigName } from '../base/layout.js';
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
  const path = typed ?? (await pathOf(directory, base));
  const found = await resolveCheckpoint(path);
  if (!(await isAdapter(found))) return found;
  throw new UserError({
    what: 'the base of this adapter is an adapter itself',
    where: directory,
    why: `${shorten(path, 500)} has to be merged before anything else is added to it`,
    next: 'Merge it first: mossctl export ADAPTER --merge --format hf --out FOLDER, and name that folder with --base',
  });
}

async function pathOf(directory: string, { name, revision }: AdapterConfig['base']): Promise<string> {
  const isPath = name !== undefined && isPrintable(name);
  const candidates = !isPath ? [] : isAbsolute(name) ? [name] : [join(directory, name), resolve(name)];
  for (const candidate of candidates) if (await exists(candidate)) return candidate;
  const published = isPath ? publishedBase(name, revision) : undefined;
  const cached = published && (await cachedModel(parseModelName(published)));
  if (cached !== undefined) return cached;
  const shown =
    name === undefined
      ? 'no base model'
      : `${shorten(JSON.stringify(name).slice(1, -1), 200)}${revision ? ` (revision ${shorten(revision, 60)})` : ''}`;
  throw new UserError({
    what: 'the base model of this adapter is not here',
    where: directory,
    why: `${adapterConfigName} names ${shown}${candidates.length > 0 ? ', and there is nothing at this path' : ''}`,
    next:
      published === undefined
        ? 'Name the folder of that model with --base'
        : `Name it with --base ${published}, and it is fetched; or name a folder that holds it`,
  });
}

/** `hf:ORG/NAME@REVISION` of what PEFT names without hf:, or of a path into the cache of another machine. */
function publishedBase(name: string, revision: string | undefined): string | undefined {
  const known = publishedName(name) ?? nearModelName(revision === undefined ? name : `${name}@${revision}`);
  return known?.startsWith('hf:') ? known : undefined;
}

function isPrintable(text: string): boolean {
  return ![...text].some((character) => character < ' ' || character === '\x7f');
}

/** How an adapter in `directory` (`<run>/<stage>/step-…`) names its base: from there where both are in one run, else as it is. */
export function baseReference(directory: string, name: string): string {
  const run = resolve(directory, '..', '..');
  if (!isAbsolute(name) || !name.startsWith(run + sep)) return name;
  return relative(directory, name);
}
