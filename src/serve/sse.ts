// Server-sent events: one JSON in each `data:`. Work that feeds a stream ends with its client.
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { apiError, refusalOf, speechFor } from './refusal.js';

export interface SentEvent {
  data: unknown;
  /** What a client that comes back says it has seen (`Last-Event-ID`). */
  id?: string;
}

/** A stream on which nothing is said for so long is written to: a client that is gone shows only then. */
const silentMilliseconds = 15_000;

/**
 * @param events ends where the signal is aborted: the client is gone. What it throws is the last event. HEAD begins none: nobody
 * would read them, and nothing would tell that their client is gone.
 */
export function sendEvents(context: Context, events: (signal: AbortSignal) => AsyncIterable<SentEvent>): Response {
  if (context.req.method === 'HEAD') return context.body(null, 200, { 'content-type': 'text/event-stream' });
  return streamSSE(context, async (stream) => {
    const ending = new AbortController();
    stream.onAbort(() => ending.abort());
    const beat = setInterval(() => void stream.write(':\n\n'), silentMilliseconds).unref();
    try {
      for await (const { data, id } of events(ending.signal)) {
        if (ending.signal.aborted) break;
        await stream.writeSSE({ data: JSON.stringify(data), ...(id !== undefined && { id }) });
      }
    } catch (error) {
      await stream.writeSSE({ data: JSON.stringify(apiError(refusalOf(error), await speechFor(context))) });
    } finally {
      clearInterval(beat);
    }
  });
}

/** Items that come one by one, for a reader that takes them in its own time. */
export class Queue<T> {
  readonly #items: T[] = [];
  readonly #replaces: (earlier: T, item: T) => boolean;
  #wake = (): void => undefined;
  #isEnded = false;

  /** @param replaces whether an item takes the place of the one before it, where that is not read yet. */
  constructor(replaces: (earlier: T, item: T) => boolean) {
    this.#replaces = replaces;
  }

  push(item: T): void {
    const last = this.#items.at(-1);
    if (last !== undefined && this.#replaces(last, item)) this.#items.pop();
    this.#items.push(item);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async *read(): AsyncGenerator<T> {
    for (;;) {
      for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) yield item;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
