// Text columns of third-party Arrow IPC files and streams (pyarrow, Hugging Face datasets, Polars), message by
// message: a file is a stream with a footer behind it, so one forward pass reads both and can visit nothing twice.
// Our own reader, because apache-arrow trusts a damaged file; only the buffers of the wanted columns are
// read, each checked against the file first. What is held is one record batch of them, and the dictionaries.
// Format: https://arrow.apache.org/docs/format/Columnar.html
import { open } from 'node:fs/promises';
import { systemErrorCode, UserError } from '../../base/errors.js';
import { magic, maxMetadataBytes, type OpenFile, readAt } from '../arrow-file.js';
import { Table } from '../flat-buffers.js';
import type { SourceSpec } from '../spec.js';
import { type Dictionary, readSchema, type TextColumn } from './arrow-schema.js';
import { type BytesRow, documentOf, maxColumnBytes, neededColumns } from './columnar.js';
import type { SourceFile } from './files.js';
import type { BadRow, RawDocument } from './raw.js';
import { ZstdThread } from './zstd.js';

/** A view of buffers: a batch may claim any number of rows, so nothing is made for each. */
interface Cells {
  length: number;
  /** Held by it. */
  bytes: number;
  at(row: number): Uint8Array | null;
}

interface Message {
  type: number;
  header: Table;
  /** Where its buffers lie in the file. */
  body: number;
  bodyBytes: number;
}

const schemaMessage = 1;
const dictionaryMessage = 2;
const batchMessage = 3;
const zstdCodec = 1;

export async function* readArrowRows(
  file: SourceFile,
  { columns }: Pick<SourceSpec, 'columns'>,
): AsyncGenerator<RawDocument | BadRow> {
  let index = 0;
  const zstd = new ZstdThread();
  const handle = await open(file.path, 'r');
  try {
    const opened = { handle, size: (await handle.stat()).size };
    for await (const { names, cells } of batches(opened, zstd, (schema) => neededColumns(schema, columns, file.path))) {
      for (let row = 0; row < cells[0].length; row++, index++) {
        const record: BytesRow = Object.fromEntries(names.map((name, i) => [name, cells[i].at(row)]));
        yield documentOf(record, columns, `${file.name}#${index}`, `${file.path}, row ${index + 1}`);
      }
    }
  } catch (error) {
    const isRange = error instanceof RangeError;
    if (error instanceof UserError || (systemErrorCode(error) !== undefined && !isRange)) throw error;
    const why = isRange ? 'its metadata points outside of it' : (error as Error).message;
    throw new UserError({
      what: 'this Arrow file cannot be read on',
      where: `${file.path}, row ${index + 1}`,
      why,
      next: 'Fetch or write it again; the rows before have been read',
    });
  } finally {
    await handle.close();
    await zstd.close();
  }
}

async function* batches(
  file: OpenFile,
  zstd: ZstdThread,
  choose: (schema: readonly TextColumn[]) => string[],
): AsyncGenerator<{ names: string[]; cells: Cells[] }> {
  const dictionaries = new Map<number, Cells>();
  let wanted: TextColumn[] | undefined;
  for await (const message of messages(file)) {
    if (wanted === undefined) {
      if (message.type !== schemaMessage) throw new Error('it does not begin with a schema');
      const schema = readSchema(message.header);
      const names = choose(schema);
      wanted = names.map((name) => schema.find((column) => column.name === name) as TextColumn);
    } else if (message.type === dictionaryMessage) {
      const id = message.header.long(0);
      const column = wanted.find(({ dictionary }) => dictionary?.id === id);
      if (column === undefined) continue;
      const batch = new RecordBatch(file, { ...message, header: message.header.table(1) }, zstd);
      const values = await batch.texts({ ...column, node: 0, buffer: 0 });
      const earlier = message.header.byte(2) === 0 ? undefined : dictionaries.get(id);
      dictionaries.set(id, earlier === undefined ? values : joined(earlier, values, column.name));
    } else if (message.type === batchMessage) {
      const batch = new RecordBatch(file, message, zstd);
      const cells: Cells[] = [];
      for (const column of wanted) {
        const { dictionary } = column;
        const values = dictionary && dictionaries.get(dictionary.id);
        cells.push(await (dictionary ? batch.lookUp(column, dictionary, values) : batch.texts(column)));
      }
      yield { names: wanted.map(({ name }) => name), cells };
    } else throw new Error(`there is a message of the unknown kind ${message.type}`);
  }
  if (wanted === undefined) throw new Error('there is no schema in it');
}

/** From front to back, each behind the one before. */
async function* messages(file: OpenFile): AsyncGenerator<Message> {
  const head = await readAt(file, 0, Math.min(8, file.size));
  if (head.length === 0) throw new Error('it is empty');
  if (head.toString('latin1', 0, 4) === 'FEA1') throw new Error('it is of the first Feather format, which is not read');
  const isFile = head.toString('latin1', 0, 6) === magic;
  const end = isFile ? await footerStart(file) : file.size;
  for (let at = isFile ? 8 : 0; at !== (end ?? file.size); ) {
    let length = (await readAt(file, at, 4)).readInt32LE(0);
    at += 4;
    // Before Arrow 0.15 the length came alone.
    if (length === -1) {
      length = (await readAt(file, at, 4)).readInt32LE(0);
      at += 4;
    }
    if (length === 0) break;
    if (length < 0 || length > maxMetadataBytes) throw new Error('it is no Arrow file, or damaged');
    const metadata = Table.root(await readAt(file, at, length));
    const bodyBytes = metadata.long(3);
    at += length;
    if (at + bodyBytes > file.size) throw new Error('it is cut short');
    yield { type: metadata.byte(1), header: metadata.table(2), body: at, bodyBytes };
    at += bodyBytes;
  }
  if (end === undefined) throw new Error('it is cut short: its footer is missing');
}

