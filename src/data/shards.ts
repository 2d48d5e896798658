// The tokenised corpus: written by `tokenizeDocuments`, read by `openTokens`. Arrow IPC shards beside a manifest.
// A reader holds an index of where documents lie and a few record batches, never the corpus.
import { join } from 'node:path';
import { stopIfAborted, systemErrorCode, UserError } from '../base/errors.js';
import { digestOf, readJsonIfExists, replaceDirectory, sha256File, writeFileDurable } from '../base/files.js';
import { corpusFolder, corpusManifestName } from '../base/layout.js';
import type { Metrics, StageReporter } from '../report/event.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type ArrowFile, type Batch, openArrowFile } from './arrow-file.js';
import { readDocuments } from './documents.js';
import { manifestSchema, ShardWriter, type TokenManifest } from './shard-writer.js';
import { type Split, splits } from './split.js';
import { weightsOf } from './weight-runs.js';

/** A document's tokens: what starts one, the text, <|endoftext|>. The first (ours: <|endoftext|> too) is only predicted from. */
export interface TokenDocument {
  id: string;
  source: string;
  language: string;
  /** UTF-8 bytes of its text. */
  bytes: number;
  tokens: Uint16Array | Uint32Array;
  /** Of a conversation: what each token weighs. */
  loss?: Float32Array;
}

export interface TokenizeOptions {
  /** What `readDocuments` takes. */
  dataPath: string;
  tokenizer: Pick<Tokenizer, 'documentStart' | 'specialId' | 'vocabSize' | 'json'> & {
    encodeView(text: string): ArrayLike<number>;
  };
  /** The stage's folder; the corpus becomes its subfolder `corpus`, whole or not at all. */
  directory: string;
  reporter: StageReporter;
  signal?: AbortSignal;
}

/** Tokenises both splits of a corpus. What an earlier try left is removed first. */
export async function tokenizeDocuments(
  options: TokenizeOptions,
): Promise<{ path: string; digest: string; metrics: Metrics }> {
  const path = join(options.directory, corpusFolder);
  const { tokenizer } = options;
  const manifest: TokenManifest = {
    format: 1,
    tokenizer: digestOf(tokenizer.json),
    vocabSize: tokenizer.vocabSize,
    counts: [],
    shards: [],
  };
  await replaceDirectory(path, async (temporary) => {
    for (const split of splits) await writeSplit(split, temporary, manifest, options);
    await writeFileDurable(join(temporary, corpusManifestName), `${JSON.stringify(manifest, undefined, 2)}\n`);
  });
  options.reporter.emit({ type: 'composition', parts: manifest.counts });
  return { path, digest: digestOf(manifest), metrics: corpusMetrics(manifest) };
}

async function writeSplit(
  split: Split,
  directory: string,
  manifest: TokenManifest,
  { dataPath, tokenizer, reporter, signal }: TokenizeOptions,
): Promise<void> {
  const ends = [tokenizer.documentStart, tokenizer.specialId('endOfText')] as const;
  const writer = new ShardWriter(split, directory, manifest);
  let done = 0;
  const progress = () => reporter.emit({ type: 'progress', label: split, done, unit: 'documents' });
  for await (const document of readDocuments(dataPath, split)) {
    stopIfAborted(signal, 'stopped while tokenising; the next run starts this stage again');
    await writer.add(document, tokenizer.encodeView(document.text), ends);
    if (++done % 500 === 0) progress();
  }
  await writer.finish();
  progress();
}

function corpusMetrics({ counts, vocabSize }: TokenManifest): Metrics {
  const metrics: Metrics = { vocabSize };
  for (const split of splits) {
    const own = counts.filter((entry) => entry.split === split);
    for (const field of ['documents', 'tokens', 'bytes'] as const) {
      metrics[`${split}.${field}`] = own.reduce((sum, entry) => sum + entry[field], 0);
    }
  }
  return metrics;
}

/** Batches kept decoded: 8 MiB of uint16. */
const cachedBatches = 64;

interface BatchPlace {
  file: string;
  /** Index of the batch within its file. */
  index: number;
  /** Index within the split of its first document. */
  first: number;
  documents: number;
}

const columns = { id: 'utf8', source: 'utf8', language: 'utf8', bytes: 'uint32', tokens: 'list' } as const;
const weighedColumns = { ...columns, weights: 'list' } as const;

/** Random access to the documents of one split. A `SequenceSource`. */
export class TokenDocuments {
  readonly manifest: TokenManifest;
  readonly length: number;
  /** Tokens of the split, those that start and end each document included. */
  readonly tokenCount: number;
  readonly #batches: BatchPlace[] = [];
  readonly #cache = new Map<BatchPlace, Promise<Batch>>();
  readonly #files = new Map<string, Promise<ArrowFile>>();

