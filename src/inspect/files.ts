// The files of a checkpoint, each compared with what was saved: all of them, whatever the first fault is.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from '../base/errors.js';
import { sha256File } from '../base/files.js';
import { manifestName, trainingFolder } from '../base/layout.js';
import { identifyDirectory } from '../checkpoint/directory.js';
import { isForeign } from '../checkpoint/hf.js';
import { type Manifest, readManifest } from '../checkpoint/manifest.js';

export interface FileReport {
  name: string;
  /** null: the file is missing. */
  bytes: number | null;
  /** Computed now; null where it was not. */
  sha256: string | null;
  /**
   * `hashed`: there is no manifest to compare with. `absent`: only resuming needs it. `unlisted`: the manifest does not
   * know it.
   */
  state: 'verified' | 'hashed' | 'not checked' | 'damaged' | 'missing' | 'absent' | 'unlisted';
}

interface Identity {
  manifest: Manifest;
  /** null: a third-party model, not hashed. */
  digest: string | null;
  files: FileReport[];
  faults: Fault[];
}

/** Our own by its mossctl.json, a third-party model by its files. `verify` hashes them. */
export async function identify(directory: string, verify: boolean): Promise<Identity> {
  if (!(await isForeign(directory))) {
    const { manifest, digest } = await readManifest(directory);
    return { manifest, digest, ...(await compareFiles(directory, manifest, verify)) };
  }
  const hash = verify ? sha256File : async () => '';
  const { manifest, digest } = await identifyDirectory(directory, hash);
  const files: FileReport[] = [];
  for (const [name, sha256] of Object.entries(manifest.files)) {
    const bytes = await sizeOf(join(directory, name));
    files.push({ name, bytes, sha256: verify ? sha256 : null, state: verify ? 'hashed' : 'not checked' });
  }
  return { manifest, digest: verify ? digest : null, files, faults: [] };
}

async function compareFiles(directory: string, manifest: Manifest, verify: boolean) {
  const files: FileReport[] = [];
  const faults: Fault[] = [];
  const blame = (name: string, why: string): void => {
    const next = 'Use an earlier step, or run the stage again';
    faults.push({ what: 'this checkpoint is damaged', where: join(directory, name), why, next });
  };
  for (const [name, expected] of Object.entries(manifest.files)) {
    const path = join(directory, name);
    const bytes = await sizeOf(path);
    const isMissing = bytes === null;
    const sha256 = isMissing || !verify ? null : await sha256File(path);
    let state: FileReport['state'] = sha256 === expected ? 'verified' : 'damaged';
    if (isMissing) state = name.startsWith(`${trainingFolder}/`) ? 'absent' : 'missing';
    else if (sha256 === null) state = 'not checked';
    files.push({ name, bytes, sha256, state });
    if (state === 'missing') blame(name, 'the file is missing');
    if (state === 'damaged') blame(name, `its ${bytes} bytes are not the ones that were saved (sha256 differs)`);
  }
  for (const name of (await readdir(directory)).sort()) {
    if (name === manifestName || name === trainingFolder || manifest.files[name] !== undefined) continue;
    files.push({ name, bytes: await sizeOf(join(directory, name)), sha256: null, state: 'unlisted' });
  }
  return { files, faults };
}

async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : null;
}
