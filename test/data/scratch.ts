// A temporary folder with a data-spec in it, and the events of building it: shared by the tests of this folder.
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildData } from '../../src/data/build.js';
import { readDocuments } from '../../src/data/documents.js';
import type { Split } from '../../src/data/split.js';
import type { Document } from '../../src/data/types.js';
import { type Event, stageReporter } from '../../src/report/event.js';

/** Writes `files` (relative path → content) into a new temporary folder. */
export async function scratch(files: Record<string, string | Uint8Array> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-data-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

export function build(
  folder: string,
  options: {
    validation?: number;
    seed?: number;
    out?: string;
    signal?: AbortSignal;
    strict?: boolean;
    stdin?: string;
    /** Called at each report of progress. */
    onProgress?: () => void;
  } = {},
): Promise<{ path: string; digest: string; metrics: Record<string, number>; events: Event[] }> {
  const events: Event[] = [];
  const emit = (event: Event): void => {
    events.push(event);
    if (event.type === 'progress') options.onProgress?.();
  };
  return buildData({
    specPath: join(folder, 'spec.yaml'),
    validation: options.validation ?? 0.1,
    strict: options.strict ?? false,
    stdin: options.stdin,
    directory: join(folder, options.out ?? 'data'),
    seed: options.seed ?? 1,
    reporter: stageReporter({ emit }, 'data'),
    signal: options.signal,
  }).then((result) => ({ ...result, events }));
}

export async function documentsOf(path: string, split: Split): Promise<Document[]> {
  const documents: Document[] = [];
  for await (const document of readDocuments(path, split)) documents.push(document);
  return documents;
}
