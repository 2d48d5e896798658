// Reads the Arrow IPC files that we write, a record batch at a time. Their bytes may come from anywhere: every length
// and offset is checked against the file before memory is taken for it, so what is read is never more than the file
// holds. (apache-arrow trusts what it reads: a damaged footer makes it allocate without bound, or loop for ever.)
// Format: https://arrow.apache.org/docs/format/Columnar.html, its metadata in FlatBuffers.
import { type FileHandle, open } from 'node:fs/promises';
import { systemErrorCode } from '../base/errors.js';
import { Table } from './flat-buffers.js';

/** `list`: of uint16 or uint32, as the file says. No column has nulls. */
export type ColumnType = 'utf8' | 'uint32' | 'list';

export interface Batch {
  rows: number;
  /** The cell of a `utf8` column. */
  text(column: number, row: number): string;
  /** The cell of a `uint32` column. */
  number(column: number, row: number): number;
  /** The cell of a `list` column: a view of the batch's memory. */
  list(column: number, row: number): Uint16Array | Uint32Array;
}

/** Where a record batch lies: its metadata, then its buffers. */
interface Block {
  offset: number;
  metadataBytes: number;
  bodyBytes: number;
}

export const magic = 'ARROW1';
/** FlatBuffers positions are 32 bits wide; a footer has 24 bytes a batch, metadata 16 a buffer. */
export const maxMetadataBytes = 64 << 20;
const blockBytes = 24;
const unionTypes = { int: 2, utf8: 5, list: 12 } as const;
const recordBatchHeader = 3;

/** The error of a damaged file, in the caller's words. */
export type DamageError = (path: string, why: string) => Error;

export interface ArrowFile {
  readonly batches: number;
  read(index: number): Promise<Batch>;
}

/**
 * Reads the footer. No handle stays open between calls.
 * @param columns name → type: all of the file's columns, in their order.
 * @param damaged makes the error that this and `read` throw for a file that is not as it should be.
 */
export async function openArrowFile(
  path: string,
  columns: Readonly<Record<string, ColumnType>>,
  damaged: DamageError,
): Promise<ArrowFile> {
  const footer = await withFile(path, damaged, (file) => readFooter(file, Object.entries(columns)));
  const read = (index: number): Promise<Batch> =>
    withFile(path, damaged, async (file) => {
      const block = footer.blocks[index];
      if (block === undefined) throw new Error(`record batch ${index} is missing`);
      const metadata = await readAt(file, block.offset, block.metadataBytes);
      const body = await readAt(file, block.offset + block.metadataBytes, block.bodyBytes);
      // The message comes after 0xffffffff and its length.
      return decode(Table.root(metadata.subarray(8)), body, Object.values(columns), footer.widths);
    });
  return { batches: footer.blocks.length, read };
}

function decode(message: Table, body: Buffer, types: readonly ColumnType[], widths: readonly number[]): Batch {
  if (message.byte(1) !== recordBatchHeader) throw new Error('there is no record batch where one should be');
  const header = message.table(2);
  if (header.has(3)) throw new Error('it is compressed');
  const rows = header.long(0);
  const nodes = header.vector(1, 16);
  const slots = header.vector(2, 16);
  let node = 0;
  let slot = 0;
  /** Length of the next array; our columns hold no nulls, so its validity buffer is empty. */
  const nextArray = (): number => {
    if (nodes.long(node, 8) !== 0) throw new Error('it holds nulls');
    slot++;
    return nodes.long(node++, 0);
  };
  const nextBuffer = (count: number, width: number): ArrayBufferView => {
    const offset = slots.long(slot, 0);
    const length = slots.long(slot++, 8);
    if (offset + length > body.length || offset % 4 !== 0) throw new Error('a buffer lies outside its batch');
    if (count * width > length) throw new Error(`a buffer of ${length} bytes does not hold ${count} values`);
    return typedArray(body, offset, count, width);
  };
  const columns = types.map((type, i): Column => {
    if (nextArray() !== rows) throw new Error('its columns are not equally long');
    if (type === 'uint32') return { values: nextBuffer(rows, 4) as Uint32Array };
    // Without rows a writer may leave the one offset out.
    const found = nextBuffer(rows === 0 ? 0 : rows + 1, 4) as Uint32Array;
    const offsets = rows === 0 ? new Uint32Array(1) : found;
    checkOffsets(offsets);
    const end = offsets[offsets.length - 1];
    if (type === 'utf8') return { offsets, values: nextBuffer(end, 1) as Uint8Array };
    if (nextArray() < end) throw new Error('a list is longer than its items');
    return { offsets, values: nextBuffer(end, widths[i] / 8) as Uint16Array | Uint32Array };
  });
  return batchOf(rows, columns);
}

interface Column {
  offsets?: Uint32Array;
  values: Uint8Array | Uint16Array | Uint32Array;
}

