// CSV (RFC 4180) and TSV → records of named columns: quoted cells may hold line ends, the first row names the columns.
import { UserError } from '../../base/errors.js';
import type { SourceFile } from './files.js';
import { type LineOptions, readRawLines } from './lines.js';
import type { RecordOptions, Records } from './record.js';

/** A quoted cell that runs on beyond this was never closed: the row is given up, and the next line begins another. */
const maxRowCharacters = 4 << 20;

/** @param given default: comma, tab or semicolon, whichever the first row has most of. */
export async function* readCsvRecords(file: SourceFile, options: RecordOptions, given?: string): Records {
  let header: string[] | undefined;
  for await (const row of csvRows(file, options, given)) {
    const place = { at: `${file.name}:${row.line}`, line: row.line };
    const where = `${file.path}:${row.line}`;
    if ('fault' in row) yield { ...place, fault: row.fault };
    else if (header === undefined) header = row.cells;
    else if (row.cells.length !== header.length) {
      const why = `it has ${row.cells.length} cells, the first row names ${header.length} columns`;
      yield { ...place, fault: new UserError({ what: 'this row has another shape', where, why }) };
    } else yield { ...place, where, value: Object.fromEntries(header.map((name, i) => [name, row.cells[i]])) };
  }
}

type CsvRow = { line: number; cells: string[] } | { line: number; fault: UserError };

async function* csvRows(file: SourceFile, options: LineOptions, given: string | undefined): AsyncGenerator<CsvRow> {
  let delimiter = given;
  let open: string[] = [];
  let length = 0;
  let start = 1;
  let inside = false;
  const unclosed = (): CsvRow => ({
    line: start,
    fault: new UserError({ what: 'a quoted cell does not end', where: `${file.path}:${start}` }),
  });
  for await (const line of readRawLines(file.path, options)) {
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
    const { text } = line;
    delimiter ??= delimiterOf(text);
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

const delimiters = [',', '\t', ';'] as const;

function delimiterOf(header: string): string {
  const plain = header.replaceAll(/"(?:[^"]|"")*"/g, '');
  const counts = delimiters.map((one) => plain.split(one).length);
  return delimiters[counts.indexOf(Math.max(...counts))];
}

/** The columns that the first line of a table names. */
export function columnsIn(header: string): string[] {
  return parseRow(header, delimiterOf(header)).map((name) => name.trim());
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
