// Files that were unpacked from a checked archive, with a sealed list of them and of their checksums: the archive need not
// be read again, and a file that was cut, changed, added or taken away since is noticed.
import { lstat, readdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { sha256File } from '../../base/files.js';
import { writeSealed } from '../../base/sealed.js';
import { inspectCached, readCached } from '../../network/checked.js';

const listSchema = z.object({
  files: z.array(z.object({ name: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});

/** `file`: the first that is not as it was unpacked. `stamps`: of every file, by its absolute path. */
export type UnpackedState =
  | { state: 'absent'; file?: undefined; damage?: undefined }
  | { state: 'damaged'; file: string; damage: string }
  | { state: 'whole'; stamps: ReadonlyMap<string, string> };

/** Where, in the folder, the files themselves are. */
export function unpackedFiles(folder: string): string {
  return join(folder, 'content');
}

function listOf(folder: string): string {
  return join(folder, 'list.json');
}

/** Writes the list of what has been unpacked into `unpackedFiles(folder)`. */
export async function sealUnpacked(folder: string): Promise<void> {
  const root = unpackedFiles(folder);
  const files: { name: string; sha256: string }[] = [];
  for (const name of await namesBelow(root)) files.push({ name, sha256: await sha256File(join(root, name)) });
  await writeSealed(listOf(folder), { files });
}

/** Reads all of the files and compares them with the list. */
export async function inspectUnpacked(folder: string): Promise<UnpackedState> {
  const damaged = (file: string, damage: string): UnpackedState => ({ state: 'damaged', file, damage });
  const list = listOf(folder);
  const known = await readCached(list, listSchema);
  if (known === 'absent' && (await isAbsent(folder))) return { state: 'absent' };
  if (typeof known === 'string') {
    return damaged(list, known === 'absent' ? 'it is gone' : 'it is not as it was written');
  }
  const { files } = known.value;
  const root = unpackedFiles(folder);
  const expected = new Set(files.map(({ name }) => name));
  const added = (await namesBelow(root)).find((name) => !expected.has(name));
  if (added !== undefined) return damaged(join(root, added), 'it was not in the archive');
  const stamps = new Map<string, string>();
  for (const { name, sha256: value } of files) {
    const path = join(root, name);
    const file = await inspectCached(path, { algorithm: 'sha256', value });
    if (file.state !== 'whole') return damaged(path, file.damage ?? 'it is gone');
    stamps.set(resolve(path), file.stamp);
  }
  return { state: 'whole', stamps };
}

function isAbsent(path: string): Promise<boolean> {
  return lstat(path).then(
    () => false,
    () => true,
  );
}

/** Of all that is no folder, with forward slashes, in one order. */
async function namesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}
