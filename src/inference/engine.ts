// The sampling engine: long-lived, with a fixed budget of cache. Requests join and leave between steps (continuous
// batching, Yu et al. 2022, Orca): a step reads the next piece of new prompts, and one token of every sequence that has
// read all before it. A request draws from random streams of its own, so that its answer follows from it alone.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { copyColumns, createCache, disposeCache, growCache, type KeyValueCache } from '../model/cache.js';
import type { Model } from '../model/model.js';
import { read } from '../tensor/host.js';
import { Columns, columnsFor, type Segment } from './columns.js';
import { type EngineOptions, engineOptions } from './engine-options.js';
import { readTokens } from './read-tokens.js';
import {
  checkIds,
  type Emitted,
  type Generation,
  type Listener,
  type Request,
  resultsOf,
  Sequence,
} from './sequence.js';

export type { Emitted, Generation, Request } from './sequence.js';

/** A shorter beginning that another sequence has read already is read anew: copying it takes longer. */
const minSharedPrefix = 16;

/** A request while it is being answered. */
interface Job {
  request: Request;
  listener?: Listener;
  /** Those that have rows and columns, sample by sample. */
  sequences: Sequence[];
  /** The logits after the prompt, where several samples begin with them. */
  promptLogits?: Float32Array;
  isOver: boolean;
  resolve(results: Generation[]): void;
  reject(error: unknown): void;
}

/** A sequence in the batch. */
interface Work {
  job: Job;
  sequence: Sequence;
  /** It begins when another sample of its job has read their prompt. */
  awaitsPrompt: boolean;
}

export class Engine {
  readonly #model: Model;
  readonly #options: EngineOptions;
  readonly #columns: Columns;
  #cache: KeyValueCache | undefined;
  /** Requests with samples that are not in the batch yet. */
  #queue: Job[] = [];
  #batch: Work[] = [];
  #running: Promise<void> | undefined;
  #isDisposed = false;
  /** Tokens that went through the model, and those found in the cache instead. */
  readonly counts = { read: 0, reused: 0 };

  /** Borrows the model: whoever made it disposes it, after the engine, and says when its weights change. */
  constructor(model: Model, options: Partial<EngineOptions> = {}) {
    this.#model = model;
    this.#options = engineOptions(model.config, options);
    this.#columns = new Columns(this.#options.cacheTokens);
  }

  /** Sequences in the batch, and requests that wait for room. */
  get load(): { active: number; waiting: number } {
    return { active: this.#batch.length, waiting: this.#queue.length };
  }

  /**
   * Answers one request: a generation for each sample, in order. `listener` is given each token as it comes. What goes wrong
   * with a request (its `force` or `listener` throws, the model's output is not finite) rejects that request alone.
   * @throws UserError where it can never fit, before it waits for anything.
   */
  async submit(request: Request, listener?: Listener): Promise<Generation[]> {
    this.#check(request);
    if (request.samples === 0 || request.maxNewTokens === 0) return resultsOf(request, 'length');
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, listener, sequences: [], isOver: false, resolve, reject });
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
    let isDone = false;
    const done = this.submit({ ...request, samples: 1, signal }, (emitted) => {
      waiting.push(emitted);
      wake();
    }).finally(() => {
      isDone = true;
      wake();
    });
    done.catch(() => undefined); // awaited below
    try {
      while (!isDone || waiting.length > 0) {
        const emitted = waiting.shift();
        if (emitted !== undefined) yield emitted;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      return (await done)[0];
    } finally {
      controller.abort();
      await done.catch(() => undefined);
    }
  }

  /** To be called where the model's weights have changed: what was read with the old ones is of no use to new requests. */
  weightsChanged(): void {
    this.#columns.invalidate();
  }

