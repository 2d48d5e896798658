// Parquet and Arrow files as records; a cell that is no text is the fault of its row.
import { UserError } from '../../base/errors.js';
import { readArrowRows } from './arrow.js';
import { type FoundColumn, neededColumns } from './columns.js';
import type { SourceFile } from './files.js';
import { identifyFile, otherKind } from './kinds.js';
import { readParquetRows } from './parquet.js';
import type { RecordOptions, Records } from './record.js';

export async function* readColumnarRecords(
  { path, name }: SourceFile,
  format: 'parquet' | 'arrow',
  { columns }: RecordOptions,
): Records {
  const found = await identifyFile(path);
  // An old Arrow stream begins with a length alone, and a damaged file with anything: that is for the reader to say.
  if (found.kind !== format && found.kind !== 'text') {
    throw otherKind(path, found, format === 'parquet' ? 'a Parquet file' : 'an Arrow file');
  }
  const choose = (all: readonly FoundColumn[]): string[] => neededColumns(all, columns, path);
  const rows = format === 'parquet' ? readParquetRows(path, columns) : readArrowRows(path, choose);
  let index = 0;
  for await (const row of rows) {
    const where = `${path}, row ${index + 1}`;
    const place = { at: `${name}#${index}`, line: ++index };
    if ('notText' in row) yield { ...place, fault: new UserError({ what: row.notText, where }) };
    // A cell is null where a row has no such field: these files cannot leave one out.
    else yield { ...place, where, value: columns === undefined ? withoutNulls(row.record) : row.record };
  }
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(fields.map(([key, inner]) => [key, withoutNulls(inner)]));
}
