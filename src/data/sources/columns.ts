// What Parquet and Arrow files share: which of their columns are read, and how a row of them comes.
import { UserError } from '../../base/errors.js';
import type { SourceSpec } from '../spec.js';

export interface FoundColumn {
  name: string;
  isText: boolean;
  /** As the file calls it. */
  type: string;
}

/** The cells of a row by column, or what is wrong with one of them. */
export type ColumnarRow = { record: Record<string, unknown> } | { notText: string };

/** The columns to read. @throws UserError where one is missing or holds no text, with what there is. */
export function neededColumns(
  found: readonly FoundColumn[],
  columns: SourceSpec['columns'] | undefined,
  path: string,
): string[] {
  if (columns === undefined) return found.map(({ name }) => name);
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
