// Nothing in the cache has its name before it is whole. Until then it lies beside that name in a folder that one process
// alone writes to and that is called after this process: what a dead one left is recognised by it, continued where that
// is possible and removed where it is not. Any number of processes may want the same file at once.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../base/errors.js';
import { sha256, withPath } from '../base/files.js';
import { processTag, stateOfTag, thisProcess } from '../base/process.js';
import { type Checksum, inspectCached } from './checked.js';

/** The name, in the folder of a resumable file, of what has come of it. */
export const partialData = 'data';

/** A process that can continue writes or touches what it has at least every 90 s (see http.ts); any other ends within a day. */
const maxIdleMilliseconds = { resumable: 180_000, other: 86_400_000 };

const self = thisProcess();
/** The folders that this process is using: its tag alone does not say it. */
const active = new Set<string>();

/**
 * Gives `make` a folder of its own, on the disk of `path`, and removes it afterwards.
 * @param resumable the folder may be one that a dead process left, with its `partialData`; where `make` fails, what is in
 *   it stays for the next process.
 */
export async function withPartialFolder<T>(
  path: string,
  make: (folder: string) => Promise<T>,
  { resumable = false } = {},
): Promise<T> {
  const folder = join(partialsOf(path), `${processTag(await self)}-${randomBytes(4).toString('hex')}`);
  active.add(folder);
  try {
    if (!resumable || !(await takeOver(path, folder))) await mkdir(folder, { recursive: true });
    const result = await make(folder);
    await rm(folder, { recursive: true, force: true });
    return result;
  } catch (error) {
    if (resumable) await rmdir(folder).catch(() => {});
    else await rm(folder, { recursive: true, force: true }).catch(() => {});
    throw withPath(error, path);
  } finally {
    active.delete(folder);
    // What can be continued is only superfluous where the file is there.
    if (resumable) await rmdir(partialsOf(path)).catch(() => {});
    else await removeAbandoned(path);
  }
}

/** Removes what dead processes left of `path`, which is whole now or cannot be continued. Failing at it does no harm. */
export async function removeAbandoned(path: string, { resumable = false } = {}): Promise<void> {
  for (const { folder } of await abandoned(path, resumable)) {
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
  await rmdir(partialsOf(path)).catch(() => {});
}

function partialsOf(path: string): string {
  return join(dirname(path), `.tmp-${sha256(basename(path)).slice(0, 16)}`);
}

interface AbandonedFolder {
  folder: string;
  /** Of its `partialData`. */
  bytes: number;
  /** Nobody else can write to it: its process is gone, and it is not the finished file under a second name. */
  isOurs: boolean;
}

/** What dead processes left of `path`, the most first. */
async function abandoned(path: string, resumable: boolean): Promise<AbandonedFolder[]> {
  const parent = partialsOf(path);
  const names = await readdir(parent).catch(() => []);
  const kind = resumable ? 'resumable' : 'other';
  const found: AbandonedFolder[] = [];
  for (const name of names) {
    const folder = join(parent, name);
    if (active.has(folder)) continue;
    const tag = name.replace(/-[0-9a-f]{8}$/, '');
    const state = tag === processTag(await self) ? 'dead' : await stateOfTag(tag, await self);
    if (state === 'alive') continue;
    const data = await stat(join(folder, partialData)).catch(() => undefined);
    const isIdle = state === 'unknown' && (await idleMilliseconds(folder)) > maxIdleMilliseconds[kind];
    if (state !== 'dead' && !isIdle) continue;
    found.push({ folder, bytes: data?.size ?? 0, isOurs: state === 'dead' && (data?.nlink ?? 1) === 1 });
  }
  return found.sort((a, b) => b.bytes - a.bytes);
}

/** Since anything in the folder was written, by the clock of the disk, which may be another machine's. */
async function idleMilliseconds(folder: string): Promise<number> {
  const timeOf = async (path: string): Promise<number> => (await stat(path)).mtimeMs;
  try {
    const names = await readdir(folder);
    const written = await Promise.all([timeOf(folder), ...names.map((name) => timeOf(join(folder, name)))]);
    const probe = await mkdtemp(`${folder}-now-`);
    const now = await timeOf(probe);
    await rmdir(probe);
    return now - Math.max(...written);
  } catch {
    return 0; // it is being worked in, or gone
  }
}

/** Moving a folder succeeds for one process only. */
async function takeOver(path: string, folder: string): Promise<boolean> {
  for (const { folder: earlier, bytes, isOurs } of await abandoned(path, true)) {
    if (bytes === 0) continue;
    try {
      await rename(earlier, folder);
      if (!isOurs) await detach(join(folder, partialData));
      return true;
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
  return false;
}

/** A process that was only stopped, on another machine, may still have the file open: it keeps that one, we get a copy. */
async function detach(path: string): Promise<void> {
  await copyFile(path, `${path}.copy`, constants.COPYFILE_FICLONE);
  await rename(`${path}.copy`, path);
}

/**
 * Gives `made`, which has been checked, its name.
 * @param checksum of what has that name already: another process may have been faster, and then its file stays, because
 *   it may be being read.
 */
export async function placeFile(made: string, path: string, checksum: Checksum, size?: number): Promise<void> {
  try {
    await link(made, path);
    return;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST' && (await inspectCached(path, checksum, size)).state === 'whole') return;
  }
  // What has the name is damaged, or this disk has no hard links.
  await replaceFile(made, path);
}

/** Gives `made` its name in the place of what has it. */
export async function replaceFile(made: string, path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined))?.isDirectory()) await rm(path, { recursive: true, force: true });
  await rename(made, path);
}

/** The same for a folder. @param aside where what has the name is moved to if it is not whole. */
export async function placeFolder(
  made: string,
  path: string,
  aside: string,
  isWhole: () => Promise<boolean>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await rename(made, path);
      return;
    } catch (error) {
      if (await isWhole()) return;
      if (tries === 3 || !['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EPERM'].includes(systemErrorCode(error) ?? ''))
        throw error;
    }
    await rename(path, `${aside}-${tries}`).catch(() => {});
  }
}
