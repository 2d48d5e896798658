// The sampling engine: long-lived, with a fixed budget of cache. Requests join and leave between steps (continuous
// batching, Yu et al. 2022, Orca): a step reads the next piece of new prompts, and one token of every sequence that has
// read all before it. A request draws from random streams of its own, so that its answer follows from it alone.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { copyColumns, createCache, disposeCache, type KeyValueCache } from '../model/cache.js';
import type { Model } from '../model/model.js';
import { Columns, type Segment } from './columns.js';
import { ensureColumns, readTokens } from './read-tokens.js';
import { type Emitted, type Generation, type Listener, type Request, Sequence } from './sequence.js';

export type { Emitted, Generation, Request } from './sequence.js';

export interface EngineOptions {
  /** Sequences that are answered side by side, at most. */
  maxRows: number;
  /** Columns of the cache, at most; it grows as they are needed. Default: a context for each row, up to 4 GiB. */
  cacheTokens: number;
  /** Tokens of one prompt that are read in a step, at most, and of all prompts together. */
  chunkTokens: number;
  stepTokens: number;
}

const defaults = { maxRows: 64, chunkTokens: 512, stepTokens: 2048 };
const maxCacheBytes = 4 * 2 ** 30;
/** A shorter beginning that another sequence has read already is read anew: copying it takes longer. */
const minSharedPrefix = 16;

/** A request while it is being answered. */
interface Job {
  request: Request;
  listener?: Listener;
  /** Those that have begun, sample by sample. */
  sequences: Sequence[];
  /** Those of them that begin when the first has read the prompt. */
  siblings: Sequence[];
  /** The logits after the prompt, kept where several samples begin with them. */
  promptLogits?: Float32Array;
  resolve(results: Generation[]): void;
  reject(error: unknown): void;
}

/** A sequence in the batch. */
interface Work {
  sequence: Sequence;
  job: Job;
}

export class Engine {
  readonly #model: Model;
  readonly #options: EngineOptions;
  readonly #columns: Columns;
  #cache: KeyValueCache | undefined;
  /** Requests with samples that have not begun. */
  #queue: Job[] = [];
  #active: Work[] = [];
  #running: Promise<void> | undefined;
  #isDisposed = false;
  /** Tokens that went through the model, and those found in the cache instead. */
  readonly counts = { read: 0, reused: 0 };

  /** Borrows the model: whoever made it disposes it, after the engine, and says when its weights change (`forget`). */
  constructor(model: Model, options: Partial<EngineOptions> = {}) {
    const { num_hidden_layers: layers, num_key_value_heads: groups, head_dim: dimension } = model.config;
    const context = model.config.max_position_embeddings;
    const affordable = Math.floor(maxCacheBytes / (8 * layers * groups * dimension));
    const wished = (options.maxRows ?? defaults.maxRows) * context;
    this.#model = model;
    this.#options = { ...defaults, cacheTokens: Math.max(context, Math.min(wished, affordable)), ...options };
    this.#columns = new Columns(this.#options.cacheTokens);
  }

