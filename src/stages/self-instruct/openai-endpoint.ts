// An OpenAI-compatible endpoint, taken for hostile and unreliable: bodies are bounded, waits end, and each failure
// is either tried again or told to the person with what to set.
import { setTimeout as sleep } from 'node:timers/promises';
import type OpenAI from 'openai';
import { Interrupted, stopIfAborted, UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import type { Completer, Completion, CompletionRequest } from './completion.js';
import { cleanText } from './filters.js';

const defaultBaseUrl = 'https://api.openai.com/v1';
/** A completion of a few hundred tokens is some kilobytes; more than this is no answer. */
const maxBodyBytes = 4 << 20;
const maxTextLength = 100_000;
/** A wait longer than this is the person's decision. */
const maxRetryAfterSeconds = 120;

export interface EndpointOptions {
  model: string;
  baseUrl?: string;
  timeoutSeconds: number;
  retries: number;
  signal?: AbortSignal;
  /** Told of each failure that is tried again. */
  onRetry?: (reason: string, waitSeconds: number) => void;
  environment?: Readonly<Record<string, string | undefined>>;
}

export class OpenAiEndpoint implements Completer {
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
        where: 'selfInstruct.teacher',
        next: 'Set it; or set OPENAI_BASE_URL to an endpoint that needs no key; or use teacher: offline',
      });
    this.#options = options;
    this.#key = key === '' ? 'none' : key;
    this.identity = digestOf({ url: this.url, model: options.model });
  }

  async complete(request: CompletionRequest): Promise<Completion> {
    for (let attempt = 0; ; attempt++) {
      stopIfAborted(this.#options.signal, 'stopped while asking the teacher');
      try {
        return await this.#once(request);
      } catch (error) {
        const failure = describeFailure(error);
        if (failure === undefined) throw error;
        const wait = failure.retryAfter ?? Math.min(0.5 * 2 ** attempt, 8);
        if (!failure.again || attempt >= this.#options.retries || wait > maxRetryAfterSeconds)
          throw this.#asUserError(failure, attempt + 1);
        this.#options.onRetry?.(failure.what, wait);
        await sleep(wait * 1000, undefined, { signal: this.#options.signal }).catch(() => {});
      }
    }
  }

  async #once(request: CompletionRequest): Promise<Completion> {
    this.#client ??= this.#open();
    const client = await this.#client;
    try {
      const response: unknown = await client.chat.completions.create(
        {
          model: this.#options.model,
          messages: [
            { role: 'system', content: request.system },
            { role: 'user', content: request.user },
          ],
          max_tokens: request.maxTokens,
          temperature: request.temperature,
        },
        { signal: this.#options.signal },
      );
      return readCompletion(response);
    } catch (error) {
      stopIfAborted(this.#options.signal, 'stopped while asking the teacher');
      if (error instanceof SyntaxError || rootOf(error) instanceof OversizedBody)
        return { text: '', finish: 'garbage' };
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

  #asUserError(failure: Failure, tries: number): UserError {
    const times = tries === 1 ? '' : ` (${tries} tries)`;
    const fault = {
      what: `the teacher's endpoint ${failure.what}${times}`,
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

/** What went wrong, by the status or the kind of error; undefined for what is no failure of the endpoint. */
function describeFailure(cause: unknown): Failure | undefined {
  if (!(cause instanceof Error) || cause instanceof Interrupted) return undefined;
  const { status, headers } = cause as Error & { status?: number; headers?: Headers };
  const why = cleanText(cause.message, 300);
  if (status === undefined) {
    if (/TimeoutError$/.test(cause.constructor.name))
      return { what: 'did not answer in time', next: timeoutAdvice, again: true, cause };
    if (/^API.*Error$/.test(cause.constructor.name))
      return { what: 'could not be reached, or dropped the connection', why: reasonOf(cause), again: true, cause };
    return undefined;
  }
  if (status === 401 || status === 403)
    return { what: `refused the key (HTTP ${status})`, why, next: keyAdvice, again: false, cause };
  if (status === 404)
    return { what: 'knows no such model or path (HTTP 404)', why, next: modelAdvice, again: false, cause };
  const again = status === 408 || status === 409 || status === 429 || status >= 500;
  const retryAfter = again ? secondsOf(headers?.get('retry-after')) : undefined;
  return { what: `answered HTTP ${status}`, why, again, retryAfter, cause, next: again ? undefined : modelAdvice };
}

const keyAdvice = 'Set OPENAI_API_KEY to a valid key for this endpoint, or use teacher: offline';
const modelAdvice = 'Check selfInstruct.model and OPENAI_BASE_URL (it mostly ends in /v1)';
const timeoutAdvice =
  'Raise selfInstruct.timeoutSeconds or check the endpoint, then run the same command again: what it answered is kept';

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

function readCompletion(response: unknown): Completion {
  const choice = (response as { choices?: { message?: { content?: unknown }; finish_reason?: unknown }[] } | null)
    ?.choices?.[0];
  const text = choice?.message?.content;
  if (typeof text !== 'string') return { text: '', finish: 'garbage' };
  const clean = cleanText(text, maxTextLength);
  if (clean === '') return { text: '', finish: 'garbage' };
  return {
    text: clean,
    finish: typeof choice?.finish_reason === 'string' ? choice.finish_reason.slice(0, 40) : 'stop',
  };
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
