// Documents on disk: Arrow IPC files of four text columns, written and read a batch at a time.
import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Field, makeData, RecordBatch, RecordBatchFileWriter, Schema, Struct, Utf8 } from 'apache-arrow';
import { UserError } from '../base/errors.js';
import { Random } from '../base/random.js';
import { openArrowFile } from './arrow-file.js';
import { checkedFile } from './manifest.js';
import type { Split } from './split.js';
import type { Document, Language } from './types.js';

const columns = ['id', 'text', 'source', 'language'] as const;
const schema = new Schema(columns.map(utf8Field));

export function documentFile(split: Split): string {
  return `documents-${split}.arrow`;
}

/** A batch is closed at this many bytes of text or rows, whichever comes first. */
const maxBatchBytes = 1 << 20;
const maxBatchRows = 4096;
/** How far the disk may lag behind before writing waits for it. */
const maxLagBytes = 16 << 20;

/** Appends documents to an Arrow file. Call `close` to have it whole and on the disk. */
export class DocumentWriter {
  readonly #writer = new RecordBatchFileWriter();
  readonly #file: WriteStream;
  readonly #closed: Promise<void>;
  #failure: unknown;
  #rows: Document[] = [];
  #rowBytes = 0;
  #produced = 0;

  constructor(path: string) {
    this.#writer.reset(undefined, schema);
    this.#file = createWriteStream(path, { flush: true });
    this.#closed = new Promise((resolve) => this.#file.on('close', resolve));
    this.#file.on('error', (error) => {
      this.#failure = error;
    });
    this.#writer.toNodeStream().pipe(this.#file);
  }

  async add(document: Document): Promise<void> {
    this.#rows.push(document);
    this.#rowBytes += document.text.length;
    if (this.#rows.length >= maxBatchRows || this.#rowBytes >= maxBatchBytes) await this.#flush();
  }

  async close(): Promise<void> {
    await this.#flush();
    this.#writer.finish();
    await this.#closed;
    this.#check();
  }

  /** Gives up: the file is left as it is, and no longer written to once this is done. It may still be about to be made. */
  async abort(): Promise<void> {
    this.#file.destroy();
    await this.#closed;
  }

  async #flush(): Promise<void> {
    this.#check();
    if (this.#rows.length === 0) return;
    const batch = toBatch(this.#rows);
    this.#produced += batch.data.byteLength;
    this.#writer.write(batch);
    this.#rows = [];
    this.#rowBytes = 0;
    do await sleep(0);
    while (this.#failure === undefined && this.#file.bytesWritten + maxLagBytes < this.#produced);
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function toBatch(rows: readonly Document[]): RecordBatch {
  const children = columns.map((column) => utf8Column(rows.map((row) => row[column])));
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: rows.length, nullCount: 0, children }));
}

export function utf8Field(name: string): Field {
  return new Field(name, new Utf8(), false);
}

export function utf8Column(texts: readonly string[]) {
  const valueOffsets = new Int32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) valueOffsets[i + 1] = valueOffsets[i] + Buffer.byteLength(text);
  const data = Buffer.allocUnsafeSlow(valueOffsets[texts.length]);
  for (const [i, text] of texts.entries()) data.write(text, valueOffsets[i]);
  return makeData({ type: new Utf8(), length: texts.length, nullCount: 0, valueOffsets, data });
}

/**
 * The documents of one half of a built corpus, in the order they were written; one batch in memory at a time.
 * @param path the corpus folder. @throws UserError where it is none, or is damaged.
 */
export async function* readDocuments(path: string, split: Split): AsyncGenerator<Document> {
  yield* readDocumentFile(await checkedFile(path, documentFile(split)));
}

/** The same, of one file of documents. */
export async function* readDocumentFile(file: string): AsyncGenerator<Document> {
  const arrow = await openArrowFile(file, Object.fromEntries(columns.map((name) => [name, 'utf8'])), damaged);
  for (let index = 0; index < arrow.batches; index++) {
    const batch = await arrow.read(index);
    for (let row = 0; row < batch.rows; row++) {
      const [id, text, source, language] = columns.map((_, column) => batch.text(column, row));
      yield { id, text, source, language: language as Language };
    }
  }
}

function damaged(where: string, why: string): UserError {
  return new UserError({
    what: 'this file of the corpus is damaged',
    where,
    why,
    next: 'Build the corpus again with `mossctl data build SPEC`',
  });
}

/**
 * `count` documents of each source, drawn evenly over the whole half, the same ones every time: source → documents.
 * @param path the corpus folder. @throws UserError where it is none, or is damaged.
 */
export async function inspectData(
  path: string,
  { split, count }: { split: Split; count: number },
): Promise<Map<string, Document[]>> {
  const random = Random.stream(0, 'inspect');
  const samples = new Map<string, Document[]>();
  const seen = new Map<string, number>();
  for await (const document of readDocuments(path, split)) {
    const sample = samples.get(document.source) ?? [];
    samples.set(document.source, sample);
    const index = seen.get(document.source) ?? 0;
    seen.set(document.source, index + 1);
    // Reservoir sampling: each document so far stays with the same chance.
    const place = index < count ? index : random.integer(0, index + 1);
    if (place < count) sample[place] = document;
  }
  return samples;
}
