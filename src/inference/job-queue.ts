// Requests from when they are submitted until they are over: those that wait for room, in order, and those that somebody
// has aborted. Thousands may wait, and share one signal: nothing here goes through all of them at every step.
import type { Tensor2D } from '../tensor/tf.js';
import type { Generation, Listener, Request, Sequence } from './sequence.js';

/** A request while it is being answered. */
export interface Job {
  request: Request;
  listener?: Listener;
  /** Those that have rows and columns, sample by sample. */
  sequences: Sequence[];
  /** The logits [1, V] after the prompt, where samples that are yet to join begin with them. */
  promptLogits?: Tensor2D;
  isOver: boolean;
  resolve(results: Generation[]): void;
  reject(error: unknown): void;
}

interface Watch {
  jobs: Set<Job>;
  onAbort(): void;
}

export class JobQueue {
  /** Those before `#first` have left; among the others some may be over. */
  #jobs: Job[] = [];
  #first = 0;
  readonly #watches = new Map<AbortSignal, Watch>();
  #aborted: Job[] = [];

  /** The next that waits for room for some of its samples. */
  get first(): Job | undefined {
    while (this.#jobs[this.#first]?.isOver) this.shift();
    return this.#jobs[this.#first];
  }

  get size(): number {
    let size = 0;
    for (let i = this.#first; i < this.#jobs.length; i++) if (!this.#jobs[i].isOver) size++;
    return size;
  }

  push(job: Job): void {
    this.#jobs.push(job);
    const { signal } = job.request;
    if (signal === undefined) return;
    if (signal.aborted) this.#aborted.push(job);
    else this.#watch(signal).jobs.add(job);
  }

  /** All samples of the first one have room. */
  shift(): void {
    this.#first++;
    if (this.#first < 64 || 2 * this.#first < this.#jobs.length) return;
    this.#jobs = this.#jobs.slice(this.#first);
    this.#first = 0;
  }

  /** Those that were aborted since it was last asked. */
  takeAborted(): readonly Job[] {
    const aborted = this.#aborted;
    if (aborted.length > 0) this.#aborted = [];
    return aborted;
  }

  /** Ends a job, whatever became of it: nothing of it is kept. */
  close(job: Job): void {
    job.isOver = true;
    job.promptLogits?.dispose();
    job.promptLogits = undefined;
    const { signal } = job.request;
    const watch = signal && this.#watches.get(signal);
    if (watch === undefined) return;
    watch.jobs.delete(job);
    if (watch.jobs.size > 0) return;
    signal?.removeEventListener('abort', watch.onAbort);
    this.#watches.delete(signal as AbortSignal);
  }

  /** All that wait. */
  waiting(): Job[] {
    return this.#jobs.slice(this.#first).filter(({ isOver }) => !isOver);
  }

  #watch(signal: AbortSignal): Watch {
    const known = this.#watches.get(signal);
    if (known !== undefined) return known;
    const jobs = new Set<Job>();
    const watch = {
      jobs,
      onAbort: () => {
        for (const job of jobs) this.#aborted.push(job);
      },
    };
    signal.addEventListener('abort', watch.onAbort);
    this.#watches.set(signal, watch);
    return watch;
  }
}
