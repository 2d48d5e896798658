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
  /** Tokens count the two <|endoftext|> of each document; bytes are of the text alone, in UTF-8. */
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

function corpusSchema(vocabSize: number): Schema<Columns> {
  const ids: TokenIds = vocabSize <= 1 << 16 ? new Uint16() : new Uint32();
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
  readonly #counts = new Map<string, TokenCounts>();
  #pending: { document: Document; bytes: number; tokens: number[] }[] = [];
  #pendingTokens = 0;
  #batches: RecordBatch<Columns>[] = [];
  #shardTokens = 0;
  #shards = 0;

  constructor(split: Split, directory: string, manifest: TokenManifest) {
    this.#split = split;
    this.#directory = directory;
    this.#manifest = manifest;
    this.#schema = corpusSchema(manifest.vocabSize);
  }

  async add(document: Document, tokens: number[]): Promise<void> {
    const bytes = Buffer.byteLength(document.text);
    this.#pending.push({ document, bytes, tokens });
    this.#pendingTokens += tokens.length;
    const entry = this.#entry(document);
    entry.documents++;
    entry.tokens += tokens.length;
    entry.bytes += bytes;
    if (this.#pendingTokens >= tokensPerBatch || this.#pending.length >= documentsPerBatch) this.#endBatch();
    if (this.#shardTokens >= tokensPerShard) await this.#endShard();
  }

  async finish(): Promise<void> {
    if (this.#pending.length > 0) this.#endBatch();
    if (this.#batches.length > 0) await this.#endShard();
  }

  #entry({ source, language }: Document): TokenCounts {
    const key = JSON.stringify([source, language]);
    let entry = this.#counts.get(key);
    if (entry === undefined) {
      entry = { split: this.#split, source, language, documents: 0, tokens: 0, bytes: 0 };
      this.#counts.set(key, entry);
      this.#manifest.counts.push(entry);
    }
    return entry;
  }

  #endBatch(): void {
    const rows = this.#pending;
    const type = this.#schema.fields[4].type as List<TokenIds>;
    const ids = type.children[0].type;
    const values = ids instanceof Uint16 ? new Uint16Array(this.#pendingTokens) : new Uint32Array(this.#pendingTokens);
    const valueOffsets = new Int32Array(rows.length + 1);
    rows.forEach(({ tokens }, i) => {
      values.set(tokens, valueOffsets[i]);
      valueOffsets[i + 1] = valueOffsets[i] + tokens.length;
    });
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
    this.#shardTokens += this.#pendingTokens;
    this.#pending = [];
    this.#pendingTokens = 0;
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
  const encoded = texts.map((text) => Buffer.from(text));
  const valueOffsets = new Int32Array(texts.length + 1);
  encoded.forEach((bytes, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + bytes.length;
  });
  return makeData({ type: new Utf8(), length: texts.length, nullCount: 0, valueOffsets, data: Buffer.concat(encoded) });
}
