// One HTTP request and its answer, apart from what it is about: the body within bounds, JSON and nothing else.
import type { Context } from 'hono';
import { steadyNow } from '../base/clock.js';
import { isDeeperThan, jsonIn } from '../base/objects.js';
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

/** Seconds since 1970. */
export function unixTime(): number {
  return Math.floor(steadyNow() / 1000);
}
