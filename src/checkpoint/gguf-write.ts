// Writes any GGUF file: metadata and tensors in, one durable file out. Tensors are converted and written a few rows at a
// time, so memory does not grow with the model.
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asUserError } from '../base/errors.js';
import { makeDirectory, syncDirectory, temporarySibling } from '../base/files.js';
import { requireDisk } from '../base/room.js';
import { align, alignment, dtypeInfo, magic, type ValueType, valueTypes, version } from './gguf-format.js';
import { refuseExisting } from './hf-export.js';
import { encodeNumbers, type GgufDtype, tooLarge } from './quantize.js';

/** Numbers converted at once. */
const chunkLength = 1 << 20;

export type MetadataValue =
  | { type: 'uint32' | 'float32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'array'; of: 'string'; value: readonly string[] }
  | { type: 'array'; of: 'int32'; value: readonly number[] };

export interface TensorSource {
  name: string;
  /** What it is called where it comes from: errors name it so. */
  from?: string;
  /** Row-major, as everywhere else here: [rows, columns] or [length]. */
  shape: readonly number[];
  dtype: GgufDtype;
  data: Float32Array;
  /** Where row r of the file is in `data`, for weights whose rows GGUF orders differently. */
  sourceRow?(row: number): number;
}

/**
 * Writes `path` through a temporary sibling: a crash leaves the old file or the new one. Without `replace`, a file that came
 * there meanwhile stays.
 * @throws UserError where the disk is full, the folder cannot be written, or a number is too large for its dtype.
 */
export async function writeGgufFile(
  path: string,
  metadata: readonly (readonly [name: string, value: MetadataValue])[],
  tensors: readonly TensorSource[],
  { replace = true }: { replace?: boolean } = {},
): Promise<void> {
  const temporary = temporarySibling(path);
  try {
    await makeDirectory(dirname(path));
    const bytes = tensors.reduce((sum, { dtype, data }) => sum + sizeIn(dtype, data.length), 0);
    requireDisk(path, bytes, {
      what: 'its tensors',
      next: 'Free some space, choose another folder, or a smaller --dtype',
    });
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(padded(header(metadata, tensors)));
      for (const tensor of tensors) await writeTensor(handle, tensor, path);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (!replace) await refuseExisting(path);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asUserError(error, path);
  }
}

function sizeIn(dtype: GgufDtype, length: number): number {
  const { block, blockBytes } = dtypeInfo(dtype);
  return (length / block) * blockBytes;
}

function header(metadata: readonly (readonly [string, MetadataValue])[], tensors: readonly TensorSource[]): Buffer {
  const parts: Buffer[] = [uint32(magic), uint32(version), uint64(tensors.length), uint64(metadata.length)];
  for (const [name, value] of metadata) parts.push(text(name), typeId(value.type), ...valueBytes(value));
  let offset = 0;
  for (const { name, shape, dtype, data } of tensors) {
    const dimensions = [...shape].reverse();
    parts.push(text(name), uint32(dimensions.length), ...dimensions.map(uint64));
    parts.push(uint32(dtypeInfo(dtype).id), uint64(offset));
    offset = align(offset + sizeIn(dtype, data.length), alignment);
  }
  return Buffer.concat(parts);
}

function valueBytes(value: MetadataValue): Buffer[] {
  switch (value.type) {
    case 'uint32':
      return [uint32(value.value)];
    case 'float32':
      return [Buffer.from(Float32Array.of(value.value).buffer)];
    case 'bool':
      return [Buffer.of(value.value ? 1 : 0)];
    case 'string':
      return [text(value.value)];
    case 'array': {
      const head = [typeId(value.of), uint64(value.value.length)];
      if (value.of === 'string') return [...head, ...value.value.map(text)];
      return [...head, Buffer.from(Int32Array.from(value.value).buffer)];
    }
    default:
      return value satisfies never;
  }
}

async function writeTensor(handle: FileHandle, tensor: TensorSource, path: string): Promise<void> {
  const { name, shape, dtype, data, sourceRow } = tensor;
  const rows = sourceRow === undefined && shape.length === 1 ? 1 : shape[0];
  const columns = data.length / rows;
  const rowsAtOnce = Math.max(1, Math.floor(chunkLength / columns));
  let bytes = 0;
  for (let first = 0; first < rows; first += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - first);
    const encoded = encodeNumbers(rowsOf(tensor, first, count, columns), dtype);
    if (encoded === undefined) throw tooLarge(tensor.from ?? name, data, dtype, path);
    await handle.writeFile(encoded);
    bytes += encoded.length;
  }
  await handle.writeFile(Buffer.alloc(align(bytes, alignment) - bytes));
}

function rowsOf({ data, sourceRow }: TensorSource, first: number, count: number, columns: number): Float32Array {
  if (sourceRow === undefined) return data.subarray(first * columns, (first + count) * columns);
  const rows = new Float32Array(count * columns);
  for (let row = 0; row < count; row++) {
    const from = sourceRow(first + row) * columns;
    rows.set(data.subarray(from, from + columns), row * columns);
  }
  return rows;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes], align(bytes.length, alignment));
}

function typeId(type: ValueType): Buffer {
  return uint32(valueTypes.indexOf(type));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
