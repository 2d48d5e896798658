// An OpenAI-compatible endpoint as a chat model, taken for hostile and unreliable: bodies are bounded, waits end, and
// each failure is either tried again or reported to the person with what to set.
import { setTimeout as sleep } from 'node:timers/promises';
import type OpenAI from 'openai';
import { z } from 'zod';
import { cleanText } from '../base/clean-text.js';
import { UserError } from '../base/errors.js';
import { digestOf } from '../base/files.js';
import { type Message, type Tool, type ToolCall, toolCallSchema } from '../tokenizer/message.js';
import type { ChatModel, Reply, ReplyOptions } from './chat-model.js';

const defaultBaseUrl = 'https://api.openai.com/v1';
/** A completion of a few hundred tokens is some kilobytes; more than this is no answer. */
const maxBodyBytes = 4 << 20;
const maxTextLength = 100_000;
/** A wait longer than this is the person's decision. */
const maxRetryAfterSeconds = 120;

/** How messages speak of the endpoint, and of the settings that a person may change. */
export interface EndpointTerms {
  /** Who answers there: `teacher`. */
  role: string;
  /** The setting that asked for an endpoint, and the block that holds `model` and `timeoutSeconds`. */
  chosenBy: string;
  block: string;
  /** How to do without one: `use teacher: offline`. */
  otherwise: string;
}

export interface EndpointOptions {
  terms: EndpointTerms;
  model: string;
  baseUrl?: string;
  timeoutSeconds: number;
  retries: number;
  /** Called for each failure that is tried again. */
  onRetry?: (reason: string, waitSeconds: number) => void;
  environment?: Readonly<Record<string, string | undefined>>;
}

export class OpenAiEndpoint implements ChatModel {
  readonly identity: string;
  readonly url: string;
  readonly #options: EndpointOptions;
  readonly #key: string;
  #client: Promise<OpenAI> | undefined;

  /** Throws `UserError` where the default endpoint is meant and OPENAI_API_KEY is not set. */
  constructor(options: EndpointOptions) {
    const environment = options.environment ?? process.env;
    const url = options.baseUrl ?? (environment.OPENAI_BASE_URL?.trim() || defaultBaseUrl);
    const key = environment.OPENAI_API_KEY?.trim() ?? '';
    this.url = withoutCredentials(url);
    if (key === '' && url === defaultBaseUrl)
      throw new UserError({
        what: 'OPENAI_API_KEY is not set',
        where: options.terms.chosenBy,
        next: `Set it; or set OPENAI_BASE_URL to an endpoint that needs no key; or ${options.terms.otherwise}`,
      });
    this.#options = options;
    this.#key = key === '' ? 'none' : key;
    this.identity = digestOf({ url: this.url, model: options.model });
  }

  /** Yields the text whole: half an answer that breaks off could not be asked for again. */
  async *reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply> {
    const reply = await this.#withRetries(messages, options);
    if (reply.text !== '') yield reply.text;
    return reply;
  }

