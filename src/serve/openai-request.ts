// What OpenAI's two endpoints take, field by field: what is answered as asked, what changes nothing here and is accepted, and what
// would change the answer and is not built, which is refused by its name.
import { z } from 'zod';
import { nearest } from '../base/errors.js';
import { isRecord } from '../base/objects.js';
import type { Sampling } from '../config/sampling.js';
import { limits } from './limits.js';
import { RefusedRequest } from './refusal.js';

const stop = z.string().min(1).max(limits.stopCharacters);
const count = z.int().min(1).max(limits.requestTokens);

const shared = {
  model: z.string().max(1000).optional(),
  stream: z.boolean().default(false),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .optional(),
  n: z.int().min(1).max(limits.requestAnswers).default(1),
  seed: z.int().optional(),
  stop: z.union([stop.transform((one) => [one]), z.array(stop).max(limits.stops)]).default([]),
  /** To 2, as OpenAI has it: what is beyond is a slip of the pen. */
  temperature: z.number().min(0).max(2).optional(),
  /** 0: the likeliest token alone. */
  top_p: z.union([z.literal(0), z.number().min(0.01).max(1)], { error: 'a number from 0.01 to 1, or 0' }).optional(),
  top_k: z.int().min(0).max(1_000_000).optional(),
  min_p: z.number().min(0).max(1).optional(),
  repetition_penalty: z.number().min(0.1).max(10).optional(),
  max_tokens: count.optional(),
};

export const chatRequestSchema = z.strictObject({
  ...shared,
  messages: z.array(z.unknown()).min(1).max(1024),
  max_completion_tokens: count.optional(),
  logprobs: z.boolean().default(false),
  top_logprobs: z.int().min(0).max(20).optional(),
  tools: z.array(z.unknown()).max(limits.tools).default([]),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z
        .strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string().max(64) }) })
        .transform((choice) => ({ name: choice.function.name })),
    ])
    .optional(),
});
export type ChatRequest = z.output<typeof chatRequestSchema>;

export const completionRequestSchema = z.strictObject({
  ...shared,
  prompt: z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1).max(limits.requestAnswers)]),
  logprobs: z.int().min(0).max(5).optional(),
});
export type CompletionRequest = z.output<typeof completionRequestSchema>;

type SharedRequest = Pick<ChatRequest, 'temperature' | 'top_p' | 'top_k' | 'min_p' | 'repetition_penalty'>;

export function samplingOf(request: SharedRequest): Partial<Sampling> {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, repetition_penalty: repetitionPenalty } = request;
  if (topP === 0) return { temperature, topK: 1, topP: 1, minP, repetitionPenalty };
  return { temperature, topK, topP, minP, repetitionPenalty };
}

/** They change no answer: whom it is for, and what OpenAI does with it. */
const harmless = new Set([
  ...['user', 'metadata', 'store', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'service_tier'],
]);

const isZero = (value: unknown): boolean => value === 0;
const isFalse = (value: unknown): boolean => value === false;
/** Field → the values at which it changes nothing. */
const neutral: Readonly<Record<string, (value: unknown) => boolean>> = {
  presence_penalty: isZero,
  frequency_penalty: isZero,
  logit_bias: (value) => isRecord(value) && Object.keys(value).length === 0,
  response_format: (value) => isRecord(value) && value.type === 'text',
  modalities: (value) => Array.isArray(value) && value.every((each) => each === 'text'),
  parallel_tool_calls: (value) => value === true,
  echo: isFalse,
  best_of: (value) => value === 1,
  suffix: (value) => value === '',
  ...Object.fromEntries(
    ['audio', 'prediction', 'reasoning_effort', 'verbosity', 'web_search_options', 'functions', 'function_call'].map(
      (name) => [name, () => false],
    ),
  ),
};

/** @throws RefusedRequest that names the first field at fault; all of them in its words. */
export function parseRequest<Schema extends z.ZodObject>(body: unknown, schema: Schema): z.output<Schema> {
  if (!isRecord(body)) throw new RefusedRequest({ status: 400, what: 'the body is no JSON object' });
  const known: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (value === null || harmless.has(name)) continue;
    if (Object.hasOwn(schema.shape, name)) known[name] = value;
    else if (!Object.hasOwn(neutral, name)) throw unknownField(name, schema);
    else if (!neutral[name](value)) throw notBuilt(name);
  }
  const parsed = schema.safeParse(known);
  if (parsed.success) return parsed.data;
  throw schemaFaults(parsed.error);
}

/** The first eight faults in words; the field of the first is the one at fault. */
export function schemaFaults({ issues }: z.ZodError): RefusedRequest {
  const faults = issues.map(({ path, message }) => ({ field: fieldOf(path), message }));
  const what = faults.slice(0, 8).map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  return new RefusedRequest({ status: 400, what: what.join('; '), param: faults[0].field });
}

function unknownField(name: string, schema: z.ZodObject): RefusedRequest {
  const near = nearest(name, [...Object.keys(schema.shape), ...Object.keys(neutral)]);
  const next = near === undefined ? 'Omit it' : `Did you mean ${near}?`;
  const shown = name.slice(0, 64);
  return new RefusedRequest({
    status: 400,
    what: `there is no field ${shown} here`,
    next,
    param: shown,
    code: 'unknown_parameter',
  });
}

function notBuilt(name: string): RefusedRequest {
  const what = `${name} would change the answer, and is not built here`;
  return new RefusedRequest({ status: 400, what, next: 'Omit it', param: name, code: 'unsupported_parameter' });
}

/** `messages[0].content`, as OpenAI names fields. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );
}
