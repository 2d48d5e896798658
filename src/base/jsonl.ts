// JSON lines: one row, with its file and line, so that an error can name them; and rows as they are written.
import { UserError } from './errors.js';
import { shorten } from './format.js';
import { shellQuoted } from './shell.js';

/** A row longer than this is refused: it is a broken file, not a document. */
export const maxLineBytes = 64 << 20;

export interface Line {
  text: string;
  /** 1-based. */
  number: number;
}

/** @throws UserError that names the line and shows how it begins. */
export function parseJsonLine(text: string, path: string, line: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UserError({
      what: 'this line is not valid JSON',
      where: `${path}:${line}`,
      why: `${(error as Error).message}; the line starts ${JSON.stringify(shorten(text, 60))}`,
      next: /\r./.test(text) ? endLines(path) : 'Fix or delete that line',
    });
  }
}

/** A carriage return cannot stand in JSON's strings: the file is one of an old Mac or a spreadsheet. */
function endLines(path: string): string {
  const command = `tr '\\r' '\\n' < ${shellQuoted(path)} > rows.jsonl`;
  return `Its lines end in a carriage return alone: ${command}, and give that file`;
}

export function toJsonl(rows: Iterable<unknown>): string {
  return Array.from(rows, (row) => `${JSON.stringify(row)}\n`).join('');
}
