// Rows of named columns (JSON lines, or one JSON list) → documents, and facts where two columns make one.
import { UserError } from '../../base/errors.js';
import { parseJsonLine } from '../../base/jsonl.js';
import { readJsonFile } from '../json-file.js';
import type { SourceSpec } from '../spec.js';
import type { SourceFile } from './files.js';
import { readRawLines } from './lines.js';
import { type BadRow, isRecord, type RawDocument, unexpected } from './raw.js';

export type SourceColumns = SourceSpec['columns'];
type Rows = AsyncGenerator<RawDocument | BadRow>;

/** A broken line is one bad row; the next one is read all the same. */
export async function* readJsonlRows(file: SourceFile, { columns }: { columns: SourceColumns }): Rows {
  for await (const line of readRawLines(file.path)) {
    const at = `${file.name}:${line.number}`;
    if ('fault' in line) {
      yield { at, fault: line.fault };
      continue;
    }
    const trimmed = line.number === 1 ? line.text.replace(/^\uFEFF/, '').trim() : line.text.trim();
    if (trimmed === '') continue;
    const parse = (): unknown => parseJsonLine(trimmed, file.path, line.number);
    yield rowOrFault(parse, columns, at, `${file.path}:${line.number}`);
  }
}

export async function* readJsonRows(file: SourceFile, { columns }: { columns: SourceColumns }): Rows {
  const rows = await readJsonFile(file.path);
  if (!Array.isArray(rows)) throw unexpected(file.path, 'a list of rows was expected', 'json');
  for (const [index, row] of rows.entries()) {
    yield rowOrFault(() => row, columns, `${file.name}#${index}`, `${file.path}, row ${index + 1}`);
  }
}

/** A row as a document, or what is wrong with it or with reading it. */
export function rowOrFault(
  read: () => unknown,
  columns: SourceColumns,
  at: string,
  where: string,
): RawDocument | BadRow {
  try {
    return { at, ...rowDocument(read(), columns, where) };
  } catch (error) {
    if (error instanceof UserError) return { at, fault: error };
    throw error;
  }
}

function rowDocument(row: unknown, { text, key, value }: SourceColumns, where: string): Omit<RawDocument, 'at'> {
  if (!isRecord(row)) throw new UserError({ what: 'a row is {"column": value, …}', where });
  if (key === undefined || value === undefined) return { text: cell(row, text, where) };
  const fact = { key: cell(row, key, where), value: cell(row, value, where) };
  return { text: row[text] === undefined ? `${fact.key}：${fact.value}` : cell(row, text, where), facts: [fact] };
}

/** An empty or null cell is an empty document, dropped and counted later; a missing column is a mistake. */
function cell(row: Record<string, unknown>, column: string, where: string): string {
  const value = Object.hasOwn(row, column) ? row[column] : undefined;
  if (value === null) return '';
  if (typeof value === 'string') return value;
  throw new UserError({
    what: value === undefined ? `the row has no column ${column}` : `column ${column} is not text`,
    where,
    why: `the row has ${Object.keys(row).slice(0, 20).join(', ') || 'no columns'}`,
    next: 'Name the column in the data-spec: columns: { text: … }',
  });
}
