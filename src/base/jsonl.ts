// JSON lines: streamed, with the file and line of every row, so that an error can name them.
import { createReadStream } from 'node:fs';
import { UserError } from './errors.js';
import { shorten } from './format.js';
import { commandLine } from './shell.js';

/** A row longer than this is refused: it is a broken file, not a document. */
export const maxLineBytes = 64 << 20;

export interface Line {
  text: string;
  /** 1-based. */
  number: number;
}

/** The lines of a UTF-8 file, one at a time, without their line ends. A final line without a line end counts. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let pending = '';
  let number = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw new UserError({
        what: 'this is not UTF-8 text',
        where: `${path}:${number + 1}`,
        why: 'the bytes there are no valid UTF-8, so the file is binary or in another encoding',
        next: `Convert it first, for example: ${commandLine('iconv', '-f', 'GB18030', '-t', 'UTF-8', path)} > converted`,
      });
    }
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
    const parts = (pending + decode(chunk as Buffer)).split('\n');
    pending = parts.pop() ?? '';
    for (const part of parts) yield { text: part.endsWith('\r') ? part.slice(0, -1) : part, number: ++number };
    if (pending.length > maxLineBytes) {
      throw new UserError({ what: `a line is longer than ${maxLineBytes >> 20} MiB`, where: `${path}:${number + 1}` });
    }
  }
  pending += decode();
  if (pending !== '') yield { text: pending, number: ++number };
}

/** The rows of a JSONL file; blank lines are skipped, a broken one is an error that names its line. */
export async function* readJsonl(path: string): AsyncGenerator<{ value: unknown; line: number }> {
  for await (const { text, number } of readLines(path)) {
    const trimmed = number === 1 ? text.replace(/^\uFEFF/, '').trim() : text.trim();
    if (trimmed === '') continue;
    yield { value: parseJsonLine(trimmed, path, number), line: number };
  }
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
