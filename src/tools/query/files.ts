// The person's files as DuckDB reads them: CSV, JSON and Parquet as they are where they are UTF-8; what is in another encoding,
// and Arrow, is written once more by our own readers, into a folder that is gone once the tables are loaded.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { ifAbsent, UserError } from '../../base/errors.js';
import { formatBytes } from '../../base/format.js';
import { readArrowRows } from '../../data/sources/arrow.js';
import { openBytes } from '../../data/sources/bytes.js';
import { filesAt, type SourceFile } from '../../data/sources/files.js';
import { readLines } from '../../data/sources/lines.js';
import { recordFormatOf } from '../../data/sources/records.js';
import type { TableFile } from './question.js';

const maxTables = 16;
const maxFileBytes = 512 << 20;
const maxNameCharacters = 48;
const tableName = /\.(?:jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|ipc)(?:\.(?:gz|zst))?$/i;

/** A file of the person's, and what its table is called. */
export interface NamedTable {
  name: string;
  file: SourceFile;
}

/** The files that a list of paths, folders and patterns names, each with the name of its table. @throws UserError */
export async function tableFilesAt(paths: readonly string[]): Promise<NamedTable[]> {
  const found: SourceFile[] = [];
  for (const path of paths) {
    const files = (await stat(path).catch(ifAbsent(undefined)))?.isDirectory()
      ? (await filesAt(path)).filter(({ name }) => tableName.test(name))
      : await filesAt(path);
    if (files.length === 0) {
      throw new UserError({
        what: 'there is no table here',
        where: path,
        next: 'Give CSV, JSON lines, Parquet or Arrow files, a folder or a pattern of them: Query=sales.csv,people.parquet',
      });
    }
    found.push(...files);
  }
  if (found.length > maxTables) {
    const where = paths.join(',');
    throw new UserError({ what: `these are ${found.length} tables`, where, next: `Give at most ${maxTables}` });
  }
  const taken = new Set<string>();
  return found.map((file) => ({ file, name: nameOf(file, taken) }));
}

/** A plain identifier, so that a model need not quote it. */
function nameOf({ path }: SourceFile, taken: Set<string>): string {
  const stem = basename(path).replace(tableName, '').normalize('NFC');
  const plain = stem
    .replace(/[^\p{L}\p{N}_]+/gu, '_')
    .slice(0, maxNameCharacters)
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
  const start = plain === '' ? 'table_1' : /^\p{N}/u.test(plain) ? `t_${plain}` : plain;
  let name = start;
  for (let n = 2; taken.has(name); n++) name = `${start}_${n}`;
  taken.add(name);
  return name;
}

/** @param folder for what is written once more. @throws UserError where it cannot be read. */
export async function tableFile(
  { file, name }: NamedTable,
  folder: string,
  note: (text: string) => void,
): Promise<TableFile> {
  const { size } = await stat(file.path);
  if (size > maxFileBytes) {
    const why = `it has ${formatBytes(size)}, at most ${formatBytes(maxFileBytes)} are read`;
    throw new UserError({ what: 'this table is too large', where: file.path, why, next: 'Give a part of it' });
  }
  const format = await recordFormatOf(file);
  const shown = file.path;
  if (format === 'parquet') return { name, path: file.path, format, shown };
  if (format === 'arrow') {
    return { name, path: await asJsonLines(file, join(folder, `${name}.jsonl`), note), format: 'json', shown };
  }
  const kind = format === 'csv' || format === 'tsv' ? 'csv' : 'json';
  const path = (await isUtf8File(file.path))
    ? file.path
    : await asUtf8(file.path, join(folder, `${name}.${kind}`), note);
  return { name, path, format: kind, shown };
}

async function isUtf8File(path: string): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const bytes of await openBytes(path)) decoder.decode(bytes, { stream: true });
    decoder.decode();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

async function* asLines(texts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of texts) yield `${text}\n`;
}

async function asUtf8(path: string, target: string, note: (text: string) => void): Promise<string> {
  return written(asLines(readLines(path, { notice: note })), target);
}

/** @param note hears which columns are of a kind that is not read. */
async function asJsonLines(file: SourceFile, target: string, note: (text: string) => void): Promise<string> {
  const missing = new Map<string, string>();
  const lines = async function* (): AsyncGenerator<string> {
    const rows = readArrowRows(file.path, (columns) => {
      for (const { name, type } of columns) missing.set(name, type);
      return columns.map(({ name }) => name);
    });
    for await (const row of rows) {
      if ('notText' in row) throw new UserError({ what: row.notText, where: file.path });
      for (const [name, value] of Object.entries(row.record)) if (value !== undefined) missing.delete(name);
      yield JSON.stringify(row.record);
    }
  };
  const path = await written(asLines(lines()), target);
  for (const [name, type] of missing) note(`${file.path}: column ${name} is skipped: ${type} is not read`);
  return path;
}

async function written(texts: AsyncIterable<string>, target: string): Promise<string> {
  const stream = createWriteStream(target, { flags: 'wx', mode: 0o600 });
  for await (const text of texts) if (!stream.write(text)) await once(stream, 'drain');
  stream.end();
  await finished(stream);
  return target;
}
