// Reads the header of third-party GGUF files. Every count, length and offset in the header is checked against the file's real size
// before memory is taken for it, and the header itself is bounded, so a hostile file costs no more than a small one.
import { type FileHandle, open } from 'node:fs/promises';
import { asUserError, UserError } from '../base/errors.js';
import { sizeOf } from '../base/host-tensor.js';
import { Cursor, endOfBytes, maxHeaderBytes, type NumberArray, numberArrays, quoted } from './gguf-cursor.js';
import { align, alignment, dtypeInfo, dtypeNames, type GgmlDtype, magic, valueTypes } from './gguf-format.js';

/** The first read; almost every header without its vocabulary is smaller. */
const firstReadBytes = 1 << 18;
const maxDimensions = 4;
const maxNameBytes = 1 << 16;
/** Metadata entries, and tensors: a header entry of 25 bytes becomes an object of 300. */
const maxEntries = 100_000;
/** What `general.alignment` may be, up to 1 MiB. */
const powersOfTwo = Array.from({ length: 21 }, (_, exponent) => 2 ** exponent);

/** Arrays of arrays: how deep, and how many in a file; each becomes an object of 150 bytes. */
const maxArrayDepth = 8;
const maxNestedArrays = 100_000;

/** 64-bit integers are bigint, whatever their size; arrays of bool hold 0 and 1. */
export type GgufValue = number | bigint | boolean | string | GgufArray;
export type GgufArray = string[] | NumberArray | GgufArray[];

export interface GgufTensor {
  name: string;
  dtype: GgmlDtype;
  /** Row-major: the reverse of the file's order. */
  shape: number[];
  /** In the file. */
  offset: number;
  bytes: number;
}

export interface Gguf {
  version: number;
  metadata: Map<string, GgufValue>;
  tensors: GgufTensor[];
}

/**
 * The header of a GGUF file, version 2 or 3, little-endian; no tensor is read. Memory: at most 64 MiB and 8 bytes for each
 * byte of the header, which is refused above 64 MiB.
 * @throws UserError naming what is wrong: truncated, malformed, offsets outside the file, overlaps, unknown types.
 */
export async function readGguf(path: string): Promise<Gguf> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { size } = await handle.stat();
    for (let length = firstReadBytes; ; length *= 4) {
      const bytes = await readStart(handle, Math.min(length, size, maxHeaderBytes), path);
      const parsed = parseGgufHeader(bytes, size, path);
      if (parsed !== undefined) return parsed;
    }
  } catch (error) {
    throw asUserError(error, path);
  } finally {
    await handle?.close();
  }
}

/**
 * Parses the header from the first bytes of a file that has `fileSize` bytes in all.
 * @returns undefined where `bytes` end before the header does, and more of the file would help.
 * @throws UserError as `readGguf` does.
 */
export function parseGgufHeader(bytes: Buffer, fileSize: number, path: string): Gguf | undefined {
  const cursor = new Cursor(bytes, fileSize, path);
  try {
    return parse(cursor);
  } catch (error) {
    if (error === endOfBytes && bytes.length < Math.min(fileSize, maxHeaderBytes)) return undefined;
    if (error !== endOfBytes) throw error;
    throw cursor.fault(
      bytes.length < fileSize
        ? `its header is longer than ${maxHeaderBytes} bytes`
        : 'it ends inside its header: truncated',
    );
  }
}

function parse(cursor: Cursor): Gguf {
  if (cursor.uint32() !== magic) throw cursor.fault('it does not begin with "GGUF"');
  const version = cursor.uint32();
  if (version !== 2 && version !== 3) {
    const isSwapped = (version & 0xffff) === 0;
    throw cursor.fault(
      isSwapped ? 'it is big-endian; only little-endian files are read' : `version ${version} is not read`,
    );
  }
  const tensorCount = cursor.count(24); // name length, dimensions, dtype, offset
  const metadataCount = cursor.count(13); // name length, type, one byte
  if (Math.max(tensorCount, metadataCount) > maxEntries)
    throw cursor.fault(`it claims more than ${maxEntries} entries`);
  const metadata = new Map<string, GgufValue>();
  const nested = { left: maxNestedArrays };
  for (let i = 0; i < metadataCount; i++) {
    const name = cursor.text(maxNameBytes);
    if (metadata.has(name)) throw cursor.fault(`it has ${quoted(name)} twice`);
    metadata.set(name, readValue(cursor, name, nested));
  }
  const step = metadata.get('general.alignment') ?? alignment;
  if (typeof step !== 'number' || !powersOfTwo.includes(step)) {
    throw cursor.fault(`general.alignment is ${quoted(String(step))}, not a power of two`);
  }
  const tensors: GgufTensor[] = [];
  for (let i = 0; i < tensorCount; i++) tensors.push(readTensorInfo(cursor, step));
  place(tensors, align(cursor.position, step), cursor);
  return { version, metadata, tensors };
}

