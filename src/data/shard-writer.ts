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
} from 'apache-arrow';
import { z } from 'zod';
import { sha256, writeFileDurable } from '../base/files.js';
import { utf8Column, utf8Field } from './documents.js';
import { type Split, splits } from './split.js';
import type { Document } from './types.js';
import { runsOf } from './weight-runs.js';

/** What one random access reads: 128 KiB of uint16; of conversations, which are read in any order and are short, 32 KiB. */
const tokensPerBatch = { text: 1 << 16, weighed: 1 << 14 };
const documentsPerBatch = 4096;
/** What is held in memory while writing. */
const tokensPerShard = 1 << 23;

const count = z.int().min(0);
export const manifestSchema = z.strictObject({
  format: z.literal(1),
  /** Digest of the tokenizer.json that made the ids. */
  tokenizer: z.string(),
  vocabSize: z.int().min(1),
  /** Each document says what its tokens weigh in the loss: it is a conversation. */
  weighed: z.literal(true).optional(),
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

const texts = ['id', 'source', 'language'] as const;
type DocumentName = Pick<Document, (typeof texts)[number]>;

interface PendingDocument {
  document: DocumentName;
  bytes: number;
  /** Of its tokens, in those of the record batch. */
  end: number;
  /** What they weigh, where that is kept. */
  runs?: readonly number[];
}

/** Gathers documents into record batches, batches into shards, and counts them in the manifest. */
export class ShardWriter {
  readonly #split: Split;
  readonly #directory: string;
  readonly #manifest: TokenManifest;
  readonly #ids: Uint16 | Uint32;
  readonly #schema: Schema;
  /** By language and source. */
  readonly #counts = new Map<string, TokenCounts>();
  /** The documents of the record batch that is being filled. */
  #pending: PendingDocument[] = [];
  #tokens: Uint16Array | Uint32Array;
  #batches: RecordBatch[] = [];
  #shardTokens = 0;
  #shards = 0;
  readonly #tokensPerBatch: number;

  constructor(split: Split, directory: string, manifest: TokenManifest) {
    this.#split = split;
    this.#directory = directory;
    this.#manifest = manifest;
    this.#ids = manifest.vocabSize <= 1 << 16 ? new Uint16() : new Uint32();
    this.#tokensPerBatch = manifest.weighed ? tokensPerBatch.weighed : tokensPerBatch.text;
    this.#tokens = new this.#ids.ArrayType(this.#tokensPerBatch);
    this.#schema = new Schema([
      ...texts.map(utf8Field),
      new Field('bytes', new Uint32(), false),
      new Field('tokens', new List(new Field('item', this.#ids, false)), false),
      ...(manifest.weighed ? [new Field('weights', new List(new Field('item', new Uint32(), false)), false)] : []),
    ]);
  }

  /** Copies `ids`, between the two tokens that a document starts and ends with. */
  async add(document: Document, ids: ArrayLike<number>, [first, last]: readonly [number, number]): Promise<void> {
    const start = this.#pendingTokens;
    const end = start + ids.length + 2;
    const tokens = this.#reserve(end);
    tokens[start] = first;
    tokens.set(ids, start + 1);
    tokens[end - 1] = last;
    await this.#added({ document, bytes: Buffer.byteLength(document.text), end });
  }

  /** Copies the tokens of a conversation and their weights: the manifest is that of `weighed` ones. */
  async addWeighed(document: DocumentName, tokens: ArrayLike<number>, weights: ArrayLike<number>): Promise<void> {
    const start = this.#pendingTokens;
    const end = start + tokens.length;
    this.#reserve(end).set(tokens, start);
    await this.#added({ document, bytes: 0, end, runs: runsOf(weights) });
  }

  async #added(added: PendingDocument): Promise<void> {
    const { document, bytes, end } = added;
    const start = this.#pendingTokens;
    this.#pending.push(added);
    const entry = this.#entry(document);
    entry.documents++;
    entry.tokens += end - start;
    entry.bytes += bytes;
    if (end >= this.#tokensPerBatch || this.#pending.length >= documentsPerBatch) this.#endBatch();
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
    this.#tokens = new this.#ids.ArrayType(2 * length);
    this.#tokens.set(old);
    return this.#tokens;
  }

  #entry({ source, language }: DocumentName): TokenCounts {
    const name = `${language}/${source}`;
    let entry = this.#counts.get(name);
    if (entry === undefined) {
      entry = { split: this.#split, source, language, documents: 0, tokens: 0, bytes: 0 };
      this.#counts.set(name, entry);
      this.#manifest.counts.push(entry);
    }
    return entry;
  }

  #endBatch(): void {
    const { length } = this.#pending;
    const data = this.#tokens.slice(0, this.#pendingTokens);
    const valueOffsets = Int32Array.of(0, ...this.#pending.map(({ end }) => end));
    const children = [
      ...texts.map((name) => utf8Column(this.#pending.map(({ document }) => document[name]))),
      makeData({ type: new Uint32(), data: Uint32Array.from(this.#pending, ({ bytes }) => bytes) }),
      makeData({
        type: this.#schema.fields[4].type as List,
        length,
        nullCount: 0,
        valueOffsets,
        child: makeData({ type: this.#ids, data }),
      }),
      ...(this.#manifest.weighed ? [this.#weights()] : []),
    ];
    const type = new Struct(this.#schema.fields);
    this.#batches.push(new RecordBatch(this.#schema, makeData({ type, length, nullCount: 0, children })));
    this.#shardTokens += data.length;
    this.#pending = [];
  }

  #weights() {
    const runs = this.#pending.map((each) => each.runs ?? []);
    const valueOffsets = new Int32Array(runs.length + 1);
    for (const [i, { length }] of runs.entries()) valueOffsets[i + 1] = valueOffsets[i] + length;
    const child = makeData({ type: new Uint32(), data: Uint32Array.from(runs.flat()) });
    const type = this.#schema.fields[5].type as List;
    return makeData({ type, length: runs.length, nullCount: 0, valueOffsets, child });
  }

  async #endShard(): Promise<void> {
    const file = `${this.#split}-${String(this.#shards++).padStart(5, '0')}.arrow`;
    const content = RecordBatchFileWriter.writeAll(this.#batches).toUint8Array(true);
    await writeFileDurable(join(this.#directory, file), content);
    const batches = this.#batches.map(({ numRows }) => numRows);
    const shard = { split: this.#split, file, tokens: this.#shardTokens, batches, sha256: sha256(content) };
    this.#manifest.shards.push(shard);
    this.#batches = [];
    this.#shardTokens = 0;
  }
}