  /** Ends with an error what is still being answered, and frees the cache. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#running;
    if (this.#cache !== undefined) disposeCache(this.#cache);
    this.#cache = undefined;
  }

  #check({ tokens, maxNewTokens, samples = 1 }: Request): void {
    if (this.#isDisposed) throw new Error('this engine is disposed');
    const { vocab_size: vocabulary, max_position_embeddings: context } = this.#model.config;
    checkIds(tokens, vocabulary);
    if (tokens.length === 0) throw new RangeError('a prompt has at least one token');
    for (const [name, count] of Object.entries({ maxNewTokens, samples })) {
      if (!Number.isInteger(count) || count < 0) throw new RangeError(`${name} must be a whole number, got ${count}`);
    }
    const isPastContext = tokens.length >= context;
    if (!isPastContext && columnsFor(this.#maxLength({ tokens, maxNewTokens })) <= this.#columns.limit) return;
    throw new UserError({
      what: `a prompt of ${tokens.length} tokens can never be answered here`,
      why: isPastContext
        ? `the model's context holds ${context}, the answer included`
        : `with ${maxNewTokens} new ones it needs more than the ${this.#columns.limit} columns of the cache`,
      next: isPastContext ? 'Shorten it' : 'Shorten it, or ask for a shorter answer',
    });
  }

  /** Tokens that a sequence may come to have. */
  #maxLength({ tokens, maxNewTokens }: Pick<Request, 'tokens' | 'maxNewTokens'>): number {
    return Math.min(tokens.length + maxNewTokens, this.#model.config.max_position_embeddings);
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 || this.#batch.length > 0) {
        if (this.#isDisposed) throw new Error('the engine was disposed before it had answered');
        await this.#step();
        await setImmediate(); // signals and new requests arrive between turns of the event loop
      }
    } catch (error) {
      for (const job of this.#jobs()) job.reject(error);
      [this.#queue, this.#batch] = [[], []];
      this.#columns.clear();
    } finally {
      this.#running = undefined;
    }
  }

  /** Some more than once: a job may have several sequences in the batch, and others still in the queue. */
  #jobs(): Job[] {
    return [...this.#batch.map(({ job }) => job), ...this.#queue];
  }

  async #step(): Promise<void> {
    let [asked, isAborted]: [AbortSignal | undefined, boolean] = [undefined, false]; // thousands share one: asked once
    for (const job of this.#jobs()) {
      const { signal } = job.request;
      if (signal !== asked) [asked, isAborted] = [signal, signal?.aborted ?? false];
      if (isAborted && !job.isOver) this.#abort(job);
    }
    while (this.#queue.length > 0 && this.#admit(this.#queue[0])) this.#finish();
    const prompts: Work[] = [];
    let longest = 0;
    for (const work of this.#batch) {
      const { unread } = work.sequence;
      if (unread < 2 || work.awaitsPrompt) continue;
      longest = Math.max(longest, Math.min(unread, this.#options.chunkTokens));
      if (prompts.length > 0 && longest * (prompts.length + 1) > this.#options.stepTokens) break;
      prompts.push(work);
    }
    await this.#read(prompts);
    await this.#read(this.#batch.filter(({ sequence, awaitsPrompt }) => sequence.unread === 1 && !awaitsPrompt));
  }

  /** Puts the next samples of a job into the batch; false where there is no room yet. */
  #admit(job: Job): boolean {
    const { request, sequences, promptLogits, listener } = job;
    const [left, rows] = [(request.samples ?? 1) - sequences.length, this.#options.maxRows - this.#batch.length];
    // All at once, as far as they ever can be, so that the prompt is read once. Where that is done, as many as there is room.
    const wanted = Math.min(left, promptLogits === undefined ? this.#options.maxRows : Math.max(1, rows));
    if (rows < wanted) return false;
    const maxLength = this.#maxLength(request);
    const first = this.#place(job, maxLength);
    if (first === undefined) return false;
    const segments = [first];
    while (segments.length < wanted) {
      const segment = this.#columns.allocate(maxLength);
      if (segment === undefined) break;
      segments.push(segment);
    }
    if (segments.length < wanted && promptLogits === undefined && this.#batch.length > 0) {
      for (const segment of segments) this.#columns.release(segment);
      return false;
    }
    this.counts.reused += first.tokens.length;
    const place = {
      maxLength,
      vocabulary: this.#model.config.vocab_size,
      withoutToken: this.#options.withoutToken,
      listener,
    };
    for (const [i, segment] of segments.entries()) {
      const sequence = new Sequence(request, { ...place, sample: sequences.length, segment });
      sequences.push(sequence);
      this.#batch.push({ job, sequence, awaitsPrompt: i > 0 });
    }
    if (segments.length === left) this.#queue.shift();
    if (first.tokens.length === request.tokens.length) this.#branch(job, first);
    return true;
  }

  /** Columns for a sequence: those that hold the beginning of it already, or new ones with a copy of that beginning. */
  #place({ request: { tokens }, promptLogits }: Job, maxLength: number): Segment | undefined {
    // Unless the logits after the prompt are at hand, its last token has to be read.
    const reusable = promptLogits === undefined ? tokens.slice(0, -1) : tokens;
    const { segment: source, length } = this.#columns.longestPrefix(reusable);
    const isWorthwhile = source && length >= Math.min(minSharedPrefix, source.tokens.length, reusable.length);
    const canTakeOver = isWorthwhile && !source.inUse && length === source.tokens.length;
    if (canTakeOver && this.#columns.takeOver(source, maxLength)) return source;
    const segment = this.#columns.allocate(maxLength, source);
    if (segment === undefined) return undefined;
    if (isWorthwhile && this.#columns.holds(source)) this.#copy(source, segment, length);
    return segment;
  }

  #copy(source: Segment, target: Segment, length: number): void {
    copyColumns(this.#room(), source.start, target.start, length);
    target.tokens = source.tokens.slice(0, length);
  }

  /** The samples of a job that are at the end of its prompt go their own ways from there; `source` has read it. */
  #branch(job: Job, source: Segment): void {
    const { length } = job.request.tokens;
    for (const work of this.#batch.filter((each) => each.job === job)) {
      const { sequence } = work;
      if (work.awaitsPrompt) {
        this.#copy(source, sequence.segment, length);
        this.counts.reused += length;
        work.awaitsPrompt = false;
      }
      if (sequence.tokens.length === length) this.#take(work, length - 1, (job.promptLogits as Float32Array).slice());
    }
  }

  /** Reads the next piece of each, and adds what follows from it. */
  async #read(works: readonly Work[]): Promise<void> {
    if (works.length === 0) return;
    const pieces = works.map(({ sequence }) => {
      const from = sequence.segment.tokens.length;
      const ids = sequence.tokens.slice(from, from + Math.min(this.#options.chunkTokens, sequence.maxPiece));
      const wanted = [...ids.keys()].filter((i) => sequence.wants(from + i));
      return { ids, from, start: sequence.segment.start, wanted };
    });
    const logits = readTokens(this.#model, this.#room(), pieces);
    const values = await read(logits).finally(() => logits.dispose());
    const { vocab_size: vocabulary } = this.#model.config;
    let next = 0;
    for (const [i, work] of works.entries()) {
      const { ids, from, wanted } = pieces[i];
      const { job, sequence } = work;
      const { tokens, samples = 1 } = job.request;
      sequence.segment.tokens.push(...ids);
      this.counts.read += ids.length;
      for (const at of wanted) {
        const row = values.subarray(next * vocabulary, ++next * vocabulary);
        if (samples > 1 && from + at === tokens.length - 1) {
          job.promptLogits ??= row.slice();
          this.#branch(job, sequence.segment);
        } else this.#take(work, from + at, row);
      }
    }
    this.#finish();
  }

  #take({ job, sequence }: Work, at: number, logits: Float32Array): void {
    if (job.isOver || sequence.hasEnded) return;
    try {
      sequence.takeLogits(at, logits);
    } catch (error) {
      this.#remove(job);
      job.reject(error);
    }
  }

  /** Lets the sequences go that have ended, and the jobs that are whole. */
  #finish(): void {
    const ended = this.#batch.filter(({ sequence }) => sequence.hasEnded);
    this.#batch = this.#batch.filter(({ sequence }) => !sequence.hasEnded);
    for (const { sequence } of ended) this.#columns.release(sequence.segment);
    for (const job of new Set(ended.map((work) => work.job))) {
      const { request, sequences } = job;
      if (sequences.length < (request.samples ?? 1) || !sequences.every(({ hasEnded }) => hasEnded)) continue;
      job.isOver = true;
      job.resolve(resultsOf(request, 'length', sequences));
    }
  }

  #abort(job: Job): void {
    for (const sequence of job.sequences) if (!sequence.hasEnded) sequence.end('aborted');
    this.#remove(job);
    job.resolve(resultsOf(job.request, 'aborted', job.sequences));
  }

  #remove(job: Job): void {
    job.isOver = true;
    for (const work of this.#batch) if (work.job === job) this.#columns.release(work.sequence.segment);
    this.#batch = this.#batch.filter((work) => work.job !== job);
    this.#queue = this.#queue.filter((each) => each !== job);
  }

  /** The cache, with room for every column that belongs to somebody. */
  #room(): KeyValueCache {
    const { extent, limit } = this.#columns;
    this.#cache ??= createCache(this.#model.config, extent);
    growCache(this.#cache, extent, limit);
    return this.#cache;
  }
}
