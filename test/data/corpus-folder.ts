// A corpus of given documents, as the data stage leaves it: for tests of what reads one.
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256File } from '../../src/base/files.js';
import { DocumentWriter, documentFile } from '../../src/data/documents.js';
import { type DataManifest, emptyHalves, manifestFormat } from '../../src/data/manifest.js';
import type { Split } from '../../src/data/split.js';
import type { Document } from '../../src/data/types.js';

export async function writeCorpus(folder: string, halves: Record<Split, readonly Document[]>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files: DataManifest['files'] = {};
  for (const split of ['train', 'validation'] as const) {
    const path = join(folder, documentFile(split));
    const writer = new DocumentWriter(path);
    for (const document of halves[split]) await writer.add(document);
    await writer.close();
    files[documentFile(split)] = { bytes: (await stat(path)).size, sha256: await sha256File(path) };
  }
  const manifest: DataManifest = {
    format: manifestFormat,
    name: 'test',
    seed: 0,
    validation: 0.1,
    total: emptyHalves(),
    languages: { zh: emptyHalves(), en: emptyHalves(), other: emptyHalves() },
    sources: [],
    facts: {},
    files,
    digest: '',
  };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
}
