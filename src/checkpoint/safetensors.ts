// safetensors: eight bytes of header length, a JSON header that says where each tensor lies, then the raw numbers.
// Everything in the header is checked against the file's real size before any memory is taken for it. In memory bf16 stays
// as it is until it is used, and every other number is a float32, converted a piece at a time: no second copy exists.
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';
import { countIn, floatsOf, type HostTensor, halfTensor, sizeOf } from '../base/host-tensor.js';
import type { FloatDtype } from './float16.js';
import { tooLarge } from './quantize.js';
import { EndOfFile, TensorReader, TensorWriter } from './tensor-io.js';

/** Limit of the reference implementation (Rust `safetensors`). */
const maxHeaderBytes = 100_000_000;
const storedNames = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const satisfies Record<FloatDtype, string>;
const dtypes = new Map<string, FloatDtype>(
  Object.entries(storedNames).map(([dtype, stored]) => [stored, dtype as FloatDtype]),
);

/** Where a tensor lies in its file. */
export interface TensorEntry {
  name: string;
  dtype: FloatDtype;
  shape: number[];
  /** Bytes, relative to the end of the header. */
  begin: number;
  end: number;
}

/**
 * Writes tensors as float32, or rounded to 16 bits, ordered by name: equal tensors give equal bytes, in whatever order
 * they come. The file is fsynced but not renamed into place; the folder around it is (see save.ts).
 * @returns the sha256 of the file.
 * @throws UserError naming the tensor that holds a number too large for `dtype`.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly HostTensor[],
  { dtype = 'f32', metadata }: { dtype?: FloatDtype; metadata?: Record<string, string> } = {},
): Promise<string> {
  const sorted = sortedByName(tensors);
  const handle = await open(path, 'w');
  try {
    const writer = new TensorWriter(handle);
    await writer.bytes(header(sorted, dtype, metadata));
    for (const tensor of sorted) {
      const { name } = tensor;
      const data = floatsOf(tensor);
      const overflow = await writer.numbers(data, dtype);
      if (overflow >= 0) throw tooLarge(name, data, dtype);
    }
    await handle.sync();
    return writer.sha256();
  } finally {
    await handle.close();
  }
}

/** Whether a tensor is skipped, whatever its dtype. */
type IsSkipped = (name: string, shape: readonly number[]) => boolean;

/**
 * Reads the tensors of a file, bf16 as it is and the others as float32. `onDigest` gets the sha256 of the file, once all of it has been read.
 * @throws UserError naming the file and what is wrong with it: truncated, extra bytes, overlaps, other dtypes.
 */
export async function readSafetensors(
  path: string,
  { onDigest, isSkipped }: { onDigest?: (sha256: string) => void; isSkipped?: IsSkipped } = {},
): Promise<Map<string, HostTensor>> {
  return withHeader(path, isSkipped, async (reader, entries, dataBytes) => {
    const tensors = new Map<string, HostTensor>();
    let position = 0;
    for (const { name, dtype, shape, begin, end } of entries) {
      await reader.skip(begin - position);
      const count = (end - begin) / bytesOf(dtype);
      if (dtype === 'bf16') {
        const halves = allocate(Uint16Array, count, path);
        await reader.halves(halves);
        tensors.set(name, halfTensor(name, shape, halves));
      } else {
        const data = allocate(Float32Array, count, path);
        await reader.numbers(data, dtype);
        tensors.set(name, { name, shape, data });
      }
      position = end;
    }
    await reader.skip(dataBytes - position);
    onDigest?.(reader.sha256());
    return tensors;
  });
}

/** What a file holds, in the order it lies there; the tensors themselves are not read. Throws as `readSafetensors`. */
export function readSafetensorsHeader(path: string, isSkipped?: IsSkipped): Promise<TensorEntry[]> {
  return withHeader(path, isSkipped, async (_, entries) => entries);
}

export function sortedByName(tensors: readonly HostTensor[]): HostTensor[] {
  return [...tensors].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export function bytesOf(dtype: FloatDtype): number {
  return dtype === 'f32' ? 4 : 2;
}

/** The reader is behind the header, before the first tensor. */
async function withHeader<T>(
  path: string,
  isSkipped: IsSkipped = () => false,
  work: (reader: TensorReader, entries: TensorEntry[], dataBytes: number) => Promise<T>,
): Promise<T> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const reader = new TensorReader(handle);
    const { entries, dataBytes } = await readHeader(reader, path, size, isSkipped);
    return await work(reader, entries, dataBytes);
  } catch (error) {
    throw error instanceof EndOfFile ? damaged(path, error.message) : error;
  } finally {
    await handle.close();
  }
}

