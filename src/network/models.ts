// A published model, brought once into the cache as the plain folder that every tool opens: of its repository only what is
// needed to use it, nothing that is a program. Where it comes from can be read off the folder's place.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { countOf, formatBytes } from '../base/format.js';
import { configName } from '../base/layout.js';
import { requireDisk } from '../base/room.js';
import { cacheDirectory } from './cache.js';
import { fileStamp, readCached } from './checked.js';
import { download } from './download.js';
import { fetchOnce } from './fetching.js';
import type { FetchContext } from './http.js';
import {
  type HubFile,
  type HubRepo,
  hubCommit,
  hubEndpoint,
  hubFileUrl,
  hubListing,
  hubRequest,
  isCommit,
  knownCommit,
  remember,
  repoHome,
} from './hub.js';
import { shardsIn, wholeModelFiles } from './model-files.js';
import { type Hub, type ModelName, parseModelName, shownModelName } from './model-name.js';
import { modelscopeSnapshot } from './modelscope.js';
import type { Snapshot } from './snapshot.js';

const wholeSchema = z.object({ stamps: z.record(z.string(), z.string()) });

/**
 * The folder of the model that `text` names, fetched where it is not in the cache. A commit never asks the hub again; a
 * branch asks what it is now, and where nobody answers it is what it was, with a warning.
 * @throws UserError where there is no such model, it is not for us, or it cannot be fetched; Interrupted.
 */
export function resolveModel(text: string): Promise<string> {
  const name = parseModelName(text);
  return fetchOnce(`${cacheDirectory()} ${shownModelName(name)}`, (context) => fetchModel(name, context));
}

function snapshotOf(name: ModelName, context: FetchContext): Promise<Snapshot> {
  return name.hub === 'ms' ? modelscopeSnapshot(name, context) : hubSnapshot(name, context);
}

async function hubSnapshot(name: ModelName, context: FetchContext): Promise<Snapshot> {
  const repo: HubRepo = { kind: 'model', name: name.name, revision: name.revision ?? 'main' };
  const commit = await hubCommit(repo, context, 'first');
  return {
    ...{ home: join(repoHome(repo), commit), version: commit, host: new URL(hubEndpoint()).host },
    files: () => hubListing(repo, commit, context),
    request: (path) => hubRequest(hubFileUrl(repo, commit, path), repo),
  };
}

async function fetchModel(name: ModelName, context: FetchContext): Promise<string> {
  const snapshot = await snapshotOf(name, context);
  const { record, folder } = placeOf(name, snapshot.home);
  if (await isAsItWas(record, folder)) return folder;
  await remember(record, { stamps: await fetchFiles(name, snapshot, context) });
  return folder;
}

/**
 * One small file of a model that may not be here: what is planned with should not take gigabytes.
 * @returns where it lies. @throws UserError as `resolveModel` does, and where the model has no such file.
 */
export function resolveModelFile(text: string, file: string): Promise<string> {
  const name = parseModelName(text);
  return fetchOnce(`${cacheDirectory()} ${shownModelName(name)} ${file}`, async (context) => {
    const snapshot = await snapshotOf(name, context);
    const path = name.folder === undefined ? file : `${name.folder}/${file}`;
    const files = await snapshot.files();
    const found = files.find((each) => each.path === path);
    if (found === undefined) {
      wholeModelFiles(name, filesBelow(name, files)); // says what there is instead, where that is no model
      const next =
        file === configName ? 'It is an adapter: plan with its base, --from hf:BASE --lora' : 'Name another model';
      throw new UserError({ what: `this model has no ${file}`, where: shownModelName(name), next });
    }
    const target = join(snapshot.home, 'files', path);
    const { checksum, size } = found;
    await download({ ...snapshot.request(path), path: target, label: `${name.name} ${file}`, checksum, size }, context);
    return target;
  });
}

/** Every file that was fetched and checked is still that very file: it need not be read to the end for its checksum. */
async function isAsItWas(record: string, folder: string): Promise<boolean> {
  const known = await readCached(record, wholeSchema);
  if (typeof known !== 'object') return false;
  const stamps = Object.entries(known.value.stamps);
  const now = await Promise.all(stamps.map(([path]) => fileStamp(join(folder, path)).catch(() => undefined)));
  return stamps.length > 0 && stamps.every(([, stamp], i) => stamp === now[i]);
}

