// safetensors: eight bytes of header length, a JSON header that says where each tensor lies, then the raw numbers.
// Everything in the header is checked against the file's real size before any memory is taken for it.
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';

/** Limit of the reference implementation (Rust `safetensors`). */
const maxHeaderBytes = 100_000_000;
/** One read or write call: the system's own limit is just under 2 GiB. */
const maxTransferBytes = 1 << 30;

/**
 * Writes float32 tensors, ordered by name: equal tensors give equal bytes, in whatever order they come.
 * The file is fsynced but not renamed into place; the folder around it is (see directory.ts).
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly HostTensor[],
  metadata?: Record<string, string>,
): Promise<void> {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const handle = await open(path, 'w');
  try {
    await writeFully(handle, header(sorted, metadata));
    for (const { data } of sorted) await writeFully(handle, bytesOf(data));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Reads every tensor of a file.
 * @throws UserError naming the file and what is wrong with it: truncated, extra bytes, overlaps, other dtypes.
 */
export async function readSafetensors(path: string): Promise<Map<string, HostTensor>> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const { entries, start } = await readHeader(handle, path, size);
    const tensors = new Map<string, HostTensor>();
    for (const { name, shape, begin, end } of entries) {
      const data = new Float32Array((end - begin) / 4);
      await readFully(handle, bytesOf(data), start + begin, path);
      tensors.set(name, { name, shape, data });
    }
    return tensors;
  } finally {
    await handle.close();
  }
}

function header(tensors: readonly HostTensor[], metadata?: Record<string, string>): Uint8Array {
  const fields: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  let offset = 0;
  for (const [index, { name, shape, data }] of tensors.entries()) {
    if (name === '__metadata__' || name === tensors[index - 1]?.name)
      throw new Error(`tensor name ${name} is used twice or reserved`);
    if (product(shape) !== data.length)
      throw new Error(`tensor ${name}: shape [${shape}] does not hold ${data.length} numbers`);
    fields.push([name, { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(fields)), 'utf8');
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded), 0);
  bytes.set(json, 8);
  return bytes;
}

interface Entry {
  name: string;
  shape: number[];
  /** Bytes, relative to the end of the header. */
  begin: number;
  end: number;
}

const entrySchema = z.strictObject({
  dtype: z.string().max(32),
  shape: z.array(z.int().min(0)).max(16),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const metadataSchema = z.record(z.string(), z.string());

async function readHeader(
  handle: FileHandle,
  path: string,
  size: number,
): Promise<{ entries: Entry[]; start: number }> {
  if (size < 8) throw damaged(path, `it has ${size} bytes, fewer than the 8 that any such file begins with`);
  const prefix = Buffer.alloc(8);
  await readFully(handle, prefix, 0, path);
  const length = prefix.readBigUInt64LE(0);
  if (length > maxHeaderBytes) throw damaged(path, `its header claims ${length} bytes; ${maxHeaderBytes} is the limit`);
  const start = 8 + Number(length);
  if (start > size) throw damaged(path, `its header claims ${length} bytes but the file ends after ${size}: truncated`);
  const bytes = Buffer.alloc(Number(length));
  await readFully(handle, bytes, 8, path);
  const entries = Object.entries(parseHeader(bytes, path)).flatMap(([name, value]) => {
    if (name !== '__metadata__') return [parseEntry(name, value, path)];
    if (!metadataSchema.safeParse(value).success) throw damaged(path, '__metadata__ is not a map of strings');
    return [];
  });
  checkLayout(entries, size - start, path);
  return { entries, start };
}

function parseHeader(bytes: Uint8Array, path: string): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw damaged(path, 'its header does not begin with "{"');
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(path, `its header is not valid JSON (${(error as Error).message})`);
  }
  const twice = repeatedKey(text);
  if (twice !== undefined) throw damaged(path, `its header names ${JSON.stringify(shorten(twice))} twice`);
  return value as Record<string, unknown>;
}

/** JSON.parse silently keeps the last of two equal keys; two readers could then see two different files. */
function repeatedKey(json: string): string | undefined {
  const scopes: (Set<string> | null)[] = []; // null: an array
  let keyNext = false;
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g)) {
    if (token === '{' || token === '[') scopes.push(token === '{' ? new Set() : null);
    else if (token === '}' || token === ']') scopes.pop();
    else if (token !== ',' && keyNext) {
      const key = JSON.parse(token) as string;
      const seen = scopes.at(-1);
      if (seen?.has(key)) return key;
      seen?.add(key);
    }
    keyNext = token === '{' || (token === ',' && scopes.at(-1) !== null);
  }
  return undefined;
}

function parseEntry(name: string, value: unknown, path: string): Entry {
  const parsed = entrySchema.safeParse(value);
  const shown = JSON.stringify(shorten(name));
  if (!parsed.success) throw damaged(path, `its header entry for ${shown} is malformed`);
  const { dtype, shape } = parsed.data;
  const [begin, end] = parsed.data.data_offsets;
  if (dtype !== 'F32') {
    throw new UserError({
      what: `tensor ${shown} has dtype ${dtype}, only F32 can be read`,
      where: path,
      next: 'Convert the weights to float32 first',
    });
  }
  if (product(shape) * 4 !== end - begin)
    throw damaged(path, `tensor ${shown} of shape [${shape}] needs ${product(shape) * 4} bytes, not ${end - begin}`);
  return { name, shape, begin, end };
}

/** Every byte after the header belongs to exactly one tensor. */
function checkLayout(entries: Entry[], dataBytes: number, path: string): void {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let offset = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== offset)
      throw damaged(
        path,
        `tensor ${JSON.stringify(shorten(name))} ${begin < offset ? 'overlaps another' : 'leaves a hole before it'}`,
      );
    offset = end;
  }
  if (offset > dataBytes)
    throw damaged(path, `${offset} bytes of tensors were announced, ${dataBytes} are there: truncated`);
  if (offset < dataBytes) throw damaged(path, `${dataBytes - offset} bytes follow the last tensor`);
}

function damaged(path: string, why: string): UserError {
  return new UserError({
    what: 'this safetensors file is damaged',
    where: path,
    why,
    next: 'Use another checkpoint, or fetch or make this file again',
  });
}

async function readFully(handle: FileHandle, target: Uint8Array, position: number, path: string): Promise<void> {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(maxTransferBytes, target.length - done);
    const { bytesRead } = await handle.read(target, done, length, position + done);
    if (bytesRead === 0) throw damaged(path, `it ends after ${position + done} bytes: truncated`);
    done += bytesRead;
  }
}

async function writeFully(handle: FileHandle, source: Uint8Array): Promise<void> {
  let done = 0;
  while (done < source.length) {
    const length = Math.min(maxTransferBytes, source.length - done);
    done += (await handle.write(source, done, length)).bytesWritten;
  }
}

function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