function readValue(cursor: Cursor, name: string, nested: { left: number }): GgufValue {
  const type = valueTypes[cursor.uint32()];
  switch (type) {
    case undefined:
      throw cursor.fault(`${quoted(name)} has an unknown type`);
    case 'string':
      return cursor.text();
    case 'array':
      return readArray(cursor, name, nested, 1);
    case 'bool':
      return cursor.numbers('uint8', 1)[0] !== 0;
    default:
      return cursor.numbers(type, 1)[0];
  }
}

function readArray(cursor: Cursor, name: string, nested: { left: number }, depth: number): GgufArray {
  const of = valueTypes[cursor.uint32()];
  if (of === undefined) throw cursor.fault(`${quoted(name)} is an array of an unknown type`);
  if (of === 'array') {
    if (depth === maxArrayDepth) throw cursor.fault(`${quoted(name)} has arrays more than ${maxArrayDepth} deep`);
    const length = cursor.count(12); // type and length
    nested.left -= length;
    if (nested.left < 0) throw cursor.fault(`it has more than ${maxNestedArrays} arrays inside arrays`);
    const arrays: GgufArray[] = [];
    for (let i = 0; i < length; i++) arrays.push(readArray(cursor, name, nested, depth + 1));
    return arrays;
  }
  if (of === 'string') {
    const length = cursor.count(8);
    const texts: string[] = [];
    for (let i = 0; i < length; i++) texts.push(cursor.text());
    return texts;
  }
  const type = of === 'bool' ? 'uint8' : of;
  return cursor.numbers(type, cursor.count(numberArrays[type].BYTES_PER_ELEMENT));
}

/** The offset is still relative to the data. */
function readTensorInfo(cursor: Cursor, step: number): GgufTensor {
  const name = cursor.text(maxNameBytes);
  const dimensions = cursor.uint32();
  if (dimensions > maxDimensions) throw cursor.fault(`tensor ${quoted(name)} has ${dimensions} dimensions`);
  const shape = Array.from({ length: dimensions }, () => cursor.uint64()).reverse();
  const id = cursor.uint32();
  const dtype = dtypeNames.find((known) => dtypeInfo(known).id === id);
  if (dtype === undefined) throw cursor.fault(`tensor ${quoted(name)} has the unknown dtype ${id}`);
  const offset = cursor.uint64();
  if (offset % step !== 0) throw cursor.fault(`tensor ${quoted(name)} is not aligned to ${step} bytes`);
  return { name, dtype, shape, offset, bytes: tensorBytes(shape, dtype, name, cursor) };
}

function tensorBytes(shape: readonly number[], dtype: GgmlDtype, name: string, cursor: Cursor): number {
  const { block, blockBytes } = dtypeInfo(dtype);
  const numbers = sizeOf(shape);
  const isSafe = shape.every((size) => size > 0) && numbers <= Number.MAX_SAFE_INTEGER / blockBytes;
  if (!isSafe) throw cursor.fault(`tensor ${quoted(name)} has an impossible shape, [${shape}]`);
  if ((shape.at(-1) ?? 1) % block !== 0) {
    throw cursor.fault(`tensor ${quoted(name)} has rows of ${shape.at(-1)} numbers, which ${dtype} cannot store`);
  }
  return (numbers / block) * blockBytes;
}

/** Makes the offsets absolute; every tensor lies inside the file and shares no byte with another. */
function place(tensors: readonly GgufTensor[], start: number, cursor: Cursor): void {
  const names = new Set<string>();
  let end = 0;
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset)) {
    if (names.has(tensor.name)) throw cursor.fault(`it has two tensors called ${quoted(tensor.name)}`);
    names.add(tensor.name);
    if (tensor.offset < end) throw cursor.fault(`tensor ${quoted(tensor.name)} overlaps another`);
    end = tensor.offset + tensor.bytes;
    if (start + end > cursor.fileSize)
      throw cursor.fault(`tensor ${quoted(tensor.name)} ends after the file: truncated`);
    tensor.offset += start;
  }
}

async function readStart(handle: FileHandle, length: number, path: string): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, done);
    if (bytesRead === 0) throw new UserError({ what: 'this file ends too early', where: path, why: 'truncated' });
    done += bytesRead;
  }
  return bytes;
}
