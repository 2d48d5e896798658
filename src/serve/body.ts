// How /api reads the body of a request (bounded, checked, whole), and how it says no.
import type { Context, ErrorHandler } from 'hono';
import type { z } from 'zod';
import { jsonIn } from '../base/objects.js';
import { redactAll } from '../base/secrets.js';
import { type ApiError, bounds } from './contract.js';
import { apiError, RefusedRequest, refusalOf } from './refusal.js';

/** Whatever was thrown, in words and without keys. */
export function saidError(error: unknown): ApiError {
  return redactAll(apiError(refusalOf(error)));
}

export const refuse: ErrorHandler = (error, context) => context.json(saidError(error), refusalOf(error).status);

/** @throws RefusedRequest for a body that is too large, no JSON, or not of this shape. */
export async function readBody<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const type = context.req.header('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new RefusedRequest({
      status: 415,
      what: 'the body is not JSON',
      next: 'Send content-type: application/json',
    });
  }
  const value = jsonIn(await boundedText(context));
  if (value === undefined) {
    throw new RefusedRequest({ status: 400, what: 'the body is not whole JSON', next: 'Send one JSON object' });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message: what }] = parsed.error.issues;
  throw new RefusedRequest({ status: 400, where: path.join('.') || 'the body', what, next: 'Fix that field' });
}

async function boundedText({ req }: Context): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of req.raw.body ?? []) {
    size += piece.length;
    if (size > bounds.body) {
      const what = `a body of more than ${bounds.body >> 20} MiB is refused`;
      throw new RefusedRequest({ status: 413, what, next: 'Send less' });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
