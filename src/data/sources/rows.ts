// Rows of named columns (JSON lines, or one JSON list) → documents, and facts where two columns make one.
import { UserError } from '../../base/errors.js';
import { readJsonl } from '../../base/jsonl.js';
import { readJsonFile } from '../json-file.js';
import type { SourceSpec } from '../spec.js';
import type { SourceFile } from './files.js';
import { isRecord, type RawDocument, unexpected } from './raw.js';

type Columns = SourceSpec['columns'];

export async function* readJsonlRows(file: SourceFile, { columns }: { columns: Columns }): AsyncGenerator<RawDocument> {
  for await (const { value, line } of readJsonl(file.path)) {
    yield { at: `${file.name}:${line}`, ...rowDocument(value, columns, `${file.path}:${line}`) };
  }
}

export async function* readJsonRows(file: SourceFile, { columns }: { columns: Columns }): AsyncGenerator<RawDocument> {
  const rows = await readJsonFile(file.path);
  if (!Array.isArray(rows)) throw unexpected(file.path, 'a list of rows was expected', 'json');
  for (const [index, row] of rows.entries()) {
    yield { at: `${file.name}#${index}`, ...rowDocument(row, columns, `${file.path}, row ${index + 1}`) };
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
