// Rows of a data set on the Hugging Face hub: `hf:ORG/NAME`, with `@REVISION` and `:PATH` where they are needed. Without a path
// it is the split called train, which must be the only one of its kind: which of several configurations is meant is not guessed.
import { UserError } from '../../base/errors.js';
import { fetchOnce } from '../../network/fetching.js';
import { hubCommit } from '../../network/hub.js';
import type { SourceFile } from './files.js';
import { hubFiles, repoOf } from './hub.js';

const form =
  /^hf:([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,199}))?(?:[:#]([^\\]+))?$/;
const rowName = /\.(?:jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|ipc)(?:\.(?:gz|zst))?$/i;
/** `train`, as a file or a folder, alone or before a number: `data/train-00000-of-00002.parquet`. */
const trainName = /(?:^|[/._-])train(?:ing)?(?=$|[/._-])/i;

export function isDatasetName(text: string): boolean {
  return text.startsWith('hf:');
}

/** The files of rows that such a name means, fetched where they are not in the cache. @throws UserError */
export function datasetRows(text: string): Promise<SourceFile[]> {
  return fetchOnce(`rows of ${text}`, async (context) => {
    const { source, path } = parse(text);
    const commit = await hubCommit(repoOf(source), context);
    const files: SourceFile[] = [];
    for (const remote of chosen(await hubFiles(source, commit, context), source.dataset, path)) {
      const { stamp, ...file } = await remote.get();
      files.push({ ...file, ...(stamp !== undefined && { stamp }), name: `${source.dataset}/${remote.name}` });
    }
    return files;
  });
}

/** The commit that such a name stands for, and its path in it: what it holds, known without fetching it. */
export function datasetCommit(text: string): Promise<{ commit: string; path: string }> {
  return fetchOnce(`commit of ${text}`, async (context) => {
    const { source } = parse(text);
    return { commit: await hubCommit(repoOf(source), context), path: source.path };
  });
}

function parse(text: string) {
  const [, dataset, revision = 'main', path] = form.exec(text) ?? [];
  if (dataset !== undefined && path?.split('/').includes('..') !== true) {
    return { source: { kind: 'hf', dataset, revision, path: path ?? '**' } as const, path };
  }
  const next = 'Write hf:ORG/NAME, with @REVISION or :PATH (a file, a folder or a pattern) behind it where needed';
  throw new UserError({ where: text, what: 'this names no data set of the hub', next });
}

function chosen<T extends { name: string }>(all: readonly T[], dataset: string, path: string | undefined): T[] {
  const rows = all.filter(({ name }) => rowName.test(name));
  if (path !== undefined && rows.length > 0) return rows;
  const train = rows.filter(({ name }) => trainName.test(name));
  const found = train.length > 0 ? train : rows.length === 1 ? rows : [];
  const folders = new Set(found.map(({ name }) => name.split('/').slice(0, -1).join('/')));
  if (path === undefined && folders.size === 1) return found;
  const names = (rows.length > 0 ? rows : all).map(({ name }) => name);
  const more = names.length > 8 ? `, and ${names.length - 8} more` : '';
  throw new UserError({
    where: `hf:${dataset}`,
    what: rows.length === 0 ? 'no file of rows is found here' : 'which of its files are meant is not clear',
    why: names.length === 0 ? 'it has no such file' : `it has ${names.slice(0, 8).join(', ')}${more}`,
    next: `Name a file, a folder or a pattern of JSONL, JSON, CSV, Parquet or Arrow: hf:${dataset}:PATH`,
  });
}
