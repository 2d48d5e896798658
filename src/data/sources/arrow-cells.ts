// The cells of one Arrow record batch as values. Nothing is trusted: each buffer is compared with the file before it is
// read, each offset, index and view with its buffer when its cell is asked for. A batch may claim any number of rows, so
// nothing is made for each. Format: https://arrow.apache.org/docs/format/Columnar.html
import { isUtf8 } from 'node:buffer';
import { type OpenFile, readAt } from '../arrow-file.js';
import type { Table } from '../flat-buffers.js';
import { type ArrowField, arrowTypes, hasVariadicBuffers } from './arrow-schema.js';
import { timeOf, wideInteger } from './arrow-times.js';
import { readLimits } from './limits.js';
import type { ZstdThread } from './zstd.js';

export interface Cells {
  length: number;
  /** Held by it. */
  bytes: number;
  /** @throws NotText; Error where the cell lies outside of what there is. */
  at(row: number): unknown;
}

/** Fault of a cell alone. */
export class NotText extends Error {}

export interface Message {
  type: number;
  header: Table;
  /** Where its buffers lie in the file. */
  body: number;
  bodyBytes: number;
}

const zstdCodec = 1;
/** In one row: its values are made all at once. */
const maxItems = 1 << 22;

/** Columns are taken in the order of the schema, each read or passed over. */
export class RecordBatch {
  readonly rows: number;
  readonly #file: OpenFile;
  readonly #message: Message;
  readonly #zstd: ZstdThread;
  readonly #dictionaries: ReadonlyMap<number, Cells>;
  readonly #isCompressed: boolean;
  /** Bytes that there can be in one buffer. */
  readonly #most: number;
  #node = 0;
  #slot = 0;
  #view = 0;