  /** Sequences in the batch, and requests that wait for room. */
  get load(): { active: number; waiting: number } {
    return { active: this.#active.length, waiting: this.#queue.length };
  }

  /**
   * Answers one request: a generation for each sample, in order. `listener` is given each token as it comes.
   * @throws UserError where it can never fit, before it waits for anything.
   */
  async submit(request: Request, listener?: Listener): Promise<Generation[]> {
    this.#check(request);
    const { samples = 1, maxNewTokens } = request;
    if (samples < 1 || maxNewTokens < 1)
      return Array.from({ length: samples }, () => ({ tokens: [], finish: 'length' }));
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, listener, sequences: [], siblings: [], resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Answers all of them; the results are in the order of requests and their samples. */
  async run(requests: readonly Request[]): Promise<Generation[]> {
    return (await Promise.all(requests.map((request) => this.submit(request)))).flat();
  }

  /** The tokens of one answer as they come; returns the whole. Leaving the loop early ends the request. */
  async *stream(request: Request): AsyncGenerator<Emitted, Generation> {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, ...(request.signal === undefined ? [] : [request.signal])]);
    const waiting: Emitted[] = [];
    let wake = (): void => undefined;
    const done = this.submit({ ...request, samples: 1, signal }, (emitted) => {
      waiting.push(emitted);
      wake();
    });
    let isDone = false;
    done
      .catch(() => undefined)
      .finally(() => {
        isDone = true;
        wake();
      });
    try {
      while (!isDone || waiting.length > 0) {
        const emitted = waiting.shift();
        if (emitted !== undefined) yield emitted;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      return (await done)[0];
    } finally {
      controller.abort();
      await done.catch(() => undefined);
    }
  }

  /** Drops what finished sequences have read: to be called where the model's weights have changed. */
  forget(): void {
    this.#columns.forgetKept();
  }

  /** Ends with an error what is still being answered, and frees the cache. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#running;
    if (this.#cache !== undefined) disposeCache(this.#cache);
    this.#cache = undefined;
  }

  #check({ tokens, maxNewTokens }: Request): void {
    if (this.#isDisposed) throw new Error('this engine is disposed');
    const { vocab_size: vocabulary, max_position_embeddings: context } = this.#model.config;
    const unknown = tokens.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
    if (unknown !== undefined) throw new RangeError(`the vocabulary of ${vocabulary} has no token ${unknown}`);
    if (tokens.length === 0) throw new RangeError('a prompt has at least one token');
    const isPastContext = tokens.length >= context;
    if (!isPastContext && this.#columnsOf(tokens.length, maxNewTokens) <= this.#columns.limit) return;
    throw new UserError({
      what: `a prompt of ${tokens.length} tokens can never be answered here`,
      why: isPastContext
        ? `the model's context holds ${context}, the answer included`
        : `with ${maxNewTokens} new ones it needs more than the ${this.#columns.limit} columns of the cache`,
      next: isPastContext ? 'Shorten it' : 'Shorten it, or ask for a shorter answer',
    });
  }

  #columnsOf(promptTokens: number, maxNewTokens: number): number {
    return Math.min(promptTokens + maxNewTokens, this.#model.config.max_position_embeddings);
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 || this.#active.length > 0) {
        if (this.#isDisposed) throw new Error('the engine was disposed before it had answered');
        await this.#step();
        await setImmediate(); // signals and new requests arrive between turns of the event loop
      }
    } catch (error) {
      const jobs = new Set([...this.#queue, ...this.#active.map(({ job }) => job)]);
      for (const { sequence } of this.#active) this.#columns.forget(sequence.segment);
      [this.#queue, this.#active] = [[], []];
      for (const job of jobs) job.reject(error);
    } finally {
      this.#running = undefined;
    }
  }

  async #step(): Promise<void> {
    for (const job of new Set([...this.#queue, ...this.#active.map(({ job }) => job)])) {
      if (job.request.signal?.aborted) this.#abort(job);
    }
    while (this.#queue.length > 0 && this.#start(this.#queue[0])) {
      const [{ request, sequences }] = this.#queue;
      if (sequences.length === (request.samples ?? 1)) this.#queue.shift();
    }
    const prompts: Work[] = [];
    let longest = 0;
    for (const work of this.#active) {
      if (work.sequence.unread < 2) continue;
      longest = Math.max(longest, Math.min(work.sequence.unread, this.#options.chunkTokens));
      if (prompts.length > 0 && longest * (prompts.length + 1) > this.#options.stepTokens) break;
      prompts.push(work);
    }
    await this.#read(prompts);
    await this.#read(this.#active.filter(({ sequence }) => sequence.unread === 1));
  }

  /** Gives the next samples of a request their rows and columns; false where there is no room yet. */
  #start(job: Job): boolean {
    const { request, sequences, siblings, listener } = job;
    const { maxRows } = this.#options;
    const jobs = new Set(this.#active.map((work) => work.job));
    const taken = [...jobs].reduce((rows, each) => rows + each.siblings.length, this.#active.length);
    // As many at once as there can ever be, so that the prompt is read once.
    const count = Math.min((request.samples ?? 1) - sequences.length, maxRows);
    if (maxRows - taken < count) return false;
    const columns = this.#columnsOf(request.tokens.length, request.maxNewTokens);
    const first = this.#place(job, columns);
    const segments = first === undefined ? [] : [first];
    while (segments.length > 0 && segments.length < count) {
      const segment = this.#columns.allocate(columns);
      if (segment === undefined) break;
      segments.push(segment);
    }
    if (first === undefined || (segments.length < count && taken > 0)) {
      for (const segment of segments) this.#columns.release(segment);
      return false;
    }
    const context = this.#model.config.max_position_embeddings;
    for (const segment of segments) {
      const sequence = new Sequence(request, { sample: sequences.length, segment, context, listener });
      sequences.push(sequence);
      if (segment === first) this.#active.push({ sequence, job });
      else siblings.push(sequence);
    }
    if (first.tokens.length === request.tokens.length) this.#begin(job, first);
    return true;
  }

  /** Columns for a request: those that hold the beginning of it already, or new ones with a copy of that beginning. */
  #place({ request: { tokens }, promptLogits }: Job, columns: number): Segment | undefined {
    // Unless the logits after the prompt are at hand, its last token has to be read.
    const known = promptLogits === undefined ? tokens.slice(0, -1) : tokens;
    const { segment: source, length } = this.#columns.longestPrefix(known);
    if (source === undefined || length < Math.min(minSharedPrefix, source.tokens.length, known.length)) {
      return this.#columns.allocate(columns);
    }
    const isContinued = !source.inUse && length === source.tokens.length;
    if (!isContinued || !this.#columns.takeOver(source, columns)) {
      const segment = this.#columns.allocate(columns, source);
      if (segment !== undefined && this.#columns.holds(source)) this.#share(source, segment, length);
      return segment;
    }
    this.counts.reused += length;
    return source;
  }

  #share(source: Segment, target: Segment, length: number): void {
    copyColumns(this.#room(), source.start, target.start, length);
    target.tokens = source.tokens.slice(0, length);
    this.counts.reused += length;
  }

  /** The samples of a job begin where `source` has read its prompt. */
  #begin(job: Job, source: Segment): void {
    const { tokens } = job.request;
    for (const sequence of job.siblings.splice(0)) {
      this.#share(source, sequence.segment, tokens.length);
      this.#active.push({ sequence, job });
    }
    for (const { sequence, job: owner } of this.#active) {
      if (owner !== job || sequence.tokens.length > tokens.length || sequence.hasEnded) continue;
      sequence.follow(tokens.length - 1, (job.promptLogits as Float32Array).slice());
    }
  }

  /** Reads the next piece of each, and adds what follows from it. */
  async #read(works: readonly Work[]): Promise<void> {
    if (works.length === 0) return;
    const pieces = works.map(({ sequence }) => {
      const from = sequence.segment.tokens.length;
      const ids = sequence.tokens.slice(from, from + this.#options.chunkTokens);
      const wanted = [...ids.keys()].filter((i) => sequence.wants(from + i));
      return { ids, from, start: sequence.segment.start, wanted };
    });
    const logits = await readTokens(this.#model, this.#room(), pieces);
    for (const [i, { sequence, job }] of works.entries()) {
      const { ids, from, wanted } = pieces[i];
      const { tokens, samples = 1 } = job.request;
      sequence.segment.tokens.push(...ids);
      this.counts.read += ids.length;
      for (const [j, at] of wanted.entries()) {
        if (samples > 1 && from + at === tokens.length - 1) {
          job.promptLogits ??= logits[i][j];
          this.#begin(job, sequence.segment);
        } else if (!sequence.hasEnded) sequence.follow(from + at, logits[i][j]);
      }
    }
    this.#removeEnded();
  }

  #removeEnded(): void {
    const ended = this.#active.filter(({ sequence }) => sequence.hasEnded);
    this.#active = this.#active.filter(({ sequence }) => !sequence.hasEnded);
    for (const { sequence } of ended) this.#columns.release(sequence.segment);
    for (const job of new Set(ended.map((work) => work.job))) {
      const { request, sequences, siblings } = job;
      const isWhole = sequences.length === (request.samples ?? 1) && siblings.length === 0;
      if (isWhole && sequences.every(({ hasEnded }) => hasEnded)) job.resolve(sequences.map(({ result }) => result));
    }
  }

  #abort(job: Job): void {
    const { request, sequences, siblings } = job;
    this.#queue = this.#queue.filter((each) => each !== job);
    this.#active = this.#active.filter((work) => work.job !== job);
    for (const sequence of sequences) {
      if (sequence.hasEnded) continue;
      sequence.end('aborted');
      this.#columns.release(sequence.segment);
    }
    siblings.length = 0;
    const { samples = 1 } = request;
    job.resolve(
      Array.from({ length: samples }, (_, i) => sequences[i]?.result ?? { tokens: [], finish: 'aborted' as const }),
    );
  }

  /** The cache, with room for every column that belongs to somebody. */
  #room(): KeyValueCache {
    const { extent, limit } = this.#columns;
    this.#cache ??= createCache(this.#model.config, extent);
    ensureColumns(this.#cache, extent, limit);
    return this.#cache;
  }
}
