// CSV (RFC 4180) and TSV → rows of named columns: quoted cells may hold line ends, the first row names the columns.
import { UserError } from '../../base/errors.js';
import type { SourceSpec } from '../spec.js';
import type { SourceFile } from './files.js';
import { readRawLines } from './lines.js';
import type { BadRow, RawDocument } from './raw.js';
import { rowOrFault } from './rows.js';

/** A quoted cell that runs on beyond this was never closed: the row is given up, and the next line begins another. */
const maxRowCharacters = 4 << 20;

export async function* readCsvRows(
  file: SourceFile,
  { columns, format }: Pick<SourceSpec, 'columns' | 'format'>,
): AsyncGenerator<RawDocument | BadRow> {
  const delimiter = format === 'tsv' || /\.tsv(?:\.|$)/i.test(file.name) ? '\t' : ',';
  let header: string[] | undefined;
  for await (const row of csvRows(file, delimiter)) {
    const at = `${file.name}:${row.line}`;
    if ('fault' in row) yield { at, fault: row.fault };
    else if (header === undefined) header = row.cells;
    else if (row.cells.length !== header.length) {
      const why = `it has ${row.cells.length} cells, the first row names ${header.length} columns`;
      const fault = new UserError({ what: 'this row has another shape', where: `${file.path}:${row.line}`, why });
      yield { at, fault };
    } else {
      const record = Object.fromEntries(header.map((name, i) => [name, row.cells[i]]));
      yield rowOrFault(() => record, columns, at, `${file.path}:${row.line}`);
    }
  }
}

type CsvRow = { line: number; cells: string[] } | { line: number; fault: UserError };

async function* csvRows(file: SourceFile, delimiter: string): AsyncGenerator<CsvRow> {
  let open: string[] = [];
  let length = 0;
  let start = 1;
  let inside = false;
  const unclosed = (): CsvRow => ({
    line: start,
    fault: new UserError({ what: 'a quoted cell does not end', where: `${file.path}:${start}` }),
  });
  for await (const line of readRawLines(file.path)) {
    if ('fault' in line) {
      yield { line: line.number, fault: line.fault };
      open = [];
      inside = false;
      continue;
    }
    if (open.length === 0) {
      if (line.text.trim() === '') continue;
      start = line.number;
      length = 0;
    }
    const text = line.number === 1 ? line.text.replace(/^\uFEFF/, '') : line.text;
    inside = isInside(text, delimiter, inside);
    open.push(text);
    length += text.length + 1;
    if (inside && length <= maxRowCharacters) continue;
    yield inside ? unclosed() : { line: start, cells: parseRow(open.join('\n'), delimiter) };
    open = [];
    inside = false;
  }
  if (open.length > 0) yield unclosed();
}

/** Whether a quoted cell is open after `line`, given whether one was before it. */
function isInside(line: string, delimiter: string, before: boolean): boolean {
  let inside = before;
  for (let at = 0; ; ) {
    if (!inside && line[at] === '"') {
      inside = true;
      at++;
    }
    if (inside) {
      const quote = line.indexOf('"', at);
      if (quote === -1) return true;
      at = quote + 1;
      if (line[at] === '"') {
        at++;
        continue;
      }
      inside = false;
    }
    const end = line.indexOf(delimiter, at);
    if (end === -1) return false;
    at = end + 1;
  }
}

/** The cells of a whole row. */
function parseRow(row: string, delimiter: string): string[] {
  if (!row.includes('"')) return row.split(delimiter);
  const cells: string[] = [];
  for (let at = 0; ; ) {
    let cell = '';
    if (row[at] === '"') {
      for (at++; ; at++) {
        const quote = row.indexOf('"', at);
        cell += row.slice(at, quote);
        at = quote + 1;
        if (row[at] !== '"') break;
        cell += '"';
      }
    }
    const end = row.indexOf(delimiter, at);
    cells.push(cell + row.slice(at, end === -1 ? undefined : end));
    if (end === -1) return cells;
    at = end + 1;
  }
}
