// Rows of third-party Arrow IPC files and streams (pyarrow, Hugging Face datasets, Polars, apache-arrow). A file is read by
// its footer, since some writers put no schema at its beginning; a stream, and a file whose footer is cut off, from front
// to back. Our own reader: docs/decisions/013-our-own-arrow-reader.md. What is held is one record batch.
import { open } from 'node:fs/promises';
import { systemErrorCode, UserError } from '../../base/errors.js';
import { magic, maxMetadataBytes, type OpenFile, readAt } from '../arrow-file.js';
import { Table } from '../flat-buffers.js';
import { type Cells, joined, type Message, NotText, RecordBatch } from './arrow-cells.js';
import { type ArrowField, isText, readSchema } from './arrow-schema.js';
import type { ColumnarRow, FoundColumn } from './columns.js';
import { ZstdThread } from './zstd.js';

const schemaMessage = 1;
const dictionaryMessage = 2;
const batchMessage = 3;

/** @param choose names the columns to read, of all there are. @throws UserError after the rows before the damage. */
export async function* readArrowRows(
  path: string,
  choose: (columns: readonly FoundColumn[]) => readonly string[],
): AsyncGenerator<ColumnarRow> {
  let index = 0;
  const zstd = new ZstdThread();
  const handle = await open(path, 'r');
  try {
    const file = { handle, size: (await handle.stat()).size };
    for await (const { names, cells, rows } of batches(file, zstd, choose)) {
      for (let row = 0; row < rows; row++, index++) yield rowAt(names, cells, row);
    }
  } catch (error) {
    const isRange = error instanceof RangeError;
    if (error instanceof UserError || (systemErrorCode(error) !== undefined && !isRange)) throw error;
    const why = isRange ? 'its metadata points outside of it' : (error as Error).message;
    throw new UserError({
      what: 'this Arrow file cannot be read on',
      where: `${path}, row ${index + 1}`,
      why,
      next: 'Fetch or write it again; the rows before have been read',
    });
  } finally {
    await handle.close();
    await zstd.close();
  }
}

function rowAt(names: readonly string[], cells: readonly Cells[], row: number): ColumnarRow {
  try {
    return { record: Object.fromEntries(names.map((name, i) => [name, cells[i].at(row)])) };
  } catch (error) {
    if (error instanceof NotText) return { notText: error.message };
    throw error;
  }
}

async function* batches(
  file: OpenFile,
  zstd: ZstdThread,
  choose: (columns: readonly FoundColumn[]) => readonly string[],
): AsyncGenerator<{ names: string[]; cells: Cells[]; rows: number }> {
  const dictionaries = new Map<number, Cells>();
  let fields: ArrowField[] | undefined;
  let wanted = new Set<ArrowField>();
  const use = (schema: Table): void => {
    fields = readSchema(schema);
    const names = choose(fields.map((field) => ({ name: field.name, type: field.type, isText: isText(field) })));
    wanted = new Set(names.flatMap((name) => fields?.find((field) => field.name === name) ?? []));
  };
  for await (const message of messages(file, use)) {
    if (fields === undefined) {
      if (message.type !== schemaMessage) throw new Error('it does not begin with a schema');
      use(message.header);
    } else if (message.type === dictionaryMessage) {
      const id = message.header.long(0);
      const column = [...wanted].flatMap(dictionariesIn).find(({ dictionary }) => dictionary?.id === id);
      if (column?.dictionary === undefined) continue;
      const batch = new RecordBatch(file, { ...message, header: message.header.table(1) }, zstd, dictionaries);
      const values = await batch.column(column.dictionary.values);
      const earlier = message.header.byte(2) === 0 ? undefined : dictionaries.get(id);
      dictionaries.set(id, earlier === undefined ? values : joined(earlier, values, column.name));
    } else if (message.type === batchMessage) {
      const batch = new RecordBatch(file, message, zstd, dictionaries);
      const found = new Map<ArrowField, Cells>();
      for (const field of fields) {
        if (wanted.has(field)) found.set(field, await batch.column(field));
        else batch.skip(field);
      }
      const columns = [...found.keys()];
      yield { names: columns.map(({ name }) => name), cells: [...found.values()], rows: batch.rows };
    } else if (message.type !== schemaMessage) {
      throw new Error(`there is a message of the unknown kind ${message.type}`);
    }
  }
  if (fields === undefined) throw new Error('there is no schema in it');
}

/** A field and those inside it that have one. */
function dictionariesIn(field: ArrowField): ArrowField[] {
  const own = field.dictionary === undefined ? [] : [field];
  return [...own, ...[...field.children, ...(field.dictionary?.values.children ?? [])].flatMap(dictionariesIn)];
}

/** Each once. @param use takes the schema of a footer. */
async function* messages(file: OpenFile, use: (schema: Table) => void): AsyncGenerator<Message> {
  const head = await readAt(file, 0, Math.min(8, file.size));
  if (head.length === 0) throw new Error('it is empty');
  if (head.toString('latin1', 0, 4) === 'FEA1') throw new Error('it is of the first Feather format, which is not read');
  const isFile = head.toString('latin1', 0, 6) === magic;
  const footer = isFile ? await readFooter(file) : undefined;
  if (footer !== undefined) {
    use(footer.table(1));
    yield* footerMessages(file, footer);
    return;
  }
  for (let at = isFile ? 8 : 0; at !== file.size; ) {
    const message = await readMessage(file, at);
    if (message === undefined) break;
    yield message;
    at = message.body + message.bodyBytes;
  }
  if (isFile) throw new Error('it is cut short: its footer is missing');
}

/** Of all of them together no more is read than the file holds, so a small file cannot stand for much. */
async function* footerMessages(file: OpenFile, footer: Table): AsyncGenerator<Message> {
  let bytes = 0;
  for (const index of [dictionaryMessage, batchMessage]) {
    if (!footer.has(index)) continue;
    const blocks = footer.vector(index, 24);
    for (let i = 0; i < blocks.length; i++) {
      const message = await readMessage(file, blocks.long(i, 0));
      if (message?.type !== index) throw new Error('its footer points to something else than a record batch');
      bytes += message.bodyBytes + blocks.int(i, 8);
      if (bytes > file.size) throw new Error('its footer names one record batch several times');
      yield message;
    }
  }
}

/** undefined at the end of a stream. */
async function readMessage(file: OpenFile, start: number): Promise<Message | undefined> {
  let at = start + 4;
  let length = (await readAt(file, start, 4)).readInt32LE(0);
  // Before Arrow 0.15 the length came alone.
  if (length === -1) {
    length = (await readAt(file, at, 4)).readInt32LE(0);
    at += 4;
  }
  if (length === 0) return undefined;
  if (length < 0 || length > maxMetadataBytes) throw new Error('it is no Arrow file, or damaged');
  const metadata = Table.root(await readAt(file, at, length));
  const bodyBytes = metadata.long(3);
  const body = at + length;
  if (body + bodyBytes > file.size) throw new Error('it is cut short');
  return { type: metadata.byte(1), header: metadata.table(2), body, bodyBytes };
}

/** undefined where there is none. */
async function readFooter(file: OpenFile): Promise<Table | undefined> {
  if (file.size < 18) return undefined;
  const tail = await readAt(file, file.size - 10, 10);
  const length = tail.readInt32LE(0);
  if (tail.toString('latin1', 4) !== magic || length <= 0 || length > Math.min(maxMetadataBytes, file.size - 10))
    return undefined;
  return Table.root(await readAt(file, file.size - 10 - length, length));
}
