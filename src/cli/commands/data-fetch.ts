// mossctl data fetch: brings what a data-spec needs from outside into the cache.
import { stat } from 'node:fs/promises';
import { alignColumns, countOf, formatBytes, printable } from '../../base/format.js';
import type { RemoteFile } from '../../data/sources/files.js';
import { parseFrom } from '../../data/sources/from.js';
import { locate } from '../../data/sources/locate.js';
import { loadDataSpec } from '../../data/spec.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine } from '../output.js';
import { reporting } from '../reporting.js';

interface FetchedFile {
  source: string;
  file: string;
  bytes: number;
  path: string;
  /** Of an hf source. */
  commit?: string;
}

/** Asks anew what a branch of the hub stands for; what is in the cache already is not fetched again. */
export async function fetch(specPath: string, options: OutputOptions): Promise<void> {
  const spec = await loadDataSpec(specPath);
  const fetched = await reporting('data', options, async (context) => {
    const all: FetchedFile[] = [];
    for (const source of spec.sources) {
      const { kind } = parseFrom(source.from);
      if (kind === 'file' || kind === 'stdin') continue;
      const { files, commit } = await locate(source, { spec, specPath, refresh: true }, context);
      const text = `${source.name}: ${inWords(files)}${commit === undefined ? '' : `, commit ${commit}`}`;
      context.reporter.note('info', text);
      for (const file of files) {
        const { path } = await file.get();
        const { size } = await stat(path);
        all.push({ source: source.name, file: file.name, bytes: size, path, ...(commit && { commit }) });
      }
    }
    return all;
  });
  if (options.json) printJson({ type: 'result', fetched });
  else if (fetched.length === 0) printLine('nothing to fetch: every source is a file or standard input');
  else {
    const rows = fetched.map(({ source, bytes, path }) => [source, formatBytes(bytes), printable(path)]);
    printLine(alignColumns(rows, (column) => column === 1).join('\n'));
  }
}

/** `12 files, 3.1 GB; 2 files, 1.0 GB to fetch` */
function inWords(files: readonly RemoteFile[]): string {
  const count = (some: readonly RemoteFile[]): string => {
    const sizes = some.map(({ bytes }) => bytes);
    const size = sizes.every((bytes) => bytes !== undefined)
      ? `, ${formatBytes(sizes.reduce((sum, bytes) => sum + bytes, 0))}`
      : ' of unknown size';
    return `${countOf(some.length, 'file')}${size}`;
  };
  const missing = files.filter(({ isCached }) => !isCached);
  if (missing.length === 0) return `${count(files)}; all in the cache`;
  return missing.length === files.length ? `${count(files)} to fetch` : `${count(files)}; ${count(missing)} to fetch`;
}
