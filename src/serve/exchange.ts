// One HTTP request and its answer, apart from what it is about: the body within bounds, JSON and nothing else, answers that
// stream as server-sent events and stop when nobody reads them.
import type { Context } from 'hono';
import { steadyNow } from '../base/clock.js';
import { isDeeperThan, jsonIn } from '../base/objects.js';
import type { Visit } from './admission.js';
import type { Limits } from './limits.js';
import { RefusedRequest } from './refusal.js';

/** The body as JSON. @throws RefusedRequest where it is too large, no JSON, or nested too deep. */
export async function readJson(
  c: Context,
  { bodyBytes, depth }: Pick<Limits, 'bodyBytes' | 'depth'>,
): Promise<unknown> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    const next = 'Send JSON, with the header content-type: application/json';
    throw new RefusedRequest({ status: 415, what: 'the body must be JSON', next });
  }
  const bytes = await readBytes(c, bodyBytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RefusedRequest({ status: 400, what: 'the body is not UTF-8' });
  }
  const value = jsonIn(text);
  if (value === undefined) throw new RefusedRequest({ status: 400, what: 'the body is no JSON' });
  if (isDeeperThan(value, depth)) throw new RefusedRequest({ status: 400, what: 'the body is nested too deep' });
  return value;
}

async function readBytes(c: Context, limit: number): Promise<Buffer> {
  const tooLarge = (): RefusedRequest =>
    new RefusedRequest({ status: 413, what: `the body is larger than ${limit} bytes`, next: 'Send less at once' });
  if (Number(c.req.header('content-length') ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = c.req.raw.body as ReadableStream<Uint8Array> | null;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length;
      if (size > limit) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof RefusedRequest) throw error;
    throw new RefusedRequest({ status: 400, what: 'the body did not come to its end' }, { cause: error });
  }
  return Buffer.concat(chunks);
}

/**
 * Events as they come, each the text of one `data:` line. They turn their own failures into events; when nobody reads any more,
 * the visit is aborted, and is left when the last of them has ended.
 */
export function eventStream(c: Context, events: AsyncGenerator<string, void>, visit: Visit): Response {
  const encoder = new TextEncoder();
  const stop = (): Promise<void> =>
    events
      .return()
      .then(() => undefined)
      .finally(() => visit.leave());
  const onAbort = (): void => {
    // Who is late is told so by the last event, whenever they read it; what has gone may never have looked at the first.
    if (visit.isLate) visit.leave();
    else stop().catch(() => undefined);
  };
  visit.signal.addEventListener('abort', onAbort, { once: true });
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await events.next();
          if (!next.done) return controller.enqueue(encoder.encode(`data: ${next.value}\n\n`));
          visit.leave();
          controller.close();
        } catch (error) {
          visit.leave();
          controller.error(error);
        }
      },
      async cancel() {
        visit.abort();
        await stop();
      },
    },
    { highWaterMark: 0 },
  );
  return c.body(body, 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
}

/** Seconds since 1970. */
export function unixTime(): number {
  return Math.floor(steadyNow() / 1000);
}
