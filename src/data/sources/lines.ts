// Lines of a text file, plain or compressed, where one bad line does not hide the next: a line that is no UTF-8 or is
// too long comes as a fault in its place. What is held is one block of the file and the line that is being read.
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { systemErrorCode, UserError } from '../../base/errors.js';
import { type Line, maxLineBytes } from '../../base/jsonl.js';

export interface BadLine {
  /** 1-based. */
  number: number;
  fault: UserError;
}

const newline = 10;

/** @throws UserError where a compressed file is damaged or cut short; all that stood before has been yielded. */
export async function* readRawLines(path: string, maxBytes = maxLineBytes): AsyncGenerator<Line | BadLine> {
  let pending: Buffer[] = [];
  let size = 0;
  let number = 1;
  let skipping = false;
  for await (const chunk of await openBytes(path)) {
    const last = chunk.lastIndexOf(newline);
    if (last === -1 || skipping) {
      const end = chunk.indexOf(newline);
      if (skipping && end !== -1) {
        skipping = false;
        yield { number: number++, fault: tooLong(path, number - 1, maxBytes) };
        const whole = chunk.subarray(end + 1, last + 1);
        for (const line of linesOf(whole, path, number)) yield line;
        number += countLines(whole);
        pending = [chunk.subarray(last + 1)];
        size = pending[0].length;
      } else if (!skipping) {
        pending.push(chunk);
        size += chunk.length;
      }
    } else {
      const whole = Buffer.concat([...pending, chunk.subarray(0, last + 1)]);
      for (const line of linesOf(whole, path, number)) yield line;
      number += countLines(whole);
      pending = [chunk.subarray(last + 1)];
      size = pending[0].length;
    }
    if (size > maxBytes) {
      skipping = true;
      pending = [];
      size = 0;
    }
  }
  if (skipping) yield { number, fault: tooLong(path, number, maxBytes) };
  else if (size > 0) yield lineOf(Buffer.concat(pending), path, number);
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count++;
  return count;
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
  if (!isUtf8(bytes)) return { number, fault: notUtf8(path, number) };
  const text = bytes.toString('utf8');
  return { text: text.endsWith('\r') ? text.slice(0, -1) : text, number };
}

function notUtf8(path: string, number: number): UserError {
  return new UserError({
    what: 'this is not UTF-8 text',
    where: `${path}:${number}`,
    why: 'the bytes there are no valid UTF-8, so the file is binary or in another encoding',
    next: `Convert it first, for example: iconv -f GB18030 -t UTF-8 ${path} > converted`,
  });
}

function tooLong(path: string, number: number, maxBytes: number): UserError {
  return new UserError({ what: `a line is longer than ${maxBytes >> 20} MiB`, where: `${path}:${number}` });
}

/** The bytes of a file, decompressed where its first bytes say gzip or Zstandard (whatever its name is). */
async function openBytes(path: string): Promise<AsyncIterable<Buffer>> {
  const head = await firstBytes(path);
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (head[0] === 0x1f && head[1] === 0x8b) return decompressed(file, path);
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) {
    if (zstdWindow(head) <= maxWindow) return unpackedZstd(file, path);
    file.destroy();
    throw damaged(path, `it asks for a window of more than ${maxWindow >> 20} MiB`);
  }
  return file as AsyncIterable<Buffer>;
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    return (await handle.read(new Uint8Array(14), 0, 14, 0)).buffer;
  } finally {
    await handle.close();
  }
}

async function* decompressed(file: NodeJS.ReadableStream, path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  file.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of file.pipe(gunzip)) yield chunk as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') !== true) throw error;
    throw damaged(path, message);
  }
}

/** What `zstd --long` uses at most, and what its own decoder takes. */
const maxWindow = 128 << 20;

/** Bytes that the decoder will hold back, as the frame header says (RFC 8878, 3.1.1.1). */
function zstdWindow(head: Uint8Array): number {
  const isSingle = (head[4] & 32) !== 0;
  if (!isSingle) return 2 ** (10 + (head[5] >> 3)) * (1 + (head[5] & 7) / 8);
  const at = 5 + [0, 1, 2, 4][head[4] & 3];
  const size = [1, 2, 4, 8][head[4] >> 6];
  let content = 0;
  for (let i = at + size - 1; i >= at; i--) content = content * 256 + head[i];
  return content;
}

/** By fzstd: Node has Zstandard itself from 22.15 on only. */
async function* unpackedZstd(file: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd');
  const ready: Buffer[] = [];
  let isWhole = false;
  const stream = new Decompress((chunk, isLast) => {
    // The decoder goes on using its window.
    ready.push(Buffer.from(chunk));
    isWhole ||= isLast === true;
  });
  try {
    for await (const chunk of file) {
      stream.push(chunk);
      yield* ready.splice(0);
    }
    stream.push(new Uint8Array(0), true);
  } catch (error) {
    throw systemErrorCode(error) === undefined ? damaged(path, (error as Error).message) : error;
  }
  yield* ready;
  if (!isWhole) throw damaged(path, 'it ends within a block');
}

function damaged(path: string, why: string): UserError {
  return new UserError({
    what: 'this compressed file is damaged or cut short',
    where: path,
    why,
    next: 'Fetch it again; what stood before the damage has been read',
  });
}