  constructor(file: OpenFile, message: Message, zstd: ZstdThread, dictionaries: ReadonlyMap<number, Cells>) {
    this.#file = file;
    this.#message = message;
    this.#zstd = zstd;
    this.#dictionaries = dictionaries;
    this.rows = message.header.long(0);
    this.#isCompressed = message.header.has(3);
    if (this.#isCompressed && message.header.table(3).byte(0) !== zstdCodec) {
      throw new Error('it is compressed with LZ4, which is not read: write it with compression "zstd" or none');
    }
    this.#most = this.#isCompressed ? readLimits.columnBytes : message.bodyBytes;
    // A row takes at least one byte of the file: its offset or index.
    if (this.rows > this.#most) throw new Error(`it claims ${this.rows} rows`);
  }

  skip(field: ArrowField): void {
    this.#node++;
    this.#slot += field.buffers + (hasVariadicBuffers(field) ? this.#variadic() : 0);
    for (const child of field.children) this.skip(child);
  }

  async column(field: ArrowField): Promise<Cells> {
    const cells = await this.#cells(field, field.name);
    if (cells.length !== this.rows) throw new Error('its columns are not equally long');
    return cells;
  }

  async #cells(field: ArrowField, name: string): Promise<Cells> {
    const nodes = this.#message.header.vector(1, 16);
    const length = nodes.long(this.#node, 0);
    const hasNulls = nodes.long(this.#node++, 8) > 0;
    if (length > 8 * this.#most) throw new Error(`it claims ${length} values`);
    const ends = this.#slot + field.buffers;
    const validity = field.buffers > 0 ? await this.#next(name, hasNulls ? Math.ceil(length / 8) : 0) : undefined;
    const value = await this.#values(field, length, name);
    this.#slot = Math.max(this.#slot, ends);
    const isNull = (row: number): boolean =>
      hasNulls && validity !== undefined && (validity[row >> 3] & (1 << (row & 7))) === 0;
    return { ...value, length, at: (row) => (isNull(row) ? null : value.at(row)) };
  }

  /** The rest of its buffers, and its children. */
  async #values(field: ArrowField, length: number, name: string): Promise<Omit<Cells, 'length'>> {
    const { number, width, children, dictionary } = field;
    const wide = (extra = 0): number => (length === 0 ? 0 : (length + extra) * width);
    if (dictionary !== undefined) {
      const values = this.#dictionaries.get(dictionary.id);
      if (values === undefined) throw new Error(`the dictionary of column ${name} is missing`);
      const indices = await this.#next(name, wide());
      return { bytes: indices.length, at: (row) => lookUp(values, indices, row, width, name) };
    }
    switch (number) {
      case arrowTypes.null:
        return { bytes: 0, at: () => null };
      case arrowTypes.bool: {
        const bits = await this.#next(name, Math.ceil(length / 8));
        return { bytes: bits.length, at: (row) => (bits[row >> 3] & (1 << (row & 7))) !== 0 };
      }
      case arrowTypes.int:
      case arrowTypes.float: {
        const values = await this.#next(name, wide());
        const at = number === arrowTypes.int ? integerIn(values, field) : floatIn(values, width);
        return { bytes: values.length, at };
      }
      case arrowTypes.utf8:
      case arrowTypes.binary:
      case arrowTypes.largeUtf8:
      case arrowTypes.largeBinary: {
        const offset = offsetIn(await this.#next(name, wide(1)), length, width);
        const data = await this.#next(name, 0);
        const at = (row: number): string | undefined => textOf(slice(data, offset(row), offset(row + 1)), number, name);
        return { bytes: wide(1) + data.length, at };
      }
      case arrowTypes.utf8View:
      case arrowTypes.binaryView:
        return this.#viewCells(length, number, name);
      case arrowTypes.list:
      case arrowTypes.largeList:
      case arrowTypes.map: {
        const offset = offsetIn(await this.#next(name, wide(1)), length, width);
        const items = await this.#cells(oneOf(children, name), name);
        const at = (row: number): unknown => {
          const list = listOf(items, offset(row), offset(row + 1));
          return number === arrowTypes.map ? mapOf(list, children[0].children) : list;
        };
        return { bytes: wide(1) + items.bytes, at };
      }
      case arrowTypes.fixedSizeList: {
        const items = await this.#cells(oneOf(children, name), name);
        return { bytes: items.bytes, at: (row) => listOf(items, row * width, (row + 1) * width) };
      }
      case arrowTypes.struct: {
        const parts: [string, Cells][] = [];
        for (const child of children) parts.push([child.name, await this.#cells(child, `${name}.${child.name}`)]);
        if (parts.some(([, cells]) => cells.length < length)) throw new Error('a buffer is too short');
        const bytes = parts.reduce((sum, [, cells]) => sum + cells.bytes, 0);
        return { bytes, at: (row) => Object.fromEntries(parts.map(([key, cells]) => [key, cells.at(row)])) };
      }
      case arrowTypes.date:
      case arrowTypes.time:
      case arrowTypes.timestamp:
      case arrowTypes.duration:
      case arrowTypes.decimal: {
        const values = await this.#next(name, wide());
        const at = (row: number): unknown =>
          timeOf(field, wideInteger(values.subarray(row * width, (row + 1) * width)));
        return { bytes: values.length, at };
      }
      default:
        // Half precision, intervals, unions: nothing that we read has a use for them.
        for (const child of children) this.skip(child);
        return { bytes: 0, at: () => undefined };
    }
  }

  /** 16 bytes each: the length, then up to 12 bytes of text, or the first four, a buffer and where in it. */
  async #viewCells(length: number, number: number, name: string): Promise<Omit<Cells, 'length'>> {
    const views = await this.#next(name, length * 16);
    const buffers: Buffer[] = [];
    const count = this.#variadic();
    let bytes = views.length;
    for (let i = 0; i < count; i++) {
      const buffer = await this.#next(name, 0);
      bytes += buffer.length;
      if (bytes > readLimits.columnBytes) throw tooLarge(name);
      buffers.push(buffer);
    }
    const at = (row: number): string | undefined => {
      const size = views.readInt32LE(row * 16);
      if (size >= 0 && size <= 12) return textOf(views.subarray(row * 16 + 4, row * 16 + 4 + size), number, name);
      const start = views.readInt32LE(row * 16 + 12);
      return textOf(slice(buffers[views.readInt32LE(row * 16 + 8)] ?? empty, start, start + size), number, name);
    };
    return { bytes, at };
  }

  /** How many buffers the next column of views has beside its own. */
  #variadic(): number {
    const { header, bodyBytes } = this.#message;
    const count = header.has(4) ? header.vector(4, 8).long(this.#view++, 0) : 0;
    if (count > bodyBytes) throw new Error(`it claims ${count} buffers`);
    return count;
  }

  /** Memory of its own. Where `needed` is 0, it may be left out. */
  async #next(name: string, needed: number): Promise<Buffer> {
    const slots = this.#message.header.vector(2, 16);
    const [offset, length] = [slots.long(this.#slot, 0), slots.long(this.#slot++, 8)];
    if (offset + length > this.#message.bodyBytes) throw new Error('a buffer lies outside its batch');
    if (length > readLimits.columnBytes) throw tooLarge(name);
    const bytes = await readAt(this.#file, this.#message.body + offset, length);
    const buffer = this.#isCompressed && length > 0 ? await this.#unpacked(bytes, name) : bytes;
    if (buffer.length < needed) throw new Error('a buffer is too short');
    return buffer;
  }

  #unpacked(bytes: Buffer, name: string): Promise<Buffer> | Buffer {
    const size = Number(bytes.readBigInt64LE(0));
    if (size === -1) return bytes.subarray(8);
    if (size < 0 || size > readLimits.columnBytes) throw tooLarge(name);
    return this.#zstd.unpackWhole(bytes.subarray(8), size);
  }
}

/** A dictionary and what a delta adds to it. */
export function joined(first: Cells, second: Cells, name: string): Cells {
  const bytes = first.bytes + second.bytes;
  if (bytes > readLimits.columnBytes) throw tooLarge(name);
  const at = (row: number) => (row < first.length ? first.at(row) : second.at(row - first.length));
  return { length: first.length + second.length, bytes, at };
}

const empty = Buffer.alloc(0);
const binary: ReadonlySet<number> = new Set([arrowTypes.binary, arrowTypes.largeBinary, arrowTypes.binaryView]);

function lookUp(values: Cells, indices: Buffer, row: number, width: number, name: string): unknown {
  // Indices are below 2^31 in any file that there is, so their sign does not matter.
  const index = indices.readUIntLE(row * width, Math.min(width, 6));
  if (index >= values.length) throw new Error(`column ${name} points outside its dictionary`);
  return values.at(index);
}

function slice(data: Buffer, start: number, end: number): Buffer {
  if (!(start >= 0 && end >= start && end <= data.length)) throw new Error('a cell lies outside its buffer');
  return data.subarray(start, end);
}

/** Bytes that nobody called a text may be anything: undefined where they are none. */
function textOf(bytes: Buffer, number: number, name: string): string | undefined {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  if (binary.has(number)) return undefined;
  throw new NotText(`column ${name} is not UTF-8 text`);
}

/** Each cell begins where the one before ends or behind it, so all of them hold no more than their buffer. */
function offsetIn(offsets: Buffer, length: number, width: number): (row: number) => number {
  const at = (row: number): number =>
    width === 4 ? offsets.readInt32LE(row * 4) : Number(offsets.readBigInt64LE(row * 8));
  for (let row = 0; row < length; row++) if (at(row + 1) < at(row)) throw new Error('a cell ends before it begins');
  return at;
}

/** Beyond what a number holds exactly: its digits. */
function integerIn(values: Buffer, { width, isSigned }: ArrowField): (row: number) => number | string {
  if (width <= 4) {
    return (row) => (isSigned ? values.readIntLE(row * width, width) : values.readUIntLE(row * width, width));
  }
  return (row) => {
    const value = isSigned ? values.readBigInt64LE(row * 8) : values.readBigUInt64LE(row * 8);
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  };
}

/** Half precision is not read: no text and no number of a row is in it. */
function floatIn(values: Buffer, width: number): (row: number) => number | undefined {
  if (width === 8) return (row) => values.readDoubleLE(row * 8);
  return width === 4 ? (row) => values.readFloatLE(row * 4) : () => undefined;
}

function listOf(items: Cells, start: number, end: number): unknown[] {
  if (!(start >= 0 && end >= start && end <= items.length)) throw new Error('a list lies outside its items');
  if (end - start > maxItems) throw new Error(`a list has more than ${maxItems} items`);
  return Array.from({ length: end - start }, (_, i) => items.at(start + i));
}

function mapOf(entries: readonly unknown[], [key, value]: readonly ArrowField[]): Record<string, unknown> {
  const pairs = entries as Record<string, unknown>[];
  return Object.fromEntries(pairs.map((entry) => [String(entry[key?.name ?? 'key']), entry[value?.name ?? 'value']]));
}

function oneOf(children: readonly ArrowField[], name: string): ArrowField {
  if (children.length !== 1) throw new Error(`column ${name} is a list of nothing`);
  return children[0];
}

function tooLarge(name: string): Error {
  return new Error(
    `column ${name} has more than ${readLimits.columnBytes >> 20} MiB in one record batch: write smaller ones`,
  );
}
