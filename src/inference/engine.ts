// The sampling engine: long-lived, with a fixed budget of cache. Requests join and leave between steps (continuous
// batching, Yu et al. 2022, Orca): a step reads the next piece of new prompts, and one token of every sequence that has
// read all before it. A request draws from random streams of its own, so that its answer follows from it alone.
import { setImmediate } from 'node:timers/promises';
import { copyColumns, createCache, disposeCache, growCache, type KeyValueCache } from '../model/cache.js';
import type { Model } from '../model/model.js';
import { type RowDraw, sampleRows } from '../tensor/ops/sample-rows.js';
import { slice, type Tensor2D } from '../tensor/tf.js';
import { betterPrefix, isAwaiting, minSharedPrefix, nextPiece, type Wanted, type Work } from './batch.js';
import { checkRequest, maxLengthOf } from './check-request.js';
import { Columns, type Segment } from './columns.js';
import { type EngineOptions, engineOptions } from './engine-options.js';
import { type Job, JobQueue } from './job-queue.js';
import { type Piece, TokenReader } from './read-tokens.js';
import { type Emitted, type Generation, type Listener, type Request, resultsOf, Sequence } from './sequence.js';
import { streamed } from './streamed.js';

export type { Emitted, Generation, Request } from './sequence.js';

export class Engine {
  readonly #model: Model;
  readonly #reader: TokenReader;
  readonly #options: EngineOptions;
  readonly #columns: Columns;
  #cache: KeyValueCache | undefined;
  /** Requests with samples that are not in the batch yet. */
  readonly #queue = new JobQueue();
  #batch: Work[] = [];
  #running: Promise<void> | undefined;
  #isDisposed = false;
  /** Tokens that went through the model, and those found in the cache instead. */
  readonly counts = { read: 0, reused: 0 };

  /** Borrows the model: whoever made it disposes it, after the engine, and says when its weights change. */
  constructor(model: Model, options: Partial<EngineOptions> = {}) {
    this.#model = model;
    this.#reader = new TokenReader(model);
    this.#options = engineOptions(model.config, options);
    this.#columns = new Columns(this.#options.cacheTokens);
  }

