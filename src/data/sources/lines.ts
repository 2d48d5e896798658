// Lines of a text file, plain or compressed and in any encoding that can be told, where one bad line does not hide the
// next: one that cannot be decoded or is too long comes as a fault in its place. What is held is one block and one line.
import { isAscii, isUtf8 } from 'node:buffer';
import { UserError } from '../../base/errors.js';
import type { Line } from '../../base/jsonl.js';
import { openBytes } from './bytes.js';
import {
  byFirstBytes,
  type Decoding,
  decode,
  decodeUtf16,
  type Encoding,
  encodingNames,
  excerpt,
  loneSurrogate,
  tryOut,
  undecodable,
  utf8MarkBytes,
} from './encoding.js';
import { readLimits } from './limits.js';

export interface BadLine {
  /** 1-based. */
  number: number;
  fault: UserError;
  isTooLong?: true;
}

/** Said once for a file, where something was decided that a person should know. */
export type Notice = (text: string) => void;

export interface LineOptions {
  /** Default: auto. */
  encoding?: Encoding;
  notice?: Notice;
  maxBytes?: number;
}

type Lines = AsyncGenerator<Line | BadLine>;

const newline = 10;

/** @throws UserError where a compressed file is damaged or cut short; all lines before that have been yielded. */
export async function* readRawLines(path: string, options: LineOptions = {}): Lines {
  yield* linesIn(await openBytes(path), path, options, () => openBytes(path));
}

/** The same, where every line is wanted. @throws UserError at the first that cannot be read. */
export async function* readLines(path: string, options?: LineOptions): AsyncGenerator<string> {
  for await (const line of readRawLines(path, options)) {
    if ('fault' in line) throw line.fault;
    yield line.text;
  }
}

/**
 * The lines of bytes as they come. @param path what errors call them. @param again the same bytes once more; without, what
 * is neither UTF-8 nor marked as UTF-16 cannot be told.
 */
export async function* linesIn(
  bytes: AsyncIterable<Buffer>,
  path: string,
  options: LineOptions = {},
  again?: () => Promise<AsyncIterable<Buffer>>,
): Lines {
  const chunks = bytes[Symbol.asyncIterator]();
  try {
    const first = await chunks.next();
    if (!first.done) yield* linesFrom(first.value, chunks, path, options, again);
  } finally {
    // Wherever the reading stopped: a thread may be unpacking.
    await chunks.return?.();
  }
}

async function* linesFrom(
  first: Buffer,
  chunks: AsyncIterator<Buffer>,
  path: string,
  { encoding = 'auto', notice, maxBytes = readLimits.lineBytes }: LineOptions,
  again: (() => Promise<AsyncIterable<Buffer>>) | undefined,
): Lines {
  const found = encoding === 'auto' || encoding === 'utf-16' ? byFirstBytes(first, path) : undefined;
  const hasMark = found !== undefined && found.markBytes > 0;
  const head = first.subarray(found?.markBytes ?? (encoding === 'utf-8' ? utf8MarkBytes(first) : 0));
  const rest = (async function* () {
    yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  })();
  const given = encoding === 'auto' ? undefined : encoding === 'utf-16' ? 'utf-16le' : encoding;
  const known = found?.decoding ?? given;
  if (known === 'utf-16le' || known === 'utf-16be') {
    if (encoding === 'auto' && !hasMark) notice?.(readAs(path, known, decodeUtf16(evenPart(head), known)));
    yield* utf16Lines(rest, known, path, maxBytes);
    return;
  }
  const decide = async (block: Buffer): Promise<Decoding | undefined> => {
    if (isAscii(block)) return undefined;
    if (isUtf8(block)) return 'utf-8';
    const decided = again === undefined ? 'unsure' : await tryOut(await again());
    if (decided === 'gb18030') notice?.(readAs(path, decided, decode(firstNonAscii(block), decided) ?? ''));
    return decided;
  };
  yield* byteLines(rest, known, decide, path, maxBytes);
}