  constructor(path: string, split: Split, manifest: TokenManifest) {
    this.manifest = manifest;
    let first = 0;
    let tokens = 0;
    for (const shard of manifest.shards.filter((each) => each.split === split)) {
      tokens += shard.tokens;
      for (const [index, documents] of shard.batches.entries()) {
        this.#batches.push({ file: join(path, shard.file), index, first, documents });
        first += documents;
      }
    }
    this.length = first;
    this.tokenCount = tokens;
  }

  /** The document at `index` of [0, length), in the order they were written. */
  async get(index: number): Promise<TokenDocument> {
    const place = this.#placeOf(index);
    const batch = await this.#load(place);
    const row = index - place.first;
    const [id, source, language] = [0, 1, 2].map((column) => batch.text(column, row));
    const tokens = batch.list(4, row);
    const document = { id, source, language, bytes: batch.number(3, row), tokens };
    if (!this.manifest.weighed) return document;
    const loss = weightsOf(batch.list(5, row), tokens.length);
    if (loss === undefined) throw damaged(place.file, `the weights of ${id} are not as many as its tokens`);
    return { ...document, loss };
  }

  /** Tokens of every document, read once from beginning to end: 4 bytes a document. */
  async readLengths(): Promise<Uint32Array> {
    const lengths = new Uint32Array(this.length);
    for (const place of this.#batches) {
      const batch = await this.#read(place);
      for (let row = 0; row < place.documents; row++) lengths[place.first + row] = batch.list(4, row).length;
    }
    return lengths;
  }

  /** The last batch that starts at or before `index`. */
  #placeOf(index: number): BatchPlace {
    if (!(index >= 0 && index < this.length)) throw new RangeError(`document ${index} of ${this.length}`);
    let low = 0;
    let high = this.#batches.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#batches[middle].first <= index) low = middle;
      else high = middle - 1;
    }
    return this.#batches[low];
  }

  /** Least recently used out first; two calls for one batch share one read. */
  #load(place: BatchPlace): Promise<Batch> {
    const found = this.#cache.get(place) ?? this.#read(place);
    this.#cache.delete(place);
    this.#cache.set(place, found);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > cachedBatches) this.#cache.delete(oldest);
    return found;
  }

  async #read({ file, index, documents }: BatchPlace): Promise<Batch> {
    const opened =
      this.#files.get(file) ?? openArrowFile(file, this.manifest.weighed ? weighedColumns : columns, damaged);
    this.#files.set(file, opened);
    const batch = await (await opened).read(index);
    if (batch.rows === documents) return batch;
    throw damaged(file, `record batch ${index} has ${batch.rows} documents, not ${documents} as manifest.json says`);
  }
}

/**
 * Opens one split of a corpus that `tokenizeDocuments` wrote, after checking each of its shards against the digest in
 * the manifest. Throws a UserError where a file is missing or damaged, or was made by another tokenizer than `tokenizer`.
 */
export async function openTokens(
  path: string,
  split: Split,
  tokenizer?: Pick<Tokenizer, 'json' | 'vocabSize'>,
): Promise<TokenDocuments> {
  const manifest = await readManifest(path);
  if (tokenizer !== undefined) requireSameTokenizer(manifest, tokenizer, path);
  for (const shard of manifest.shards.filter((each) => each.split === split)) {
    const file = join(path, shard.file);
    const digest = await sha256File(file).catch((error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') throw damaged(file, 'the file is missing');
      throw error;
    });
    if (digest !== shard.sha256) throw damaged(file, 'its content is not what was written: it was cut or changed');
  }
  return new TokenDocuments(path, split, manifest);
}

async function readManifest(path: string): Promise<TokenManifest> {
  const file = join(path, corpusManifestName);
  const value = await readJsonIfExists(file).catch((error: unknown) => {
    if (error instanceof SyntaxError) throw damaged(file, error.message);
    throw error;
  });
  if (value === undefined) {
    throw new UserError({
      what: 'this is not a folder of tokenised text',
      where: path,
      why: 'it has no manifest.json',
      next: 'Give the folder that the tokens stage made',
    });
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path: field, message }] = parsed.error.issues;
  throw damaged(file, `${field.join('.')}: ${message}`);
}

function requireSameTokenizer(
  manifest: TokenManifest,
  tokenizer: Pick<Tokenizer, 'json' | 'vocabSize'>,
  path: string,
): void {
  if (manifest.tokenizer === digestOf(tokenizer.json) && manifest.vocabSize === tokenizer.vocabSize) return;
  const sizes = `the text was tokenised with ${manifest.vocabSize} ids, the tokenizer has ${tokenizer.vocabSize}`;
  throw new UserError({
    what: 'the tokenised text belongs to another tokenizer',
    where: path,
    why: manifest.vocabSize === tokenizer.vocabSize ? 'the sizes are equal, the merges are not' : sizes,
    next: 'Tokenise the text again with this tokenizer, or use the tokenizer it was made with',
  });
}

function damaged(where: string, why: string): UserError {
  return new UserError({
    what: 'the tokenised text is damaged',
    where,
    why,
    next: 'Delete the folder and run the tokens stage again',
  });
}
