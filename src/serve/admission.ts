// Who is let in: so many answers at once, none while the server stops, each for so long. What goes in comes out again, so that
// stopping can wait for it.
import { RefusedRequest } from './refusal.js';

export class Admission {
  readonly #maxAnswers: number;
  readonly #seconds: number;
  #answers = 0;
  #isDraining = false;
  #onEmpty: (() => void) | undefined;

  constructor({ answers, seconds }: { answers: number; seconds: number }) {
    this.#maxAnswers = answers;
    this.#seconds = seconds;
  }

  /** Answers that are being written or wait. */
  get answers(): number {
    return this.#answers;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Room for so many answers until `leave`. `signal`: the client has gone, or the time is over; `timedOut` says which.
   * @throws RefusedRequest where there is none.
   */
  enter(answers: number, gone: AbortSignal): Visit {
    if (this.#isDraining) throw new RefusedRequest({ status: 503, what: 'the server is stopping', retryAfter: 10 });
    if (this.#answers + answers > this.#maxAnswers && this.#answers > 0) {
      const what = `${this.#answers} answers are being written or wait, and ${this.#maxAnswers} is the limit`;
      throw new RefusedRequest({ status: 429, what, code: 'queue_full', next: 'Try again in a second', retryAfter: 1 });
    }
    this.#answers += answers;
    return new Visit(gone, this.#seconds, () => {
      this.#answers -= answers;
      if (this.#answers === 0) this.#onEmpty?.();
    });
  }

  /** Lets nobody in any more, and waits for those who are. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#answers > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }
}

export class Visit {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #gone: AbortSignal;
  readonly #onLeave: () => void;
  readonly #seconds: number;
  readonly #onGone = (): void => this.#controller.abort();
  readonly #leaving: (() => void)[] = [];
  #isOver = false;
  #timedOut = false;

  constructor(gone: AbortSignal, seconds: number, onLeave: () => void) {
    this.#gone = gone;
    this.#seconds = seconds;
    this.#onLeave = onLeave;
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#controller.abort();
    }, seconds * 1000);
    gone.addEventListener('abort', this.#onGone);
    if (gone.aborted) this.#controller.abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time was over; else the client has gone, or nobody asked any more. */
  get isLate(): boolean {
    return this.#timedOut;
  }

  /** Ends the work; what it holds is given back by `leave`. */
  abort(): void {
    this.#controller.abort();
  }

  /** @throws RefusedRequest where the time was over. */
  checkTime(): void {
    if (!this.#timedOut) return;
    const what = `the answer took longer than ${this.#seconds} seconds`;
    throw new RefusedRequest({
      status: 504,
      what,
      code: 'timeout',
      next: 'Ask for fewer tokens, or start with --timeout',
    });
  }

  /** Hears when it is left; at once where it has been. */
  onLeave(hear: () => void): void {
    if (this.#isOver) hear();
    else this.#leaving.push(hear);
  }

  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#gone.removeEventListener('abort', this.#onGone);
    for (const hear of this.#leaving) hear();
    this.#onLeave();
  }
}
