// Records of named columns → documents, and facts where two columns make one.
import { UserError } from '../../base/errors.js';
import { isRecord } from '../../base/objects.js';
import type { SourceSpec } from '../spec.js';
import type { SourceFile } from './files.js';
import type { BadRow, RawDocument } from './raw.js';
import type { RecordFormat, RecordOptions } from './record.js';
import { readRecords } from './records.js';

type SourceColumns = SourceSpec['columns'];

/** A row that cannot be read is one bad row; the next one is read all the same. */
export async function* readRowDocuments(
  file: SourceFile,
  format: RecordFormat,
  options: RecordOptions & { columns: SourceColumns },
): AsyncGenerator<RawDocument | BadRow> {
  for await (const record of readRecords(file, format, options)) {
    if ('fault' in record) yield { at: record.at, fault: record.fault };
    else yield rowOrFault(record.value, options.columns, record.at, record.where);
  }
}

/** A row as a document, or what is wrong with it. */
function rowOrFault(row: unknown, columns: SourceColumns, at: string, where: string): RawDocument | BadRow {
  try {
    return { at, ...rowDocument(row, columns, where) };
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
