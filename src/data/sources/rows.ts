// Rows of named columns (JSON lines, or one JSON list) → documents, and facts where two columns make one.
import { UserError } from '../../base/errors.js';
import { parseJsonLine } from '../../base/jsonl.js';
import { readJsonFile } from '../json-file.js';
import type { SourceSpec } from '../spec.js';
import type { SourceFile } from './files.js';
import { readRawLines } from './lines.js';
import { type BadRow, isRecord, type RawDocument, unexpected } from './raw.js';

type Columns = SourceSpec['columns'];
type Rows = AsyncGenerator<RawDocument | BadRow>;

/** A broken line is one bad row; the next one is read all the same. */
export async function* readJsonlRows(file: SourceFile, { columns }: { columns: Columns }): Rows {
  for await (const line of readRawLines(file.path)) {
    const at = `${file.name}:${line.number}`;
    if ('fault' in line) {
      yield { at, fault: line.fault };
      continue;
    }
    const trimmed = line.number === 1 ? line.text.replace(/^\uFEFF/, '').trim() : line.text.trim();
    if (trimmed === '') continue;
    yield attempt(at, () => ({
      at,
      ...rowDocument(parseJsonLine(trimmed, file.path, line.number), columns, `${file.path}:${line.number}`),
    }));
  }
}

export async function* readJsonRows(file: SourceFile, { columns }: { columns: Columns }): Rows {
  const rows = await readJsonFile(file.path);
  if (!Array.isArray(rows)) throw unexpected(file.path, 'a list of rows was expected', 'json');
  for (const [index, row] of rows.entries()) {
    yield rowOrFault(row, columns, `${file.name}#${index}`, `${file.path}, row ${index + 1}`);
  }
}

/** A row as a document, or what is wrong with it. */
export function rowOrFault(row: unknown, columns: Columns, at: string, where: string): RawDocument | BadRow {
  return attempt(at, () => ({ at, ...rowDocument(row, columns, where) }));
}

function attempt(at: string, read: () => RawDocument): RawDocument | BadRow {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) return { at, fault: error };
    throw error;
  }
}

function rowDocument(row: unknown, columns: Columns, where: string): Omit<RawDocument, 'at'> {
  if (!isRecord(row)) throw new UserError({ what: 'a row is {"column": value, …}', where });
  const fact =
    columns.key === undefined || columns.value === undefined
      ? undefined
      : { key: cell(row, columns.key, where), value: cell(row, columns.value, where) };
  const facts = fact === undefined ? {} : { facts: [fact] };
  if (fact !== undefined && row[columns.text] === undefined) return { text: `${fact.key}：${fact.value}`, ...facts };
  return { text: cell(row, columns.text, where), ...facts };
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
