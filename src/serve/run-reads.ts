// A run may take long to read, and pages ask again and again: who asks for the same run is answered by one reading, few runs
// are read at once, and a reading ends when nobody waits for it any more.
import { RefusedRequest } from './refusal.js';

const maxReads = 2;

interface Reading<T> {
  result: Promise<T>;
  ending: AbortController;
  waiting: number;
}

export class RunReads<T> {
  readonly #readings = new Map<string, Reading<T>>();

  /** @param gone the client's. @throws RefusedRequest where others are read, or the client is gone. */
  async read(name: string, gone: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.#readings.get(name);
    const reading = known?.ending.signal.aborted === false ? known : this.#begin(name, work);
    reading.waiting++;
    const left = new Promise<never>((_, reject) => {
      const leave = (): void => reject(new RefusedRequest({ status: 408, what: 'the client has gone' }));
      if (gone.aborted) leave();
      else gone.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([reading.result, left]);
    } finally {
      reading.waiting--;
      if (reading.waiting === 0) reading.ending.abort();
    }
  }

  #begin(name: string, work: (signal: AbortSignal) => Promise<T>): Reading<T> {
    if (this.#readings.size >= maxReads) {
      const what = `${maxReads} other runs are being read`;
      throw new RefusedRequest({ status: 429, what, next: 'Try again in a moment', retryAfter: 2 });
    }
    const ending = new AbortController();
    const result = work(ending.signal);
    const reading = { result, ending, waiting: 0 };
    this.#readings.set(name, reading);
    const forget = (): void => void (this.#readings.get(name) === reading && this.#readings.delete(name));
    result.then(forget, forget);
    return reading;
  }
}
