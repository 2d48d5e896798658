// Server-sent events, as all routes send them: written when they are read, and not before. Work that feeds a stream ends with its
// reader.
import type { Context } from 'hono';
import { apiError, refusalOf, speechFor } from './refusal.js';

export interface SentEvent {
  /** One line. */
  data: string;
  /** What a client that comes back says it has seen (`Last-Event-ID`). */
  id?: string;
}

/** Who reads a stream: a `Visit`, or somebody who takes no model's time. */
export interface Reader {
  /** Aborted once there is nothing more to read for: the events end then. */
  signal: AbortSignal;
  /** Why: the time is over, which the last event says, whenever it is read; else they have gone. */
  isLate: boolean;
  abort(): void;
  /** What it holds is given back; a second time changes nothing. */
  leave(): void;
}

export function readerOf(c: Context, onLeave: () => void = () => undefined): Reader {
  const ending = new AbortController();
  const abort = (): void => ending.abort();
  c.req.raw.signal.addEventListener('abort', abort, { once: true });
  let isHere = true;
  return {
    ...{ signal: ending.signal, isLate: false, abort },
    leave() {
      if (isHere) onLeave();
      isHere = false;
    },
  };
}

/** A stream on which nothing is said for so long is written to: a client that is gone shows only then. */
const silentMilliseconds = 15_000;

/**
 * What the events throw is the last of them. When nobody reads any more, the reader's signal is aborted, and the reader has left
 * when the last of them has ended. HEAD begins none: nobody would read them.
 */
export function sendEvents(c: Context, events: AsyncGenerator<SentEvent, void>, reader: Reader): Response {
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  };
  if (c.req.method === 'HEAD') {
    reader.leave();
    return c.body(null, 200, headers);
  }
  const encoder = new TextEncoder();
  let isOver = false;
  // One timer for the whole stream, which looks at when something was last said: a timer for each event costs more than the event.
  let saidAt = performance.now();
  let controlling: ReadableStreamDefaultController<Uint8Array> | undefined;
  const say = (text: string): void => {
    saidAt = performance.now();
    controlling?.enqueue(encoder.encode(text));
  };
  const beat = setInterval(() => {
    if (!isOver && performance.now() - saidAt >= silentMilliseconds) say(':\n\n');
  }, silentMilliseconds / 3).unref();
  const leave = (): void => {
    clearInterval(beat);
    reader.leave();
  };
  const stop = (): Promise<void> => {
    isOver = true;
    return events
      .return()
      .then(() => undefined)
      .finally(leave);
  };
  const onAbort = (): void => {
    // Who is late is told so by the last event; what has gone may never have looked at the first.
    if (reader.isLate) reader.leave();
    else stop().catch(() => undefined);
  };
  reader.signal.addEventListener('abort', onAbort, { once: true });
  if (reader.signal.aborted) onAbort();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        controlling = controller;
        try {
          const next = await events.next();
          if (!next.done) return say(eventText(next.value));
        } catch (error) {
          const said = apiError(refusalOf(error), await speechFor(c));
          if (!isOver) say(eventText({ data: JSON.stringify(said) }));
        }
        leave();
        if (!isOver) controller.close();
      },
      async cancel() {
        reader.abort();
        await stop();
      },
    },
    { highWaterMark: 0 },
  );
  return c.body(body, 200, headers);
}

function eventText({ data, id }: SentEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`;
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
