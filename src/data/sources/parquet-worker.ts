// The thread in which hyparquet reads one Parquet file (see parquet.ts): on each message it answers with the next rows.
import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type SchemaTree,
  snappyUncompress,
} from 'hyparquet';
import { type Fault, UserError } from '../../base/errors.js';
import { readAt } from '../arrow-file.js';
import type { SourceSpec } from '../spec.js';
import { type ColumnarRow, type FoundColumn, neededColumns } from './columns.js';
import { readLimits } from './limits.js';
import { checkPages } from './parquet-pages.js';
import { ZstdStream } from './zstd-stream.js';

export interface ParquetJob {
  /** Those of the thread that asks. */
  limits: typeof readLimits;
  path: string;
  /** The only ones that are needed, all of text. Default: all there are. */
  columns?: SourceSpec['columns'];
}

/** No rows: the end. `damage`: what hyparquet said. `refused`: the system's error, which says nothing of the content. */
export type ParquetAnswer =
  | { rows: ColumnarRow[] }
  | { fault: Fault }
  | { damage: string }
  | { refused: string; code: string };

const maxFooterBytes = 64 << 20;
/** Of one portion of rows, so that little is copied at once; a row may be larger. */
const portionBytes = 4 << 20;
const portionRows = 4096;

/** hyparquet is asked for the cells as they are stored: whether they are UTF-8 is looked at row by row. */
const parsers = { stringFromBytes: (bytes: Uint8Array) => bytes, jsonFromBytes: (bytes: Uint8Array) => bytes };

async function* portions({ path, columns }: ParquetJob): AsyncGenerator<ColumnarRow[]> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  const file: AsyncBuffer = {
    byteLength: size,
    async slice(start, end = size) {
      const length = end - start;
      if (!(start >= 0 && length >= 0 && end <= size)) throw new Error('it points outside of itself, or is cut short');
      if (length > readLimits.columnBytes) throw new Error(`it asks for ${length} bytes at once`);
      return (await readAt({ handle, size }, start, length)).buffer as ArrayBuffer;
    },
  };
  const metadata = await metadataOf(file);
  const found = columnsOf(parquetSchema(metadata));
  const names = neededColumns(found, columns, path);
  // Bytes that nobody called a text and nobody asked for may be anything.
  const raw = new Set(
    found.filter(({ type }) => columns === undefined && type === 'byte_array').map(({ name }) => name),
  );
  let rowStart = 0;
  for (const [index, group] of metadata.row_groups.entries()) {
    const rows = Number(group.num_rows);
    const compressors = checkGroup(group, index, names);
    for (const { meta_data: meta } of group.columns) {
      if (meta !== undefined && names.includes(meta.path_in_schema[0])) await checkPages(file, meta);
    }
    const rowEnd = rowStart + rows;
    const cells = Object.fromEntries(names.map((name): [string, unknown[]] => [name, []]));
    const onChunk = ({ columnName, columnData }: { columnName: string; columnData: ArrayLike<unknown> }): void => {
      for (let i = 0; i < columnData.length; i++) cells[columnName].push(columnData[i]);
    };
    await parquetRead({ file, metadata, columns: names, rowStart, rowEnd, compressors, parsers, onChunk });
    yield* rowsOf(cells, names, raw, rows);
    rowStart = rowEnd;
  }
}

async function metadataOf(file: AsyncBuffer): Promise<FileMetaData> {
  if (file.byteLength < 12) throw new Error('it is no Parquet file, or cut short');
  const tail = new DataView(await file.slice(file.byteLength - 8));
  const end = Buffer.from(tail.buffer, 4).toString('latin1');
  if (end === 'PARE') throw new Error('it is encrypted');
  if (end !== 'PAR1')
    throw new Error('it does not end as a Parquet file does: it is another kind of file, or cut short');
  const length = tail.getUint32(0, true);
  if (length > maxFooterBytes || length > file.byteLength - 12) throw new Error(`its footer claims ${length} bytes`);
  return parquetMetadataAsync(file, { parsers, geoparquet: false });
}

/** Nested columns are named by what they are. */
function columnsOf({ children }: SchemaTree): FoundColumn[] {
  return children.map(({ element, children: inner }) => {
    const { name, type, converted_type: converted, logical_type: logical, repetition_type: repetition } = element;
    const isFlat = inner.length === 0 && repetition !== 'REPEATED';
    const named = logical?.type ?? converted;
    const isText = isFlat && type === 'BYTE_ARRAY' && (named === undefined || textTypes.has(named));
    const shown = isFlat ? (named ?? type ?? 'unknown') : (named ?? 'nested');
    return { name, isText, type: shown.toLowerCase() };
  });
}

const textTypes: ReadonlySet<string> = new Set(['STRING', 'UTF8', 'ENUM', 'JSON']);

