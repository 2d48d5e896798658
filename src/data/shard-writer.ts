// Writing the tokenised corpus: documents → record batches → Arrow IPC shards, counted and digested in a manifest.
// Arrow's columns are laid over typed arrays, never built value by value. A shard is gathered in memory and is of
// bounded size, so memory does not grow with the corpus.
import { join } from 'node:path';
import {
  Field,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Uint16,
  Uint32,
  Utf8,
} from 'apache-arrow';
import { z } from 'zod';
import { sha256, writeFileDurable } from '../base/files.js';
import type { Split } from './split.js';
import type { Document } from './types.js';

export const splits = ['train', 'validation'] as const satisfies readonly Split[];

/** What one random access reads: 128 KiB of uint16. */
const tokensPerBatch = 1 << 16;
const documentsPerBatch = 4096;
/** What is held in memory while writing. */
const tokensPerShard = 1 << 23;

const count = z.int().min(0);
export const manifestSchema = z.strictObject({
  format: z.literal(1),
  /** Digest of the tokenizer.json that made the ids. */
  tokenizer: z.string(),
  vocabSize: z.int().min(1),
  /** Tokens count those that start and end each document; bytes are of the text alone, in UTF-8. */
  counts: z.array(
    z.strictObject({
      split: z.enum(splits),
      source: z.string(),
      language: z.string(),
      documents: count,
      tokens: count,
      bytes: count,
    }),
  ),
  /** `batches` holds the documents in each record batch. */
  shards: z.array(
    z.strictObject({
      split: z.enum(splits),
      file: z.string().regex(/^(train|validation)-\d{5,}\.arrow$/),
      tokens: count,
      batches: z.array(z.int().min(1)),
      sha256: z.string(),
    }),
  ),
});
export type TokenManifest = z.output<typeof manifestSchema>;
export type TokenCounts = TokenManifest['counts'][number];

type TokenIds = Uint16 | Uint32;
export type Columns = { id: Utf8; source: Utf8; language: Utf8; bytes: Uint32; tokens: List<TokenIds> };

function hasShortIds(vocabSize: number): boolean {
  return vocabSize <= 1 << 16;
}

function corpusSchema(vocabSize: number): Schema<Columns> {
  const ids: TokenIds = hasShortIds(vocabSize) ? new Uint16() : new Uint32();
  return new Schema<Columns>([
    new Field('id', new Utf8(), false),
    new Field('source', new Utf8(), false),
    new Field('language', new Utf8(), false),
    new Field('bytes', new Uint32(), false),
    new Field('tokens', new List(new Field('item', ids, false)), false),
  ]);
}

/** Gathers documents into record batches, batches into shards, and counts them in the manifest. */
export class ShardWriter {
  readonly #split: Split;
  readonly #directory: string;
  readonly #manifest: TokenManifest;
  readonly #schema: Schema<Columns>;
  /** By source and language. */
  readonly #counts = new Map<string, Map<string, TokenCounts>>();
  /** Of the record batch that is being filled: its documents, with their bytes and where their tokens end. */
  #pending: { document: Document; bytes: number; end: number }[] = [];
  #tokens: Uint16Array | Uint32Array;
  #batches: RecordBatch<Columns>[] = [];
  #shardTokens = 0;
  #shards = 0;

  constructor(split: Split, directory: string, manifest: TokenManifest) {
    this.#split = split;
    this.#directory = directory;
    this.#manifest = manifest;
    this.#schema = corpusSchema(manifest.vocabSize);
    this.#tokens = hasShortIds(manifest.vocabSize) ? new Uint16Array(tokensPerBatch) : new Uint32Array(tokensPerBatch);
  }

  /** Copies `ids`, between the two tokens that a document starts and ends with. */
  async add(document: Document, ids: ArrayLike<number>, [first, last]: readonly [number, number]): Promise<void> {
    const start = this.#pendingTokens;
    const end = start + ids.length + 2;
    const tokens = this.#reserve(end);
    tokens[start] = first;
    tokens.set(ids, start + 1);
    tokens[end - 1] = last;
    const bytes = Buffer.byteLength(document.text);
    this.#pending.push({ document, bytes, end });
    const entry = this.#entry(document);
    entry.documents++;
    entry.tokens += end - start;
    entry.bytes += bytes;
    if (end >= tokensPerBatch || this.#pending.length >= documentsPerBatch) this.#endBatch();
    if (this.#shardTokens >= tokensPerShard) await this.#endShard();
  }

  async finish(): Promise<void> {
    if (this.#pending.length > 0) this.#endBatch();
    if (this.#batches.length > 0) await this.#endShard();
  }

  get #pendingTokens(): number {
    return this.#pending.at(-1)?.end ?? 0;
  }

  #reserve(length: number): Uint16Array | Uint32Array {
    const old = this.#tokens;
    if (length <= old.length) return old;
    this.#tokens = old instanceof Uint16Array ? new Uint16Array(2 * length) : new Uint32Array(2 * length);
    this.#tokens.set(old);
    return this.#tokens;
  }

  #entry({ source, language }: Document): TokenCounts {
    const ofSource = this.#counts.get(source) ?? new Map<string, TokenCounts>();
    let entry = ofSource.get(language);
    if (entry === undefined) {
      this.#counts.set(source, ofSource);
      entry = { split: this.#split, source, language, documents: 0, tokens: 0, bytes: 0 };
      ofSource.set(language, entry);
      this.#manifest.counts.push(entry);
    }
    return entry;
  }

  #endBatch(): void {
    const rows = this.#pending;
    const type = this.#schema.fields[4].type as List<TokenIds>;
    const values = this.#tokens.slice(0, this.#pendingTokens);
    const valueOffsets = new Int32Array(rows.length + 1);
    for (const [i, { end }] of rows.entries()) valueOffsets[i + 1] = end;
    const child =
      values instanceof Uint16Array
        ? makeData({ type: new Uint16(), data: values })
        : makeData({ type: new Uint32(), data: values });
    const children = [
      utf8(rows.map(({ document }) => document.id)),
      utf8(rows.map(({ document }) => document.source)),
      utf8(rows.map(({ document }) => document.language)),
      makeData({ type: new Uint32(), data: Uint32Array.from(rows, ({ bytes }) => bytes) }),
      makeData({ type, length: rows.length, nullCount: 0, valueOffsets, child }),
    ];
    const struct = makeData({ type: new Struct<Columns>(this.#schema.fields), length: rows.length, children });
    this.#batches.push(new RecordBatch(this.#schema, struct));
    this.#shardTokens += values.length;
    this.#pending = [];
  }

  async #endShard(): Promise<void> {
    const file = `${this.#split}-${String(this.#shards++).padStart(5, '0')}.arrow`;
    const content = RecordBatchFileWriter.writeAll(this.#batches).toUint8Array(true);
    await writeFileDurable(join(this.#directory, file), content);
    const batches = this.#batches.map(({ numRows }) => numRows);
    this.#manifest.shards.push({
      split: this.#split,
      file,
      tokens: this.#shardTokens,
      batches,
      sha256: sha256(content),
    });
    this.#batches = [];
    this.#shardTokens = 0;
  }
}

function utf8(texts: readonly string[]) {
  const valueOffsets = new Int32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) valueOffsets[i + 1] = valueOffsets[i] + Buffer.byteLength(text);
  const data = Buffer.allocUnsafeSlow(valueOffsets[texts.length]);
  for (const [i, text] of texts.entries()) data.write(text, valueOffsets[i]);
  return makeData({ type: new Utf8(), length: texts.length, nullCount: 0, valueOffsets, data });
}
