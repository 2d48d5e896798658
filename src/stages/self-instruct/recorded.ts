// Every answer of an endpoint is kept the moment it arrives, so that a killed run goes on without paying twice.
// Keyed by request index and content: a changed prompt, model or endpoint asks anew.
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { digestOf, writeFileAtomic } from '../../base/files.js';
import { toJsonl } from '../../base/jsonl.js';
import type { Completer, Completion, CompletionRequest } from './completion.js';

const recordSchema = z.object({ key: z.string(), completion: z.object({ text: z.string(), finish: z.string() }) });
type Recorded = z.output<typeof recordSchema>;

export class RecordedCompleter implements Completer {
  readonly identity: string;
  readonly #inner: Completer;
  readonly #path: string;
  readonly #known: Map<string, Completion>;
  readonly #file: FileHandle;
  #writing: Promise<void> = Promise.resolve();
  /** Answers that were paid for in this run, and that came from the record. */
  readonly counts = { asked: 0, replayed: 0 };

  private constructor(inner: Completer, path: string, known: Map<string, Completion>, file: FileHandle) {
    this.#inner = inner;
    this.identity = inner.identity;
    this.#path = path;
    this.#known = known;
    this.#file = file;
  }

  /** Opens `path`, a JSONL file of `{key, completion}`. A last line cut by a crash is dropped. */
  static async open(inner: Completer, path: string): Promise<RecordedCompleter> {
    await mkdir(dirname(path), { recursive: true });
    const records = await readRecords(path);
    // Rewritten whole, so that appending never continues half a line.
    await writeFileAtomic(path, toJsonl(records));
    const known = new Map(records.map(({ key, completion }) => [key, completion]));
    return new RecordedCompleter(inner, path, known, await open(path, 'a'));
  }

  async complete(request: CompletionRequest): Promise<Completion> {
    const key = this.#keyOf(request);
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.counts.replayed++;
      return known;
    }
    const completion = await this.#inner.complete(request);
    this.counts.asked++;
    await this.#append({ key, completion });
    return completion;
  }

  /** Removes answers that led nowhere, so that the next run asks again. */
  async forget(requests: readonly CompletionRequest[]): Promise<void> {
    for (const request of requests) this.#known.delete(this.#keyOf(request));
    await this.#writing;
    await writeFileAtomic(this.#path, toJsonl([...this.#known].map(([key, completion]) => ({ key, completion }))));
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#file.close();
  }

  #keyOf(request: CompletionRequest): string {
    return `${request.index}:${digestOf([this.identity, request])}`;
  }

  /** One line at a time, in the order of arrival, durable before anyone builds on it. */
  #append(record: Recorded): Promise<void> {
    this.#known.set(record.key, record.completion);
    this.#writing = this.#writing.then(async () => {
      await this.#file.appendFile(toJsonl([record]));
      await this.#file.sync();
    });
    return this.#writing;
  }
}

async function readRecords(path: string): Promise<Recorded[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    try {
      return [recordSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