const prefixOf = ({ folder }: ModelName): string => (folder === undefined ? '' : `${folder}/`);

function filesBelow(name: ModelName, files: readonly HubFile[]): string[] {
  const inFolder = prefixOf(name);
  return files.flatMap(({ path }) => (path.startsWith(inFolder) ? [path.slice(inFolder.length)] : []));
}

/** @returns the stamp of each file, by its path in the model's folder. */
async function fetchFiles(name: ModelName, snapshot: Snapshot, context: FetchContext): Promise<Record<string, string>> {
  const inFolder = prefixOf(name);
  const there = new Map(
    (await snapshot.files()).flatMap((file) =>
      file.path.startsWith(inFolder) ? [[file.path.slice(inFolder.length), file]] : [],
    ),
  );
  const stamps: Record<string, string> = {};
  const get = async (path: string): Promise<string> => {
    const { checksum, size, path: whole } = there.get(path) as HubFile;
    const target = join(snapshot.home, 'files', whole);
    const label = `${name.name} ${path}`;
    stamps[path] = await download({ ...snapshot.request(whole), path: target, label, checksum, size }, context);
    return target;
  };
  const { index, plain } = wholeModelFiles(name, [...there.keys()]);
  const weights = index === undefined ? [] : await shardsIn(await get(index), [...there.keys()]);
  const wanted = [...plain, ...weights];
  await announce(
    name,
    snapshot,
    wanted.map((path) => there.get(path) as HubFile),
    context,
  );
  for (const path of wanted) await get(path);
  return stamps;
}

/** Says how much will be fetched, before it is. @throws UserError where the disk has no room for it. */
async function announce(name: ModelName, snapshot: Snapshot, wanted: readonly HubFile[], { reporter }: FetchContext) {
  const missing: HubFile[] = [];
  for (const file of wanted) {
    const size = await stat(join(snapshot.home, 'files', file.path)).then(
      (found) => found.size,
      () => -1,
    );
    if (size !== file.size) missing.push(file);
  }
  if (missing.length === 0) return;
  const bytes = missing.reduce((sum, { size }) => sum + size, 0);
  const version = isCommit(snapshot.version) ? `, commit ${snapshot.version.slice(0, 12)}` : '';
  reporter.note(
    'info',
    `${shownModelName(name)}${version}: ${countOf(missing.length, 'file')}, ${formatBytes(bytes)} to fetch from ${snapshot.host} into ${snapshot.home}`,
  );
  requireDisk(snapshot.home, bytes, {
    what: `the files of ${name.name}`,
    next: 'Free some space, or name another folder for the cache: MOSSCTL_CACHE=/some/folder',
  });
}

/** The same where it is here already; undefined where it would have to be fetched. Nobody is asked. */
export async function cachedModel(name: ModelName): Promise<string | undefined> {
  const repo: HubRepo = { kind: 'model', name: name.name, revision: name.revision ?? 'main' };
  const commit = await knownCommit(repo);
  if (commit === undefined || name.hub !== 'hf') return undefined;
  const { record, folder } = placeOf(name, join(repoHome(repo), commit));
  return (await isAsItWas(record, folder)) ? folder : undefined;
}

function placeOf({ folder = '' }: ModelName, home: string): { record: string; folder: string } {
  return { record: join(home, `whole-${encodeURIComponent(folder)}.json`), folder: join(home, 'files', folder) };
}

const cachedPath =
  /(?:^|[/\\])(hf|ms)-models[/\\]([\w.-]+)\+([\w.-]+)[/\\]([0-9a-f]{40,64})[/\\]files(?:[/\\](.+?))?[/\\]?$/;

/** Which published model lies in a folder of a cache, here or on another machine: `hf:ORG/NAME@COMMIT`. */
export function publishedName(folder: string): string | undefined {
  const [, hub, organization, name, revision, inside] = cachedPath.exec(folder) ?? [];
  if (hub === undefined) return undefined;
  const place = inside === undefined ? {} : { folder: inside.replaceAll('\\', '/') };
  return shownModelName({ hub: hub as Hub, name: `${organization}/${name}`, revision, ...place });
}