  async #withRetries(messages: readonly Message[], options: ReplyOptions): Promise<Reply> {
    const { signal } = options;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(messages, options);
      } catch (error) {
        if (signal?.aborted) return { text: '', finish: 'aborted' };
        const failure = this.#describeFailure(error);
        if (failure === undefined) throw error;
        const wait = failure.retryAfter ?? Math.min(0.5 * 2 ** attempt, 8);
        if (!failure.again || attempt >= this.#options.retries || wait > maxRetryAfterSeconds)
          throw this.#asUserError(failure, attempt + 1);
        this.#options.onRetry?.(failure.what, wait);
        await sleep(wait * 1000, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #once(messages: readonly Message[], options: ReplyOptions): Promise<Reply> {
    const { maxNewTokens, temperature, topP, seed, tools, signal } = options;
    signal?.throwIfAborted();
    this.#client ??= this.#open();
    const client = await this.#client;
    try {
      const response: unknown = await client.chat.completions.create(
        {
          model: this.#options.model,
          messages: messages.map(toRequest),
          max_tokens: maxNewTokens,
          temperature,
          top_p: topP,
          seed,
          tools: tools?.map(({ name, description, parameters }) => ({
            type: 'function',
            function: { name, description, parameters },
          })),
        },
        { signal },
      );
      return readReply(response, tools);
    } catch (error) {
      if (error instanceof SyntaxError || rootOf(error) instanceof OversizedBody) return unusable;
      throw error;
    }
  }

  async #open(): Promise<OpenAI> {
    const { default: Client } = await import('openai');
    const { baseUrl, environment = process.env, timeoutSeconds } = this.#options;
    return new Client({
      apiKey: this.#key,
      baseURL: baseUrl ?? (environment.OPENAI_BASE_URL?.trim() || defaultBaseUrl),
      timeout: Math.ceil(timeoutSeconds * 1000),
      // Our own loop waits: the package would sleep as long as a header says, deaf to Ctrl-C.
      maxRetries: 0,
      logLevel: 'off',
      fetch: boundedFetch,
    });
  }

  /** What went wrong, by the status or the kind of error; undefined for what is no failure of the endpoint. */
  #describeFailure(cause: unknown): Failure | undefined {
    if (!(cause instanceof Error)) return undefined;
    const { block, otherwise } = this.#options.terms;
    const { status, headers } = cause as Error & { status?: number; headers?: Headers };
    const why = cleanText(cause.message, 300);
    if (status === undefined) {
      const next = `Raise ${block}.timeoutSeconds or check the endpoint, then run the same command again: what it answered is kept`;
      if (/TimeoutError$/.test(cause.constructor.name))
        return { what: 'did not answer in time', next, again: true, cause };
      if (/^API.*Error$/.test(cause.constructor.name))
        return { what: 'could not be reached, or dropped the connection', why: reasonOf(cause), again: true, cause };
      return undefined;
    }
    if (status === 401 || status === 403) {
      const next = `Set OPENAI_API_KEY to a valid key for this endpoint, or ${otherwise}`;
      return { what: `refused the key (HTTP ${status})`, why, next, again: false, cause };
    }
    const modelAdvice = `Check ${block}.model and OPENAI_BASE_URL (it mostly ends in /v1)`;
    if (status === 404)
      return { what: 'knows no such model or path (HTTP 404)', why, next: modelAdvice, again: false, cause };
    const again = status === 408 || status === 409 || status === 429 || status >= 500;
    const retryAfter = again ? secondsOf(headers?.get('retry-after')) : undefined;
    return { what: `answered HTTP ${status}`, why, again, retryAfter, cause, next: again ? undefined : modelAdvice };
  }

  #asUserError(failure: Failure, tries: number): UserError {
    const times = tries === 1 ? '' : ` (${tries} tries)`;
    const fault = {
      what: `the ${this.#options.terms.role}'s endpoint ${failure.what}${times}`,
      where: this.url,
      why: failure.why,
      next: failure.next ?? 'What it answered so far is kept: run the same command again when it works',
    };
    return new UserError(fault, { cause: failure.cause });
  }
}

interface Failure {
  what: string;
  why?: string;
  next?: string;
  again: boolean;
  /** Seconds. */
  retryAfter?: number;
  cause: unknown;
}

/** The error at the end of the chain of causes: the one that names the reason. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root;
}

function reasonOf(error: unknown): string {
  const root = rootOf(error);
  return cleanText(root instanceof Error ? root.message : String(root), 300);
}

function secondsOf(header: string | null | undefined): number | undefined {
  if (header === null || header === undefined) return undefined;
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

function toRequest({ role, content, toolCalls, toolCallId, name }: Message): OpenAI.ChatCompletionMessageParam {
  const tool_calls = toolCalls?.map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
  return { role, content, tool_calls, tool_call_id: toolCallId, name } as OpenAI.ChatCompletionMessageParam;
}

const unusable: Reply = { text: '', finish: 'unusable' };

const { id, name, arguments: given } = toolCallSchema.shape;
const callSchema = z
  .object({ id, function: z.object({ name, arguments: z.string().transform(parseArguments).pipe(given) }) })
  .transform((call): ToolCall => ({ id: call.id, ...call.function }));
const choiceSchema = z.object({
  message: z.object({ content: z.string().nullish(), tool_calls: z.unknown().optional() }),
  finish_reason: z.unknown().optional(),
});
const replySchema = z.object({ choices: z.tuple([choiceSchema], z.unknown()) });

/** Calls are read only where there was something to call; one that cannot be read makes the whole unusable. */
function readReply(response: unknown, tools: readonly Tool[] = []): Reply {
  const read = replySchema.safeParse(response);
  if (!read.success) return unusable;
  const { message, finish_reason: reason } = read.data.choices[0];
  const text = cleanText(message.content ?? '', maxTextLength);
  const finish = typeof reason === 'string' ? reason.slice(0, 40) : 'stop';
  let toolCalls: ToolCall[] = [];
  if (tools.length > 0) {
    const calls = z.array(callSchema).nullish().safeParse(message.tool_calls);
    if (!calls.success) return unusable;
    toolCalls = calls.data ?? [];
  }
  if (toolCalls.length > 0) return { text, finish, toolCalls };
  return text === '' ? unusable : { text, finish };
}

/** @throws SyntaxError */
function parseArguments(text: string): unknown {
  return JSON.parse(text.trim() === '' ? '{}' : text);
}

class OversizedBody extends Error {}

/** Reads the whole body under the request's timeout, so that a body that never ends is a timeout, not a hang. */
async function boundedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  if (response.body === null) return response;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new OversizedBody();
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), { status: response.status, headers: response.headers });
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/\/+$/, '');
}
