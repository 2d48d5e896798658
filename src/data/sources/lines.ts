// Lines of a text file, plain or compressed, where one bad line does not hide the next: a line that is no UTF-8 or is
// too long comes as a fault in its place. What is held is one block of the file and the line that is being read.
import { isUtf8 } from 'node:buffer';
import { UserError } from '../../base/errors.js';
import { type Line, maxLineBytes } from '../../base/jsonl.js';
import { commandLine } from '../../base/shell.js';
import { openBytes } from './bytes.js';

export interface BadLine {
  /** 1-based. */
  number: number;
  fault: UserError;
}

const newline = 10;

/** @throws UserError where a compressed file is damaged or cut short; all lines before that have been yielded. */
export async function* readRawLines(path: string, maxBytes = maxLineBytes): AsyncGenerator<Line | BadLine> {
  let pending: Buffer[] = [];
  let size = 0;
  let number = 1;
  let skipping = false;
  for await (const chunk of await openBytes(path)) {
    let rest = chunk;
    if (skipping) {
      const end = chunk.indexOf(newline);
      if (end === -1) continue;
      skipping = false;
      yield { number, fault: tooLong(path, number, maxBytes) };
      number++;
      rest = chunk.subarray(end + 1);
    }
    const end = rest.lastIndexOf(newline) + 1;
    if (end > 0) {
      for (const line of linesOf(Buffer.concat([...pending, rest.subarray(0, end)]), path, number)) {
        yield line;
        number++;
      }
      pending = [];
      size = 0;
    }
    pending.push(rest.subarray(end));
    size += rest.length - end;
    if (size > maxBytes) {
      skipping = true;
      pending = [];
      size = 0;
    }
  }
  if (skipping) yield { number, fault: tooLong(path, number, maxBytes) };
  else if (size > 0) yield lineOf(Buffer.concat(pending), path, number);
}

/** `bytes` ends with a line end, or is empty. Sound text is decoded in one go. */
function* linesOf(bytes: Buffer, path: string, first: number): Generator<Line | BadLine> {
  let number = first;
  if (isUtf8(bytes)) {
    const lines = bytes.toString('utf8').split('\n');
    lines.pop();
    for (const line of lines) yield { text: line.endsWith('\r') ? line.slice(0, -1) : line, number: number++ };
    return;
  }
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(newline, start);
    yield lineOf(bytes.subarray(start, end), path, number++);
    start = end + 1;
  }
}

function lineOf(bytes: Buffer, path: string, number: number): Line | BadLine {
  if (!isUtf8(bytes)) {
    const fault = new UserError({
      what: 'this is not UTF-8 text',
      where: `${path}:${number}`,
      why: 'the bytes there are no valid UTF-8, so the file is binary or in another encoding',
      next: `Convert it first, for example: ${commandLine('iconv', '-f', 'GB18030', '-t', 'UTF-8', path)} > converted`,
    });
    return { number, fault };
  }
  const text = bytes.toString('utf8');
  return { text: text.endsWith('\r') ? text.slice(0, -1) : text, number };
}

function tooLong(path: string, number: number, maxBytes: number): UserError {
  return new UserError({ what: `a line is longer than ${maxBytes >> 20} MiB`, where: `${path}:${number}` });
}
