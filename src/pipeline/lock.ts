// One `run` per folder: a file with the holder's process id, made with link(), which either succeeds whole or fails.
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifAbsent, systemErrorCode, UserError } from '../base/errors.js';
import { temporarySibling } from '../base/files.js';
import { lockName } from '../base/layout.js';

/**
 * Holds `directory` until the returned function is called. The lock of a process that is gone is taken over.
 * @throws UserError where another live process holds it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, lockName);
  while (!(await tryLock(path))) await removeStale(path, directory);
  return () => rm(path, { force: true });
}

async function tryLock(path: string): Promise<boolean> {
  const mine = temporarySibling(path);
  await writeFile(mine, `${process.pid}\n`);
  try {
    return await tryLink(mine, path);
  } finally {
    await rm(mine, { force: true });
  }
}

/** False where another was faster: it holds the lock, or has already cleared `mine` away with other temporary files. */
async function tryLink(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes(systemErrorCode(error) ?? '')) return false;
    throw error;
  }
}

/** Moves the lock aside before deleting it, so that two processes cannot both take over, one deleting the other's. */
async function removeStale(path: string, directory: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder === undefined) return;
  if (isAlive(holder)) {
    throw new UserError({
      what: 'another mossctl is working in this folder',
      where: directory,
      why: `process ${holder} holds it`,
      next: `Wait for it, choose another folder with --out, or delete ${path} if that process is no mossctl`,
    });
  }
  const aside = temporarySibling(path);
  const isMoved = await rename(path, aside).then(() => true, ifAbsent(false));
  if (!isMoved) return;
  if (!Object.is(await readHolder(aside), holder)) await tryLink(aside, path);
  await rm(aside, { force: true });
}

/** NaN where the file holds no process id: nobody alive. */
async function readHolder(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(ifAbsent(undefined));
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** Our own id is that of a predecessor: in containers every process may get the same one. */
function isAlive(pid: number): boolean {
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}
