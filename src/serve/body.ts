// The body of a request to /api, as the contract has it.
import type { Context } from 'hono';
import type { z } from 'zod';
import { readJson } from './exchange.js';
import { type Limits, limits as ownLimits } from './limits.js';
import { schemaFaults } from './openai-request.js';

/** @throws RefusedRequest with the first faults of it. */
export async function readBody<T>(c: Context, schema: z.ZodType<T>, limits: Limits = ownLimits): Promise<T> {
  const parsed = schema.safeParse(await readJson(c, limits));
  if (parsed.success) return parsed.data;
  throw schemaFaults(parsed.error);
}
