// Records of a file: its rows as values of named columns, whichever format it is in, and the rows that could not be read,
// each with its fault. One table: format → reader. What a record means is for who asks to say.
import { UserError } from '../../base/errors.js';
import { parseJsonLine } from '../../base/jsonl.js';
import { jsonIn } from '../../base/objects.js';
import { commandLine } from '../../base/shell.js';
import { readJsonFile } from '../json-file.js';
import { readColumnarRecords } from './columnar.js';
import { columnsIn, readCsvRecords } from './csv.js';
import type { SourceFile } from './files.js';
import { identifyFile } from './kinds.js';
import { readRawLines } from './lines.js';
import type { RecordFormat, RecordOptions, Records } from './record.js';
import { taskInstances } from './task-file.js';

const readers: Record<RecordFormat, (file: SourceFile, options: RecordOptions) => Records> = {
  jsonl: readJsonLines,
  json: readJsonList,
  csv: readCsvRecords,
  tsv: (file, options) => readCsvRecords(file, options, '\t'),
  parquet: (file, options) => readColumnarRecords(file, 'parquet', options),
  arrow: (file, options) => readColumnarRecords(file, 'arrow', options),
};

export function readRecords(file: SourceFile, format: RecordFormat, options: RecordOptions = {}): Records {
  return readers[format](file, options);
}

const jsonName = /\.(?:jsonl|ndjson|json)(?:\.\w+)?$/i;
const tableName = /\.(?:csv|tsv)(?:\.\w+)?$/i;

/**
 * Of a file that is known to hold records: by its first bytes; of text, by how it begins. Where that is neither a list nor
 * an object, it is a table of several columns, or by its name JSON lines whose first one is broken.
 */
export async function recordFormatOf(file: SourceFile): Promise<RecordFormat> {
  const { format, line } = await beginningOf(file);
  if (format !== undefined) return format;
  if (line.startsWith('[') || line === '{') return 'json';
  return !line.startsWith('{') && !jsonName.test(file.name) && columnsIn(line).length > 1 ? 'csv' : 'jsonl';
}

/** Of a file that may be plain text as well: that is what neither its first line nor its name says to be records. */
export async function textFormatOf(file: SourceFile): Promise<RecordFormat | 'txt'> {
  const { format, line } = await beginningOf(file);
  if (format !== undefined) return format;
  if (/^\[\s*(?:\{|$)/.test(line)) return 'json';
  if (line.startsWith('{') && jsonIn(line) !== undefined) return 'jsonl';
  if (jsonName.test(file.name)) return /\.json(?:\.\w+)?$/i.test(file.name) ? 'json' : 'jsonl';
  return tableName.test(file.name) ? 'csv' : 'txt';
}

/** Where nothing in a file says what it is, so that the reader of that format says what is wrong with it. */
const columnarName = /\.(?:(parquet)|arrow|feather|ipc)$/i;

/** The first line that is not blank, where the first bytes do not say enough; '' where it is unreadable, too. */
async function beginningOf({ path }: SourceFile): Promise<{ format?: RecordFormat; line: string }> {
  const { kind } = await identifyFile(path);
  if (kind === 'parquet' || kind === 'arrow') return { format: kind, line: '' };
  for await (const line of readRawLines(path)) {
    if ('fault' in line || line.text.includes('\0')) {
      const named = columnarName.exec(path);
      return { ...(named !== null && { format: named[1] === undefined ? 'arrow' : 'parquet' }), line: '' };
    }
    const text = line.text.trim();
    if (text !== '') return { line: text };
  }
  return { line: '' };
}

/** A broken line is one bad row; the next one is read all the same. */
async function* readJsonLines({ path, name }: SourceFile, options: RecordOptions): Records {
  for await (const { number, ...line } of readRawLines(path, options)) {
    const place = { at: `${name}:${number}`, line: number };
    if ('fault' in line) yield { ...place, fault: line.fault };
    else if (line.text.trim() !== '') {
      const where = `${path}:${number}`;
      try {
        yield { ...place, where, value: parseJsonLine(line.text.trim(), path, number) };
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        yield { ...place, fault: error };
      }
    }
  }
}

async function* readJsonList({ path, name }: SourceFile, options: RecordOptions): Records {
  const content = await readJsonFile(path, options);
  const rows = taskInstances(content) ?? content;
  if (!Array.isArray(rows)) throw noList(rows, path);
  for (const [index, value] of rows.entries()) {
    yield { value, at: `${name}#${index}`, line: index + 1, where: `${path}, row ${index + 1}` };
  }
}

function noList(value: unknown, path: string): UserError {
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const list = fields.find(([, field]) => Array.isArray(field) && field.length > 0 && typeof field[0] === 'object');
  const names = fields.map(([name]) => name).slice(0, 8);
  const filter = list === undefined || names.includes('messages') ? '.' : `.[${JSON.stringify(list[0])}][]`;
  return new UserError({
    what: 'a list of rows was expected',
    where: path,
    why: fields.length === 0 ? undefined : `this is one object over several lines, with the fields ${names.join(', ')}`,
    next: `Write each row on a line of its own: ${commandLine('jq', '-c', filter, path)} > rows.jsonl`,
  });
}
