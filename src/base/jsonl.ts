// JSON lines: one row, with its file and line, so that an error can name them; and rows as they are written.
import { UserError } from './errors.js';
import { shorten } from './format.js';

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
      next: 'Fix or delete that line',
    });
  }
}

export function toJsonl(rows: Iterable<unknown>): string {
  return Array.from(rows, (row) => `${JSON.stringify(row)}\n`).join('');
}