/** Line ends are single bytes. `decide` is asked as long as all that came was ASCII, which is the same in each. */
async function* byteLines(
  bytes: AsyncIterable<Buffer>,
  known: Decoding | undefined,
  decide: (block: Buffer) => Promise<Decoding | undefined>,
  path: string,
  maxBytes: number,
): Lines {
  let decoding = known;
  let pending: Buffer[] = [];
  let size = 0;
  let number = 1;
  let skipping = false;
  for await (const chunk of bytes) {
    let rest = chunk;
    if (skipping) {
      const end = chunk.indexOf(newline);
      if (end === -1) continue;
      skipping = false;
      yield tooLong(path, number, maxBytes);
      number++;
      rest = chunk.subarray(end + 1);
    }
    const end = rest.lastIndexOf(newline) + 1;
    if (end > 0) {
      const block = Buffer.concat([...pending, rest.subarray(0, end)]);
      decoding ??= await decide(block);
      for (const line of linesOf(block, decoding ?? 'utf-8', path, number)) {
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
  if (skipping) yield tooLong(path, number, maxBytes);
  else if (size > 0) {
    const last = Buffer.concat(pending);
    yield lineOf(last, decoding ?? (await decide(last)) ?? 'utf-8', path, number);
  }
}

/** `bytes` ends with a line end, or is empty. Sound text is decoded in one go. */
function* linesOf(bytes: Buffer, decoding: Decoding, path: string, first: number): Generator<Line | BadLine> {
  let number = first;
  const text = textOf(bytes, decoding);
  if (text !== undefined) {
    const lines = text.split('\n');
    lines.pop();
    for (const line of lines) yield { text: withoutReturn(line), number: number++ };
    return;
  }
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(newline, start);
    yield lineOf(bytes.subarray(start, end), decoding, path, number++);
    start = end + 1;
  }
}

function lineOf(bytes: Buffer, decoding: Decoding, path: string, number: number): Line | BadLine {
  const text = textOf(bytes, decoding);
  if (text === undefined) return { number, fault: undecodable(bytes, decoding, path, number) };
  return { text: withoutReturn(text), number };
}

function textOf(bytes: Buffer, decoding: Decoding): string | undefined {
  if (decoding === 'gb18030' || decoding === 'big5') return decode(bytes, decoding);
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** Line ends are two bytes, at even places. A half of a surrogate pair alone is a fault of its line. */
async function* utf16Lines(
  bytes: AsyncIterable<Buffer>,
  decoding: 'utf-16le' | 'utf-16be',
  path: string,
  maxBytes: number,
): Lines {
  let odd = Buffer.alloc(0);
  let pending = '';
  let number = 1;
  let skipping = false;
  const lineAt = (line: string): Line | BadLine => {
    if (skipping) return tooLong(path, number, maxBytes);
    return loneSurrogate.test(line) ? badUtf16(decoding, path, number) : { number, text: withoutReturn(line) };
  };
  for await (const chunk of bytes) {
    const joined = Buffer.concat([odd, chunk]);
    const even = joined.length & ~1;
    odd = joined.subarray(even);
    const lines = (pending + decodeUtf16(joined.subarray(0, even), decoding)).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      yield lineAt(line);
      skipping = false;
      number++;
    }
    if (pending.length * 2 <= maxBytes) continue;
    skipping = true;
    pending = '';
  }
  if (odd.length > 0) yield badUtf16(decoding, path, number);
  else if (pending !== '' || skipping) yield lineAt(pending);
}

function badUtf16(decoding: 'utf-16le' | 'utf-16be', path: string, number: number): BadLine {
  return { number, fault: undecodable(new Uint8Array(), decoding, path, number) };
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function tooLong(path: string, number: number, maxBytes: number): BadLine {
  const what = `a line is longer than ${maxBytes >> 20} MiB`;
  return { number, fault: new UserError({ what, where: `${path}:${number}` }), isTooLong: true };
}

function evenPart(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, Math.min(bytes.length, 200) & ~1));
}

function firstNonAscii(block: Buffer): Buffer {
  let start = 0;
  for (let end = block.indexOf(newline); end !== -1; end = block.indexOf(newline, start)) {
    if (!isAscii(block.subarray(start, end))) return block.subarray(start, end);
    start = end + 1;
  }
  return block.subarray(start);
}

function readAs(path: string, decoding: Exclude<Decoding, 'unsure'>, sample: string): string {
  const shown = JSON.stringify(excerpt(sample));
  return `${path} is read as ${encodingNames[decoding]}, since it is not UTF-8: ${shown}`;
}
