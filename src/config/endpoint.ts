// The knobs of a model behind an OpenAI-compatible endpoint, but for its name: where it is, how it is asked, and what that may cost.
import { z } from 'zod';
import { isRedacted } from '../base/secrets.js';

const baseUrl = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((text) => !/^[^/?#]*\/\/[^/?#]*@/.test(text), {
    message: 'an address must hold no user and no password: set OPENAI_API_KEY',
    abort: true,
  })
  .refine((text) => !isRedacted(text), {
    message: 'its query was redacted when these settings were kept: write it again, or set OPENAI_BASE_URL',
  });

/** Written by mossctl itself. */
const ownFields = ['model', 'messages', 'stream', 'n', 'tools'];
const requestFields = z
  .record(z.string().regex(/^\w{1,64}$/), z.json())
  .refine((fields) => !ownFields.some((name) => name in fields), `mossctl itself writes ${ownFields.join(', ')}`)
  .refine((fields) => JSON.stringify(fields).length <= 10_000, 'more than 10,000 characters are no settings');

const price = (what: string) => z.number().min(0).max(1e5).describe(`USD per million tokens ${what}`);

/** Fields of the block that names the model. */
export const endpointShape = {
  baseUrl: baseUrl.optional().describe('endpoint (openai); default: OPENAI_BASE_URL'),
  api: z
    .enum(['chat', 'completions'])
    .optional()
    .describe(
      'what the endpoint offers (openai): chat (default), or the legacy completions of a model that continues text',
    ),
  jsonMode: z
    .enum(['schema', 'object'])
    .optional()
    .describe('replies as JSON (openai), constrained to a schema or to any object (response_format); default: text'),
  request: requestFields
    .optional()
    .describe('fields of every request, as the endpoint calls them; null omits one (openai)'),
  timeoutSeconds: z.number().min(0.1).max(3600).default(60).describe('longest wait for one answer of the endpoint'),
  retries: z.int().min(0).max(20).default(3).describe('tries again after 408, 409, 429, 5xx or a dropped connection'),
  concurrency: z
    .int()
    .min(1)
    .max(256)
    .default(8)
    .describe('requests to the endpoint at a time, at most: fewer where its headers or a 429 ask for fewer'),
  prices: z
    .strictObject({ input: price('of what it reads'), output: price('of what it writes, thoughts included') })
    .optional()
    .describe('what the endpoint costs, by its price list (openai); needed for budgetUsd'),
  budgetUsd: z.number().gt(0).max(1e6).optional().describe('USD that the endpoint may cost in all: a hard stop'),
  budgetTokens: z.int().min(1).optional().describe('tokens that the endpoint may take in all: a hard stop'),
};
export type EndpointConfig = z.output<z.ZodObject<typeof endpointShape>>;
