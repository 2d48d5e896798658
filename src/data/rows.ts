// Rows of conversations, tasks and seeds, from a file, a folder or a pattern. A file is read by what its first bytes say:
// JSON lines, one JSON list, a table, Parquet or Arrow, compressed or not. One rule for bad rows: whoever made these rows
// wants every one of them, so each that cannot be read is an error with its place.
import { stat } from 'node:fs/promises';
import { type Fault, ifAbsent, UserError } from '../base/errors.js';
import { digestOf, sha256File } from '../base/files.js';
import { countOf } from '../base/format.js';
import { filesAt, type SourceFile } from './sources/files.js';
import { datasetCommit, datasetRows, isDatasetName } from './sources/hub-rows.js';
import type { Notice } from './sources/lines.js';
import { readRecords, recordFormatOf, textFormatOf } from './sources/records.js';

export interface Row {
  value: unknown;
  /** In a file without lines its place, from 1. */
  line: number;
  /** For errors: `path:line`. */
  where: string;
  /** Short and stable: `file:line`, in a folder with the path below it. */
  name: string;
}

/** Listed at once, so that they can be mended at once; a file with more is broken in one way, not in a hundred. */
export const maxFaults = 20;
const maxSameFaults = 3;
const rowsNotText =
  'Give rows: JSON lines, one JSON list, CSV, TSV, Parquet or Arrow. Plain text is for pretraining (format: txt in a data-spec)';
const rowFile = /\.(?:jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|ipc)(?:\.(?:gz|zst))?$/i;

/**
 * @param notice is told what was decided about a file that a person should know.
 * @throws UserError where a file cannot be read as rows, with the place of each bad row.
 */
export async function* readRows(path: string, notice?: Notice): AsyncGenerator<Row> {
  for (const file of await rowFilesAt(path, notice)) {
    const format = await recordFormatOf(file);
    const faults: Fault[] = [];
    let isRows = false;
    for await (const record of readRecords(file, format, { notice })) {
      if ('fault' in record) faults.push(...record.fault.faults);
      else {
        isRows = true;
        if (faults.length === 0) yield { ...record, name: `${file.name}:${record.line}` };
      }
      if (faults.length >= maxFaults) break;
    }
    if (faults.length === 0) continue;
    const isText = !isRows && format === 'jsonl' && (await textFormatOf(file)) === 'txt';
    throw new UserError(isText ? { ...faults[0], next: rowsNotText } : shortened(faults, file.path));
  }
}

/** A file that is wrong in one way is not wrong in twenty: the same words are said of three rows. */
export function shortened(faults: readonly Fault[], path: string): Fault[] {
  const seen = new Map<string, number>();
  const shown = faults.filter(({ what }) => {
    seen.set(what, (seen.get(what) ?? 0) + 1);
    return (seen.get(what) ?? 0) <= maxSameFaults;
  });
  const others = [...seen].flatMap(([what, count]): Fault[] => {
    const more = count - maxSameFaults;
    return more > 0 ? [{ what: `the same of at least ${countOf(more, 'more row')}: ${what}`, where: path }] : [];
  });
  return [...shown, ...others];
}

/** The files that `path` names, in order. In a folder, those that hold rows by their names. */
async function rowFilesAt(path: string, notice?: Notice): Promise<SourceFile[]> {
  if (isDatasetName(path)) return datasetRows(path);
  const kind = await stat(path).catch(ifAbsent(undefined));
  const all = await filesAt(path);
  if (kind?.isFile()) return all;
  const found = kind === undefined ? all : all.filter(({ name }) => rowFile.test(name));
  if (found.length === 0) {
    const what = kind === undefined ? 'no file is found here' : 'this folder holds no file of rows';
    const next =
      'Give a file, a folder or a pattern of .jsonl, .json, .csv, .tsv, .parquet or .arrow files, .gz and .zst too';
    throw new UserError({ what, where: path, next });
  }
  const left = all.filter((file) => !found.includes(file)).map(({ name }) => name);
  if (left.length > 0)
    notice?.(`${path}: skipped ${countOf(left.length, 'file')}, by the name no rows (first: ${left[0]})`);
  return found;
}

/** Changes when any of the rows may have changed: of one file its sha256, of several their names and those; of a data set its commit. */
export async function rowsDigest(path: string): Promise<string> {
  if (isDatasetName(path)) return digestOf(await datasetCommit(path));
  const files = await rowFilesAt(path);
  if (files.length === 1 && files[0].path === path) return sha256File(path);
  const digests: [string, string][] = [];
  for (const file of files) digests.push([file.name, await sha256File(file.path)]);
  return digestOf(digests);
}
