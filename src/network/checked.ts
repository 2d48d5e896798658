// What lies in the cache is believed for its checksum, at every use, and never for its name: a disk, a kill or an editor
// may have changed it since. What does not agree is fetched again, and a person hears of it.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { z } from 'zod';
import { ifAbsent, UserError } from '../base/errors.js';
import { hashFile } from '../base/files.js';
import { readSealed } from '../base/sealed.js';
import type { FetchContext } from './http.js';

export interface Checksum {
  /** git: sha1 of `blob SIZE\0` and the content. */
  algorithm: 'sha256' | 'sha512' | 'git';
  /** base64 or small hexadecimal digits. */
  value: string;
}

/** `damage`: why it is not what it should be. `stamp`: of the file as it was when it was read for its checksum. */
export type CachedFile =
  | { state: 'absent'; damage?: undefined }
  | { state: 'damaged'; damage: string }
  | { state: 'whole'; stamp: string };

/** Reads the file at `path`, if there is one, and compares it with its checksum. */
export async function inspectCached(path: string, checksum: Checksum, size?: number): Promise<CachedFile> {
  const damaged = (damage: string): CachedFile => ({ state: 'damaged', damage });
  const found = await stat(path).catch(ifAbsent(undefined));
  if (found === undefined) return { state: 'absent' };
  if (!found.isFile()) return damaged(found.isDirectory() ? 'it is a folder' : 'it is no plain file');
  if (size !== undefined && found.size !== size) return damaged(`it has ${found.size} bytes, not ${size}`);
  const stamp = await fileStamp(path);
  const sum = await checksumOf(path, checksum);
  return sum === checksum.value ? { state: 'whole', stamp } : damaged(`its ${nameOf(checksum)} is ${sum}`);
}

export function nameOf({ algorithm }: Checksum): string {
  return algorithm === 'git' ? 'git sha1' : algorithm;
}

/** `sha512-…` */
export function parseIntegrity(integrity: string): Checksum {
  const [algorithm, value] = integrity.split(/-(.*)/s);
  return { algorithm: algorithm === 'sha512' ? 'sha512' : 'sha256', value };
}

/** The checksum that the file has, written as `wanted` is. */
export async function checksumOf(path: string, { algorithm, value }: Checksum): Promise<string> {
  const hash = createHash(algorithm === 'git' ? 'sha1' : algorithm);
  if (algorithm === 'git') hash.update(`blob ${(await stat(path)).size}\0`);
  return (await hashFile(path, hash)).digest(/^[0-9a-f]+$/.test(value) ? 'hex' : 'base64');
}

/** What a sealed file of the cache holds; damaged, too, where its value is of another shape or it cannot be read. */
export async function readCached<T>(path: string, schema: z.ZodType<T>): Promise<{ value: T } | 'absent' | 'damaged'> {
  const kept = await readSealed(path).catch(() => 'damaged' as const);
  if (typeof kept === 'string') return kept;
  const known = schema.safeParse(kept.value);
  return known.success ? { value: known.data } : 'damaged';
}

/** Differs where another file stands at `path` or its content was written to. */
export async function fileStamp(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs].join(' ');
}

/** @throws UserError where the file is not the one any more that it was when it got its stamp. */
export async function requireUnchanged(path: string, stamp: string): Promise<void> {
  const now = await fileStamp(path).catch(() => undefined);
  if (now === stamp) return;
  throw new UserError({
    what: 'this file changed while it was being read',
    where: path,
    why: now === undefined ? 'it is no longer there' : 'another program wrote to it or replaced it',
    next: 'Run the same command again once nothing writes to it; nothing was kept of this try',
  });
}

/**
 * Fetches again what is damaged in the cache: a warning says so, and where `fetch` fails its error names the file, too.
 * @param damage why it is damaged; undefined: it is just not there yet.
 */
export async function replacing<T>(
  path: string,
  damage: string | undefined,
  { reporter }: FetchContext,
  fetch: () => Promise<T>,
): Promise<T> {
  if (damage === undefined) return fetch();
  const fault = { what: 'this file of the cache is damaged', where: path, why: damage };
  reporter.note('warning', new UserError({ ...fault, next: 'It is fetched again' }).message);
  try {
    return await fetch();
  } catch (error) {
    throw error instanceof UserError
      ? new UserError([fault, ...error.faults], { cause: error, exitCode: error.exitCode })
      : error;
  }
}

/** For what was checked, got its name, and is not the same under it. @param why undefined: it is not there. */
export function badDisk(where: string, why = 'it is gone'): UserError {
  const next = 'See that nothing else writes to the cache and that its disk is sound, and run the same command again';
  return new UserError({ what: 'what was fetched and checked does not stay so', where, why, next }, { exitCode: 1 });
}