function batchOf(rows: number, columns: readonly Column[]): Batch {
  const cell = (column: number, row: number) => {
    const { offsets, values } = columns[column];
    return offsets === undefined ? values.subarray(row, row + 1) : values.subarray(offsets[row], offsets[row + 1]);
  };
  return {
    rows,
    text(column, row) {
      const { buffer, byteOffset, length } = cell(column, row);
      return Buffer.from(buffer, byteOffset, length).toString('utf8');
    },
    number: (column, row) => cell(column, row)[0],
    list: (column, row) => cell(column, row) as Uint16Array | Uint32Array,
  };
}

async function readFooter(file: OpenFile, columns: readonly (readonly [string, ColumnType])[]) {
  const tail = await readAt(file, file.size - 10, 10);
  if (tail.toString('latin1', 4) !== magic) throw new Error('it does not end as an Arrow file does');
  const length = tail.readInt32LE(0);
  if (length > maxMetadataBytes) throw new Error(`its footer claims ${length} bytes`);
  const footer = Table.root(await readAt(file, file.size - 10 - length, length));
  return { blocks: blocksOf(footer, file.size), widths: checkSchema(footer.table(1), columns) };
}

/** One after another, as a writer puts them: no batch can be read twice, so no small file holds many documents. */
function blocksOf(footer: Table, size: number): Block[] {
  const vector = footer.vector(3, blockBytes);
  let end = 8; // after the magic
  return Array.from({ length: vector.length }, (_, i) => {
    const block = { offset: vector.long(i, 0), metadataBytes: vector.int(i, 8), bodyBytes: vector.long(i, 16) };
    if (block.offset < end || block.metadataBytes < 8 || block.metadataBytes > maxMetadataBytes) {
      throw new Error(`record batch ${i} lies where it cannot`);
    }
    end = block.offset + block.metadataBytes + block.bodyBytes;
    if (end > size) throw new Error(`record batch ${i} reaches beyond the end: the file is cut short`);
    return block;
  });
}

/** @returns the bits of the items of each `list` column. */
function checkSchema(schema: Table, columns: readonly (readonly [string, ColumnType])[]): number[] {
  const fields = schema.vector(1, 4);
  if (fields.length !== columns.length) throw new Error(`it has ${fields.length} columns, not ${columns.length}`);
  return columns.map(([name, type], i) => {
    const field = fields.table(i);
    const kind = field.byte(2);
    if (field.text(0) !== name) throw new Error(`its column ${i + 1} is not called ${name}`);
    const fits =
      type === 'utf8'
        ? kind === unionTypes.utf8
        : type === 'uint32'
          ? unsignedBits(field) === 32
          : kind === unionTypes.list && field.vector(5, 4).length === 1;
    const bits = fits && type === 'list' ? unsignedBits(field.vector(5, 4).table(0)) : 0;
    if (!fits || (type === 'list' && bits !== 16 && bits !== 32)) throw new Error(`its column ${name} is no ${type}`);
    return bits;
  });
}

/** 0 for anything but an unsigned integer. */
function unsignedBits(field: Table): number {
  if (field.byte(2) !== unionTypes.int) return 0;
  const type = field.table(3);
  return type.byte(1) === 0 ? type.int(0) : 0;
}

function checkOffsets(offsets: Uint32Array): void {
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i] < offsets[i - 1]) throw new Error('a cell ends before it begins');
  }
}

function typedArray(body: Buffer, offset: number, count: number, width: number) {
  const { buffer, byteOffset } = body;
  if (width === 1) return new Uint8Array(buffer, byteOffset + offset, count);
  if (width === 2) return new Uint16Array(buffer, byteOffset + offset, count);
  return new Uint32Array(buffer, byteOffset + offset, count);
}

export interface OpenFile {
  handle: FileHandle;
  size: number;
}

/** Errors of the system are passed on; any other is one of the file's content. */
export async function withFile<T>(
  path: string,
  damaged: DamageError,
  work: (file: OpenFile) => Promise<T>,
): Promise<T> {
  const handle = await open(path, 'r');
  try {
    return await work({ handle, size: (await handle.stat()).size });
  } catch (error) {
    if (error instanceof RangeError) throw damaged(path, 'its metadata points outside of it');
    throw systemErrorCode(error) === undefined ? damaged(path, (error as Error).message) : error;
  } finally {
    await handle.close();
  }
}

/** Memory of its own, aligned; only what the file really holds. */
export async function readAt({ handle, size }: OpenFile, position: number, length: number): Promise<Buffer> {
  if (!(position >= 0 && length >= 0 && position + length <= size)) throw new Error('it is cut short');
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, 1 << 30), position + done);
    if (bytesRead === 0) throw new Error('it is cut short');
    done += bytesRead;
  }
  return bytes;
}