  /** Sequences in the batch, and requests that wait for room. */
  get load(): { active: number; waiting: number } {
    return { active: this.#batch.length, waiting: this.#queue.size };
  }

  /**
   * Answers one request: a generation for each sample, in order. `listener` is given each token as it comes. What goes wrong
   * with a request (its `force` or `listener` throws, the model's output is not finite) rejects that request alone.
   * @throws UserError where it can never fit, before it waits for anything.
   */
  async submit(request: Request, listener?: Listener): Promise<Generation[]> {
    if (this.#isDisposed) throw new Error('this engine is disposed');
    checkRequest(request, this.#model.config, this.#columns.limit);
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
    const answered = (tell: (emitted: Emitted) => void, signal: AbortSignal): Promise<Generation[]> =>
      this.submit({ ...request, samples: 1, signal }, tell);
    const [generation] = yield* streamed(answered, request.signal);
    return generation;
  }

  /** To be called where the model's weights have changed: what was read with the old ones is of no use to new requests. */
  weightsChanged(): void {
    this.#columns.invalidate();
    this.#reader.weightsChanged();
  }

  /** Ends with an error what is still being answered, and frees the cache. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#running;
    this.#reader.dispose();
    if (this.#cache !== undefined) disposeCache(this.#cache);
    this.#cache = undefined;
  }

  async #run(): Promise<void> {
    try {
      await null; // what is submitted together begins together: one by one, each would let the cache grow
      while (this.#queue.first !== undefined || this.#batch.length > 0) {
        if (this.#isDisposed) throw new Error('the engine was disposed before it had answered');
        await this.#step();
        await setImmediate(); // signals and new requests arrive between turns of the event loop
      }
    } catch (error) {
      for (const job of new Set([...this.#batch.map((work) => work.job), ...this.#queue.waiting()])) {
        this.#queue.close(job);
        job.reject(error);
      }
      this.#batch = [];
      this.#columns.clear();
    } finally {
      this.#running = undefined;
    }
  }

  async #step(): Promise<void> {
    for (const job of this.#queue.takeAborted()) if (!job.isOver) this.#abort(job);
    await this.#join();
    const prompts: Work[] = [];
    let tokens = 0;
    for (const work of this.#batch) {
      const { unread } = work.sequence;
      if (isAwaiting(work) || unread < 2) continue;
      tokens += Math.min(unread, this.#options.chunkTokens);
      if (prompts.length > 0 && tokens > this.#options.stepTokens) break;
      prompts.push(work);
    }
    const decoding = this.#batch.filter((work) => work.sequence.unread === 1 && !isAwaiting(work));
    await this.#read([...prompts, ...decoding]);
  }

  /** Lets requests in as far as there is room; some end at once, and leave theirs to others. */
  async #join(): Promise<void> {
    for (;;) {
      const ready: Work[] = [];
      for (let job = this.#queue.first; job !== undefined && this.#admit(job, ready); job = this.#queue.first);
      if (ready.length === 0) return;
      for (const job of new Set(ready.map((work) => work.job))) {
        const own = ready.filter((work) => work.job === job);
        const at = job.request.tokens.length - 1;
        await this.#sample(
          job.promptLogits as Tensor2D,
          own.map((work) => ({ work, at, row: 0 })),
        );
      }
      this.#finish();
    }
  }

  /** Puts the next samples of a job into the batch; false where there is no room yet. `ready`: those that have read all. */
  #admit(job: Job, ready: Work[]): boolean {
    const { request, sequences, promptLogits, listener } = job;
    const [left, rows] = [(request.samples ?? 1) - sequences.length, this.#options.maxRows - this.#batch.length];
    // All at once, as far as they ever can be, so that the prompt is read once. Where that is done, as many as there is room.
    const wanted = Math.min(left, promptLogits === undefined ? this.#options.maxRows : Math.max(1, rows));
    if (rows < wanted) return false;
    const maxLength = maxLengthOf(request, this.#model.config);
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
    const place = { maxLength, vocabulary: this.#model.config.vocab_size, listener };
    const awaits = betterPrefix(this.#batch, request.tokens, first.tokens.length);
    for (const [i, segment] of segments.entries()) {
      const sequence = new Sequence(request, { ...place, sample: sequences.length, segment });
      sequences.push(sequence);
      this.#batch.push({ job, sequence, awaitsPrompt: i > 0, ...(i === 0 && { awaits }) });
    }
    if (segments.length === left) this.#queue.shift();
    if (first.tokens.length === request.tokens.length) ready.push(...this.#branch(job, first));
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
    if (isWorthwhile && this.#columns.holds(source)) this.#copy(source, [segment], length);
    return segment;
  }

  #copy(source: Segment, targets: readonly Segment[], length: number): void {
    if (targets.length === 0) return;
    copyColumns(this.#room(), { from: source.start, to: targets.map(({ start }) => start), count: length });
    const twin = source.twin && source.twin.count >= length ? source.twin : { segment: source, count: length };
    for (const target of targets) {
      target.tokens = source.tokens.slice(0, length);
      target.twin = twin;
    }
  }

  /** The next piece of a sequence, and where its beginning lies that others may have copies of. */
  #pieceOf({ sequence }: Work): Piece {
    const piece = nextPiece(sequence, this.#options.chunkTokens);
    const { twin } = sequence.segment;
    // Who has ended may have given its columns up; those who have not, and copies, keep their beginnings.
    if (twin === undefined || !this.#columns.holds(twin.segment)) return piece;
    return { ...piece, twin: { start: twin.segment.start, count: twin.count } };
  }

  /** Copies what sequences have waited for, as soon as it has been read. */
  #share(): void {
    for (const work of this.#batch) {
      isAwaiting(work); // of who has ended, columns may be another's by now
      if (work.awaits === undefined) continue;
      const { other, length } = work.awaits;
      const [source, target] = [other.sequence.segment, work.sequence.segment];
      if (source.tokens.length < length) continue;
      work.awaits = undefined;
      if (source.isStale) continue;
      this.counts.reused += length - target.tokens.length;
      this.#copy(source, [target], length);
    }
  }

  /** The samples of a job that are at the end of its prompt go their own ways from there; `source` has read it. */
  #branch(job: Job, source: Segment): Work[] {
    const { length } = job.request.tokens;
    const works = this.#batch.filter(
      ({ job: its, sequence, awaitsPrompt }) =>
        its === job && sequence.tokens.length === length && (awaitsPrompt || sequence.unread === 0),
    );
    const waiting = works.filter(({ awaitsPrompt }) => awaitsPrompt);
    const targets = waiting.map(({ sequence }) => sequence.segment);
    this.#copy(source, targets, length);
    this.counts.reused += targets.length * length;
    for (const work of waiting) work.awaitsPrompt = false;
    return works;
  }

  /** Reads the next piece of each, and adds what follows from it. */
  async #read(works: readonly Work[]): Promise<void> {
    if (works.length === 0) return;
    const pieces = works.map((work) => this.#pieceOf(work));
    const logits = this.#reader.read(this.#room(), pieces);
    for (const [i, { sequence }] of works.entries()) {
      for (const id of pieces[i].ids) sequence.segment.tokens.push(id);
      this.counts.read += pieces[i].ids.length;
    }
    this.#share();
    try {
      await this.#sample(logits, this.#wantedOf(works, pieces, logits));
    } finally {
      this.#reader.release(logits);
    }
    this.#finish();
  }

  /** Whose logits are in which row: all samples of a job begin with the one of its prompt. */
  #wantedOf(works: readonly Work[], pieces: readonly Piece[], logits: Tensor2D): Wanted[] {
    const wanted: Wanted[] = [];
    const branched = new Set<Work>();
    let row = 0;
    for (const [i, work] of works.entries()) {
      const { job, sequence } = work;
      const { samples = 1, tokens } = job.request;
      for (const place of pieces[i].wanted) {
        const at = pieces[i].from + place;
        if (samples === 1 || at !== tokens.length - 1) wanted.push({ work, at, row });
        else {
          if (job.sequences.length < samples) job.promptLogits ??= slice(logits, [row, 0], [1, logits.shape[1]]);
          for (const each of this.#branch(job, sequence.segment)) {
            if (!branched.has(each)) wanted.push({ work: each, at, row });
            branched.add(each);
          }
        }
        row++;
      }
    }
    return wanted;
  }

  /** Asks the sequences what they want of the logits, draws it all at once, and lets them continue with it. */
  async #sample(logits: Tensor2D, wanted: readonly Wanted[]): Promise<void> {
    const asked: { each: Wanted; draw: RowDraw }[] = [];
    for (const each of wanted) {
      const draw = this.#guard(each.work, (sequence) => sequence.ask(each.at, each.row));
      if (draw !== undefined) asked.push({ each, draw });
    }
    const takers = asked.filter(({ each }) => !each.work.job.isOver);
    const draws = takers.map(({ draw }) => draw);
    const drawn = await sampleRows(logits, draws, this.#options.withoutToken);
    for (let i = 0; i < takers.length; i++) {
      const { work, at } = takers[i].each;
      this.#guard(work, (sequence) => sequence.take(at, drawn[i]));
    }
  }

  /** What goes wrong with a sequence ends its job alone. */
  #guard<T>({ job, sequence }: Work, act: (sequence: Sequence) => T): T | undefined {
    if (job.isOver || sequence.hasEnded) return undefined;
    try {
      return act(sequence);
    } catch (error) {
      this.#remove(job);
      job.reject(error);
      return undefined;
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
      this.#queue.close(job);
      job.resolve(resultsOf(request, 'length', sequences));
    }
  }

  #abort(job: Job): void {
    for (const sequence of job.sequences) if (!sequence.hasEnded) sequence.end('aborted');
    this.#remove(job);
    job.resolve(resultsOf(job.request, 'aborted', job.sequences));
  }

  #remove(job: Job): void {
    this.#queue.close(job);
    for (const work of this.#batch) if (work.job === job) this.#columns.release(work.sequence.segment);
    this.#batch = this.#batch.filter((work) => work.job !== job);
  }

  /** The cache, with room for every column that belongs to somebody. */
  #room(): KeyValueCache {
    const { extent, limit } = this.#columns;
    this.#cache ??= createCache(this.#model.config, extent);
    growCache(this.#cache, extent, limit);
    return this.#cache;
  }
}
