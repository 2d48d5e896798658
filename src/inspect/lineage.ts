// Where the ancestors of a checkpoint are: a manifest names them by digest alone, so the folders around are searched,
// nearest first: its stage, its run, the runs beside it.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256File } from '../base/files.js';
import { manifestName } from '../base/layout.js';
import type { Manifest } from '../checkpoint/manifest.js';
import { foldersIn } from '../checkpoint/other-kinds.js';

export type Ancestor = Manifest['lineage'][number] & {
  /** Where it was found; null: not near. */
  path: string | null;
};

/** `runs/<name>/align/round-01/step-000010`: four folders up are all runs. */
const levelsUp = 4;
const levelsDown = 4;
const maxFolders = 1000;
const maxManifestBytes = 16 << 20;

/** The ancestors, oldest first, each with the folder whose manifest has its digest. */
export async function findAncestors(directory: string, lineage: Manifest['lineage']): Promise<Ancestor[]> {
  const found = new Map<string, string>();
  const wanted = new Set(lineage.map(({ digest }) => digest));
  const seen = new Set<string>([directory]);
  let top = directory;
  for (let up = 0; up < levelsUp && wanted.size > 0 && seen.size < maxFolders; up++) {
    if (top === dirname(top)) break;
    top = dirname(top);
    let folders = [top];
    for (let down = 0; down <= levelsDown && wanted.size > 0; down++) {
      const below: string[] = [];
      for (const folder of folders) {
        const digest = await manifestDigest(folder);
        if (digest !== undefined && wanted.delete(digest)) found.set(digest, folder);
        if (digest === undefined) below.push(...(await foldersIn(folder)).reverse());
      }
      folders = below.filter((folder) => !seen.has(folder)).slice(0, maxFolders - seen.size);
      for (const folder of folders) seen.add(folder);
    }
  }
  return lineage.map((ancestor) => ({ ...ancestor, path: found.get(ancestor.digest) ?? null }));
}

async function manifestDigest(folder: string): Promise<string | undefined> {
  const path = join(folder, manifestName);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile() || found.size > maxManifestBytes) return undefined;
  return sha256File(path).catch(() => undefined);
}
