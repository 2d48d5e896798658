// What Parquet and Arrow files share: which of their columns are read, and cells as bytes → rows.
import { isUtf8 } from 'node:buffer';
import { UserError } from '../../base/errors.js';
import type { BadRow, RawDocument } from './raw.js';
import { rowOrFault, type SourceColumns } from './rows.js';

/** A cell is the bytes of a text, or null. */
export type BytesRow = Record<string, Uint8Array | null>;

/** A row group or record batch whose column is larger is not held in memory. */
export const maxColumnBytes = 256 << 20;

export interface FoundColumn {
  name: string;
  isText: boolean;
  /** As the file calls it. */
  type: string;
}

/** The columns to read. @throws UserError where one is missing or holds no text, with what there is. */
export function neededColumns(found: readonly FoundColumn[], columns: SourceColumns, path: string): string[] {
  const has = (name: string | undefined): name is string => found.some((column) => column.name === name);
  const fact = [columns.key, columns.value].filter((name) => name !== undefined);
  // A row without text reads "key：value".
  const needed = !has(columns.text) && fact.length === 2 ? fact : [columns.text, ...fact];
  for (const name of needed) {
    const column = found.find((one) => one.name === name);
    if (column?.isText) continue;
    const names = found.slice(0, 20).map((one) => `${one.name} (${one.type})`);
    throw new UserError({
      what: column === undefined ? `the file has no column ${name}` : `column ${name} is not text but ${column.type}`,
      where: path,
      why: `its columns are ${names.join(', ') || 'none'}`,
      next: 'Name the column in the data-spec: columns: { text: … }',
    });
  }
  return [...new Set(needed)];
}

/** A row of cells as a document, or what is wrong with it. */
export function documentOf(row: BytesRow, columns: SourceColumns, at: string, where: string): RawDocument | BadRow {
  const texts: Record<string, string | null> = {};
  for (const [name, cell] of Object.entries(row)) {
    if (cell !== null && !isUtf8(cell)) {
      return { at, fault: new UserError({ what: `column ${name} is not UTF-8 text`, where }) };
    }
    texts[name] = cell === null ? null : Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('utf8');
  }
  return rowOrFault(() => texts, columns, at, where);
}
