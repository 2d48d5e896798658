// Files that are whole or absent: everything is written to a temporary sibling, fsynced and renamed.
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { constants, existsSync, readdirSync, rmSync } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ifAbsent, systemErrorCode } from './errors.js';
import { isRecord } from './objects.js';
import { hasProcess } from './process.js';

/** Writes `data` to `path` so that a crash leaves the old file or the new one, never a part. */
export function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  return moveIntoPlace(path, (temporary) => writeFileDurable(temporary, data));
}

/** Writes and fsyncs a file in place: for files inside a folder that is itself renamed into place later. */
export function writeFileDurable(path: string, data: string | Uint8Array): Promise<void> {
  return writeFile(path, data, { flush: true });
}

/** Builds a folder under a temporary name with `fill`, then renames it to `path`. `path` must not exist. */
export function writeDirectoryAtomic<T>(path: string, fill: (temporary: string) => Promise<T>): Promise<T> {
  return moveIntoPlace(path, async (temporary) => {
    await mkdir(temporary);
    const result = await fill(temporary);
    await syncDirectory(temporary);
    return result;
  });
}

async function moveIntoPlace<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const parent = dirname(path);
  await makeDirectory(parent);
  const temporary = temporarySibling(path);
  try {
    const result = await write(temporary);
    await rename(temporary, path);
    await syncDirectory(parent);
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw withPath(error, path);
  }
}

/** The system does not say which file it could not write. */
export function withPath(error: unknown, path: string): unknown {
  if (systemErrorCode(error) === undefined || !(error instanceof Error)) return error;
  return 'path' in error ? error : Object.assign(error, { path });
}

/**
 * As `writeDirectoryAtomic`, in the place of an earlier folder, which stays until the new one is whole. What a killed try
 * left beside it is removed.
 */
export async function replaceDirectory<T>(path: string, fill: (temporary: string) => Promise<T>): Promise<T> {
  const parent = dirname(path);
  for (const name of await readdir(parent).catch(() => [])) {
    if (name.startsWith(`.tmp-${basename(path)}-`)) await rm(join(parent, name), { recursive: true });
  }
  const earlier = temporarySibling(path);
  const result = await writeDirectoryAtomic(path, async (temporary) => {
    const filled = await fill(temporary);
    if (await exists(path)) await rename(path, earlier);
    return filled;
  });
  await rm(earlier, { recursive: true, force: true });
  return result;
}

/** Makes a folder, and those above it where they are absent, so that a power cut does not take them back. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const end = dirname(resolve(first));
  for (let made = resolve(path); made !== end && made !== dirname(made); made = dirname(made)) {
    await syncDirectory(dirname(made));
  }
}

/**
 * Hidden, so that nothing mistakes it for a finished one; readers ignore names that start with `.tmp-`. It says which process
 * writes it.
 */
export function temporarySibling(path: string): string {
  return join(dirname(path), `.tmp-${basename(path)}-${process.pid}-${randomBytes(4).toString('hex')}`);
}

/** Removes what processes that are gone left beside `path` while they wrote it; to be called before this one does. */
export async function removeAbandoned(path: string): Promise<void> {
  for (const { name, pid } of temporariesOf(path, await readdir(dirname(path)).catch(() => []))) {
    if (pid === process.pid || !hasProcess(pid)) await rm(name, { recursive: true, force: true });
  }
}

/** Removes what this process is writing as `path`, at once: it is about to end. */
export function removeUnfinished(path: string): void {
  const folder = dirname(path); // may be yet to be made
  for (const { name, pid } of temporariesOf(path, existsSync(folder) ? readdirSync(folder) : [])) {
    if (pid === process.pid) rmSync(name, { recursive: true, force: true, maxRetries: 3 });
  }
}

function temporariesOf(path: string, names: readonly string[]): { name: string; pid: number }[] {
  const prefix = `.tmp-${basename(path)}-`;
  return names.flatMap((name) => {
    const match = name.startsWith(prefix) ? /^(\d+)-[0-9a-f]{8}$/.exec(name.slice(prefix.length)) : null;
    return match === null ? [] : [{ name: join(dirname(path), name), pid: Number(match[1]) }];
  });
}

/** Not on Windows, which opens no folder: there a rename is as durable as the system makes it. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The files and links below a folder by their paths in it, in one order on every machine; no link is followed. */
export async function filesBelow(folder: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(folder, path) : [path];
    }),
  );
  return found.flat().sort();
}

export async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** sha256 of a file, hex. */
export async function sha256File(path: string): Promise<string> {
  return (await hashFile(path, createHash('sha256'))).digest('hex');
}

/** Adds the content of a file, read in pieces that stay in a core's cache (twice as fast as a stream of 1 MiB). */
export async function hashFile(path: string, hash: Hash): Promise<Hash> {
  const piece = Buffer.allocUnsafe(1 << 18);
  const handle = await open(path, 'r');
  try {
    for (let length = -1; length !== 0; ) {
      length = (await handle.read(piece)).bytesRead;
      hash.update(piece.subarray(0, length));
    }
  } finally {
    await handle.close();
  }
  return hash;
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** sha256 of a JSON value with its keys sorted: equal values, equal digests. */
export function digestOf(value: unknown): string {
  return sha256(JSON.stringify(value, (_, inner: unknown) => sortKeys(inner)));
}

/** What JSON.stringify's replacer gives for sorted keys at every depth. */
export function sortKeys(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** A small JSON file that we wrote ourselves; undefined where it is absent. */
export async function readJsonIfExists(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(ifAbsent(undefined));
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
