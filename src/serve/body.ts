// The body of a request to /api, as the contract has it.
import type { Context } from 'hono';
import type { z } from 'zod';
import { readJson } from './exchange.js';
import { type Limits, limits as ownLimits } from './limits.js';
import { fieldOf } from './openai-request.js';
import { RefusedRequest } from './refusal.js';

/** @throws RefusedRequest with the first faults of it. */
export async function readBody<T>(c: Context, schema: z.ZodType<T>, limits: Limits = ownLimits): Promise<T> {
  const parsed = schema.safeParse(await readJson(c, limits));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 8).map(({ path, message }) => `${fieldOf(path)}: ${message}`);
  throw new RefusedRequest({ status: 400, what: faults.join('; ') });
}