function header(tensors: readonly HostTensor[], dtype: FloatDtype, metadata?: Record<string, string>): Uint8Array {
  const fields: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  let offset = 0;
  for (const [index, tensor] of tensors.entries()) {
    const { name, shape } = tensor;
    const count = countIn(tensor);
    if (name === '__metadata__' || name === tensors[index - 1]?.name)
      throw new Error(`tensor name ${name} is used twice or reserved`);
    if (sizeOf(shape) !== count) throw new Error(`tensor ${name}: shape [${shape}] does not hold ${count} numbers`);
    const end = offset + count * bytesOf(dtype);
    fields.push([name, { dtype: storedNames[dtype], shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(fields)), 'utf8');
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded), 0);
  bytes.set(json, 8);
  return bytes;
}

const entrySchema = z.strictObject({
  dtype: z.string().max(32),
  shape: z.array(z.int().min(0)).max(16),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const metadataSchema = z.record(z.string(), z.string());

async function readHeader(reader: TensorReader, path: string, size: number, isSkipped: IsSkipped) {
  if (size < 8) throw damaged(path, `it has ${size} bytes, fewer than the 8 that any such file begins with`);
  const prefix = Buffer.alloc(8);
  await reader.bytes(prefix);
  if (prefix.toString('latin1') === 'version ') throw gitPointer(path);
  const length = prefix.readBigUInt64LE(0);
  if (length > maxHeaderBytes) throw damaged(path, `its header claims ${length} bytes; ${maxHeaderBytes} is the limit`);
  const start = 8 + Number(length);
  if (start > size) throw damaged(path, `its header claims ${length} bytes but the file ends after ${size}: truncated`);
  const bytes = Buffer.alloc(Number(length));
  await reader.bytes(bytes);
  const entries = Object.entries(parseHeader(bytes, path)).flatMap(([name, value]) => {
    if (name !== '__metadata__') return [parseEntry(name, value, path, isSkipped)];
    if (!metadataSchema.safeParse(value).success) throw damaged(path, '__metadata__ is not a map of strings');
    return [];
  });
  checkLayout(entries, size - start, path);
  return { entries: entries.filter(({ name, shape }) => !isSkipped(name, shape)), dataBytes: size - start };
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
  if (twice !== undefined) throw damaged(path, `its header names ${quoted(twice)} twice`);
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

function parseEntry(name: string, value: unknown, path: string, isSkipped: IsSkipped): TensorEntry {
  const parsed = entrySchema.safeParse(value);
  const shown = quoted(name);
  if (!parsed.success) throw damaged(path, `its header entry for ${shown} is malformed`);
  const { dtype, shape } = parsed.data;
  const [begin, end] = parsed.data.data_offsets;
  if (isSkipped(name, shape)) return { name, dtype: 'f32', shape, begin, end: Math.max(begin, end) };
  const known = dtypes.get(dtype);
  if (known === undefined) {
    throw new UserError({
      what: `tensor ${shown} has dtype ${dtype}; only ${[...dtypes.keys()].join(', ')} can be read`,
      where: path,
      next: /^(I|U|F4|F6|F8|E8)/.test(dtype)
        ? 'If these are quantized weights, use the unquantized model'
        : 'Save the model again in one of these',
    });
  }
  const bytes = sizeOf(shape) * bytesOf(known);
  if (bytes !== end - begin)
    throw damaged(path, `tensor ${shown} of shape [${shape}] needs ${bytes} bytes, not ${end - begin}`);
  return { name, dtype: known, shape, begin, end };
}

/** Every byte after the header belongs to exactly one tensor. */
function checkLayout(entries: TensorEntry[], dataBytes: number, path: string): void {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let offset = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== offset)
      throw damaged(path, `tensor ${quoted(name)} ${begin < offset ? 'overlaps another' : 'leaves a hole before it'}`);
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

/** What `git clone` leaves in the place of a large file where git-lfs is not installed. */
function gitPointer(path: string): UserError {
  return new UserError({
    what: 'this is a Git LFS pointer, not the file itself',
    where: path,
    next: 'Fetch the file: git lfs install, then git lfs pull in its folder',
  });
}

function allocate<T extends Float32Array | Uint16Array>(
  type: { new (length: number): T; BYTES_PER_ELEMENT: number },
  length: number,
  path: string,
): T {
  try {
    return new type(length);
  } catch (error) {
    throw new UserError(
      {
        what: 'there is not enough memory for these weights',
        where: path,
        why: `one tensor alone takes ${length * type.BYTES_PER_ELEMENT} bytes`,
        next: 'Use a smaller model',
      },
      { cause: error, exitCode: 1 },
    );
  }
}

function quoted(name: string): string {
  return JSON.stringify(shorten(name, 80));
}