/** Bounds what a row group may ask for, before any of it is read. @returns codecs that keep to the bound. */
function checkGroup(
  { columns, num_rows: rows }: FileMetaData['row_groups'][number],
  index: number,
  names: readonly string[],
): Compressors {
  for (const { meta_data: meta } of columns) {
    const name = meta?.path_in_schema[0];
    if (meta === undefined || name === undefined || !names.includes(name)) continue;
    const isFlat = meta.path_in_schema.length === 1;
    if (isFlat && meta.num_values !== rows)
      throw new Error(`row group ${index + 1}: column ${name} has another number of rows`);
    if (meta.total_compressed_size > readLimits.columnBytes || meta.total_uncompressed_size > readLimits.columnBytes) {
      const limit = `${readLimits.columnBytes >> 20} MiB`;
      throw new Error(`row group ${index + 1}: column ${name} is larger than ${limit} and is not held in memory`);
    }
  }
  let left = columns.length * readLimits.columnBytes;
  const bounded = Object.entries(codecs).map(([name, decompress]): [string, Decompress] => [
    name,
    (bytes, size) => {
      left -= size;
      if (!(size >= 0) || left < 0) throw new Error('its pages hold more than it says');
      return decompress(bytes, size);
    },
  ]);
  return Object.fromEntries(bounded);
}

/** Bytes → at most `size` bytes, or an error; hyparquet refuses a page that is shorter. */
type Decompress = (bytes: Uint8Array, size: number) => Uint8Array;

const codecs: Readonly<Record<string, Decompress>> = {
  SNAPPY(bytes, size) {
    const page = new Uint8Array(size);
    snappyUncompress(bytes, page);
    return page;
  },
  GZIP: (bytes, size) => gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }),
  BROTLI: (bytes, size) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }),
  ZSTD(bytes, size) {
    const out = new Uint8Array(size);
    const stream = new ZstdStream();
    let done = 0;
    for (const chunk of stream.push(bytes)) {
      if (done + chunk.length > size) throw new Error(`a page holds more than the ${size} bytes that it speaks of`);
      out.set(chunk, done);
      done += chunk.length;
    }
    if (!stream.isWhole) throw new Error('a page is cut short');
    return out.subarray(0, done);
  },
};

function* rowsOf(
  cells: Record<string, unknown[]>,
  names: readonly string[],
  raw: ReadonlySet<string>,
  rows: number,
): Generator<ColumnarRow[]> {
  for (const name of names) {
    if (cells[name].length < rows) throw new Error(`column ${name} ends after ${cells[name].length} of ${rows} rows`);
  }
  let portion: ColumnarRow[] = [];
  let bytes = 0;
  for (let row = 0; row < rows; row++) {
    const record: Record<string, unknown> = {};
    let notText: string | undefined;
    for (const name of names) {
      const cell = plainValue(cells[name][row], (size) => {
        bytes += size;
      });
      record[name] = cell;
      if (cell === undefined && !raw.has(name)) notText ??= `column ${name} is not UTF-8 text`;
    }
    portion.push(notText === undefined ? { record } : { notText });
    if (bytes < portionBytes && portion.length < portionRows) continue;
    yield portion;
    portion = [];
    bytes = 0;
  }
  if (portion.length > 0) yield portion;
}

/** As JSON has it, strings where they are UTF-8; undefined where one is not. @param count takes the bytes of each. */
function plainValue(cell: unknown, count: (bytes: number) => void): unknown {
  count(8);
  if (cell === null || cell === undefined) return null;
  // Beyond what a number holds exactly: its digits.
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell);
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? null : cell.toISOString();
  if (typeof cell !== 'object') return cell;
  if (cell instanceof Uint8Array) {
    count(cell.length);
    return isUtf8(cell) ? Buffer.from(cell.buffer, cell.byteOffset, cell.length).toString('utf8') : undefined;
  }
  if (ArrayBuffer.isView(cell)) return Array.from(cell as unknown as ArrayLike<number>);
  if (Array.isArray(cell)) {
    const items = cell.map((item) => plainValue(item, count));
    return items.includes(undefined) ? undefined : items;
  }
  const fields = Object.entries(cell).map(([key, value]) => [key, plainValue(value, count)] as const);
  return fields.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(fields);
}

function faultAnswer(error: unknown): ParquetAnswer {
  if (error instanceof UserError) return { fault: error.faults[0] };
  const { message, syscall, code } = error as NodeJS.ErrnoException;
  return syscall !== undefined && code !== undefined ? { refused: message, code } : { damage: message };
}

async function serve(job: ParquetJob): Promise<void> {
  const all = portions(job);
  parentPort?.on('message', async () => {
    const answer = await all
      .next()
      .then(({ value, done }): ParquetAnswer => ({ rows: done ? [] : value }), faultAnswer);
    parentPort?.postMessage(answer);
  });
}

Object.assign(readLimits, (workerData as ParquetJob).limits);
await serve(workerData as ParquetJob);