/** undefined where there is none. */
async function footerStart(file: OpenFile): Promise<number | undefined> {
  const tail = await readAt(file, file.size - 10, 10);
  const length = tail.readInt32LE(0);
  return tail.toString('latin1', 4) === magic && length > 0 && length < file.size ? file.size - 10 - length : undefined;
}

class RecordBatch {
  readonly #file: OpenFile;
  readonly #message: Message;
  readonly #zstd: ZstdThread;
  readonly #rows: number;
  readonly #isCompressed: boolean;

  constructor(file: OpenFile, message: Message, zstd: ZstdThread) {
    this.#file = file;
    this.#message = message;
    this.#zstd = zstd;
    this.#rows = message.header.long(0);
    this.#isCompressed = message.header.has(3);
    if (this.#isCompressed && message.header.table(3).byte(0) !== zstdCodec) {
      throw new Error('it is compressed with LZ4, which is not read: write it with compression "zstd" or none');
    }
    // A row takes at least one byte of the file: its offset or index.
    if (this.#rows > message.bodyBytes && !this.#isCompressed) throw new Error(`it claims ${this.#rows} rows`);
  }

  /** The cells of a column of text. */
  async texts(column: TextColumn): Promise<Cells> {
    const { validity, values: offsets } = await this.#array(column, column.offsetBytes, 1);
    const data = await this.#buffer(column.buffer + 2, column);
    const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.byteLength);
    const offset = (row: number): number =>
      column.offsetBytes === 4 ? view.getInt32(row * 4, true) : Number(view.getBigInt64(row * 8, true));
    const at = (row: number): Uint8Array | null => {
      if (!isValid(validity, row)) return null;
      const [start, end] = [offset(row), offset(row + 1)];
      if (start < 0 || end < start || end > data.length) throw new Error('a cell lies outside its buffer');
      return data.subarray(start, end);
    };
    return { length: this.#rows, bytes: offsets.length + data.length, at };
  }

  /** The cells of a column of indices into `values`. */
  async lookUp(column: TextColumn, { indexBytes }: Dictionary, values: Cells | undefined): Promise<Cells> {
    if (values === undefined) throw new Error(`the dictionary of column ${column.name} is missing`);
    const { validity, values: bytes } = await this.#array(column, indexBytes, 0);
    const at = (row: number): Uint8Array | null => {
      if (!isValid(validity, row)) return null;
      // Indices are below 2^31 in any file that there is, so their sign does not matter.
      const index = bytes.readUIntLE(row * indexBytes, Math.min(indexBytes, 6));
      if (index >= values.length) throw new Error(`column ${column.name} points outside its dictionary`);
      return values.at(index);
    };
    return { length: this.#rows, bytes: bytes.length, at };
  }

  async #array(column: TextColumn, width: number, extra: number): Promise<{ validity?: Buffer; values: Buffer }> {
    const nodes = this.#message.header.vector(1, 16);
    if (nodes.long(column.node, 0) !== this.#rows) throw new Error('its columns are not equally long');
    const hasNulls = nodes.long(column.node, 8) > 0;
    const validity = hasNulls ? await this.#buffer(column.buffer, column) : undefined;
    if (validity !== undefined && validity.length * 8 < this.#rows) throw new Error('a buffer is too short');
    const values = await this.#buffer(column.buffer + 1, column);
    // Without rows a writer may leave the one offset out.
    if (this.#rows > 0 && values.length < (this.#rows + extra) * width) throw new Error('a buffer is too short');
    return { ...(validity && { validity }), values };
  }

  async #buffer(index: number, { name }: TextColumn): Promise<Buffer> {
    const slots = this.#message.header.vector(2, 16);
    const [offset, length] = [slots.long(index, 0), slots.long(index, 8)];
    if (offset + length > this.#message.bodyBytes) throw new Error('a buffer lies outside its batch');
    if (length > maxColumnBytes) throw tooLarge(name);
    const bytes = await readAt(this.#file, this.#message.body + offset, length);
    if (!this.#isCompressed || length === 0) return bytes;
    const size = Number(bytes.readBigInt64LE(0));
    if (size === -1) return bytes.subarray(8);
    if (size < 0 || size > maxColumnBytes) throw tooLarge(name);
    return this.#zstd.unpackWhole(bytes.subarray(8), size);
  }
}

/** A dictionary and what a delta adds to it. */
function joined(first: Cells, second: Cells, name: string): Cells {
  const bytes = first.bytes + second.bytes;
  if (bytes > maxColumnBytes) throw tooLarge(name);
  const at = (row: number) => (row < first.length ? first.at(row) : second.at(row - first.length));
  return { length: first.length + second.length, bytes, at };
}

function tooLarge(name: string): Error {
  return new Error(`column ${name} has more than ${maxColumnBytes >> 20} MiB in one record batch: write smaller ones`);
}

function isValid(validity: Buffer | undefined, row: number): boolean {
  return validity === undefined || (validity[row >> 3] & (1 << (row & 7))) !== 0;
}
