// An OpenAI-compatible endpoint as a chat model, taken for hostile and unreliable: bodies are bounded, waits end, no key
// comes back, and each failure is either tried again, worked around, or reported to the person with what to set.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { digestOf } from '../base/files.js';
import {
  type Environment,
  isRedacted,
  keepSecretsOf,
  mapTexts,
  Redactor,
  secretsOf,
  secretsOfUrl,
  shownUrl,
} from '../base/secrets.js';
import { ownVersion } from '../base/version.js';
import type { Message } from '../tokenizer/message.js';
import { type ChatModel, type Reply, type ReplyOptions, unusable } from './chat-model.js';
import { asUserError, type Failure, failureOf, failureOfSilence, maxRetryAfterSeconds } from './endpoint-failure.js';
import { Pace } from './endpoint-pace.js';
import { readReply } from './endpoint-reply.js';
import { errorOfBody, type SaidError } from './endpoint-words.js';
import { type Exchange, NoAnswer, post } from './exchange.js';
import { type JsonMode, RequestForm } from './request-form.js';
import type { RequestLedger } from './request-ledger.js';

const defaultBaseUrl = 'https://api.openai.com/v1';

/** How messages speak of the endpoint, and of the settings that a person may change. */
export interface EndpointTerms {
  /** Who answers there: `teacher`. */
  role: string;
  /** The setting that asked for an endpoint, and the block that holds `model`, `timeoutSeconds` and `request`. */
  chosenBy: string;
  block: string;
  /** The block stands in a list: neither options nor --set reach its keys. */
  isInList?: true;
  /** How to do without one: `use teacher: offline`. */
  otherwise: string;
}

/** What an endpoint offers: answers to a conversation, or the legacy continuation of a text. */
export type EndpointApi = 'chat' | 'completions';

export interface EndpointOptions {
  terms: EndpointTerms;
  /** Default: chat. */
  api?: EndpointApi;
  /** How replies are held to JSON where a schema is given: to it, or to any object; default: schema. */
  jsonMode?: JsonMode;
  model: string;
  baseUrl?: string;
  /** Fields of every request, as the endpoint calls them; null leaves one out. */
  request?: Readonly<Record<string, unknown>>;
  timeoutSeconds: number;
  retries: number;
  /** Requests at a time, at most; default: as many as are asked. */
  concurrency?: number;
  /** Every request is noted there before it is sent, and what became of it; whoever keeps a reply ends its request. */
  ledger?: RequestLedger;
  /** Called for each failure that is tried again. */
  onRetry?: (reason: string, waitSeconds: number) => void;
  /** Called once for each part of a request that the endpoint does not take: "takes no seed …". */
  onAdapt?: (what: string) => void;
  environment?: Environment;
}

export class OpenAiEndpoint implements ChatModel {
  readonly identity: string;
  /** As it may be shown. */
  readonly url: string;
  /** How many keys were redacted from replies. */
  redacted = 0;
  readonly #options: EndpointOptions;
  readonly #address: string;
  readonly #headers: Headers;
  readonly #redactor: Redactor;
  readonly #form: RequestForm;
  readonly #pace: Pace;

  /** Throws `UserError` for an address or a key that cannot be used, or where the default endpoint has no key. */
  constructor(options: EndpointOptions) {
    const { terms, model, request, api = 'chat', jsonMode, environment = process.env } = options;
    const base = options.baseUrl ?? (environment.OPENAI_BASE_URL?.trim() || defaultBaseUrl);
    checkBase(base, options.baseUrl === undefined ? 'OPENAI_BASE_URL' : `${terms.block}.baseUrl`);
    const key = environment.OPENAI_API_KEY?.trim() ?? '';
    if (key === '' && base === defaultBaseUrl)
      throw new UserError({
        what: 'OPENAI_API_KEY is not set',
        where: terms.chosenBy,
        next: `Set it; or set OPENAI_BASE_URL to an endpoint that needs no key; or ${terms.otherwise}`,
      });
    keepSecretsOf(base);
    this.url = shownUrl(base).replace(/\/+(?=\?|$)/, '');
    this.#address = completionsOf(base, api);
    this.#headers = headersFor(key, base, environment);
    this.#redactor = new Redactor([...secretsOf(environment), ...secretsOfUrl(base)]);
    this.#form = new RequestForm(model, request, { api, jsonMode });
    this.#pace = new Pace(options.concurrency ?? Number.MAX_SAFE_INTEGER);
    this.#options = options;
    const isLegacy = api === 'completions'; // those of chats have the identity that they have always had
    this.identity = digestOf({ url: this.url, model, ...(request && { request }), ...(isLegacy && { api }) });
  }

  /** Yields the text whole: half an answer that breaks off could not be asked for again. */
  async *reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply> {
    const reply = this.#withoutKeys(await this.#withRetries(messages, options));
    if (reply.text !== '') yield reply.text;
    return reply;
  }

  async #withRetries(messages: readonly Message[], options: ReplyOptions): Promise<Reply> {
    // Of its own: many requests may wait at once on the signal of the whole command.
    const signal = options.signal && AbortSignal.any([options.signal]);
    for (let attempt = 0; ; attempt++) {
      if (signal?.aborted) return { text: '', finish: 'aborted' };
      const answer = await this.#ask(messages, options, signal);
      if (signal?.aborted) return { text: '', finish: 'aborted' };
      if ('text' in answer) return answer;
      const failure = mapTexts(answer, (text) => this.#redactor.hide(text).text);
      const wait = withJitter(failure.retryAfterSeconds, attempt);
      const isLong = (failure.retryAfterSeconds ?? 0) > maxRetryAfterSeconds;
      if (!failure.again || attempt >= this.#options.retries || isLong)
        throw asUserError(failure, this.#options.terms, this.url, attempt + 1);
      this.#options.onRetry?.(failure.what, Math.ceil(wait * 10) / 10);
      if (failure.retryAfterSeconds !== undefined) this.#pace.pause(failure.retryAfterSeconds);
      await sleep(wait * 1000, undefined, { signal }).catch(() => {});
    }
  }

  /** Once, or again in another form as long as the endpoint names a part that it does not take. */
  async #ask(messages: readonly Message[], options: ReplyOptions, signal?: AbortSignal): Promise<Reply | Failure> {
    const { ledger, terms } = this.#options;
    for (;;) {
      const body = this.#form.body(messages, options);
      const sent = await this.#pace.use(() => this.#send(body, signal), signal);
      if ('silence' in sent) return failureOfSilence(sent.silence, terms);
      const { exchange, request } = sent;
      const read = readExchange(exchange, options);
      if ('text' in read) return { ...this.#form.whole(read, options), ...(request && { request }) };
      if (request !== undefined) await ledger?.refuse(request, exchange.status);
      const canAdapt = [200, 400, 422].includes(exchange.status);
      const change = canAdapt ? this.#form.adapt(body, read.error) : undefined;
      // Not a fault of the settings: another question may pass.
      const isFiltered = canAdapt && /content_(?:filter|policy)/.test(read.error.code ?? '');
      if (isFiltered) return unusable(`its content filter refused the question: ${read.error.words}`);
      if (change === undefined) return failureOf(exchange, read.error, { ...terms, api: this.#options.api });
      if (change !== '') this.#options.onAdapt?.(change);
    }
  }

  /** One request, noted before it is sent. @returns what came of it, for the caller to note, or the silence, noted. */
  async #send(
    body: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<{ exchange: Exchange; request?: string } | { silence: NoAnswer }> {
    const { timeoutSeconds, ledger } = this.#options;
    if (signal?.aborted) return { silence: new NoAnswer('stopped before it was sent') };
    const request = await ledger?.begin(this.#form.atMost(body));
    const headers = new Headers(this.#headers);
    // Named as OpenAI has it, so that a lost answer can be looked up in its logs.
    if (request !== undefined) headers.set('x-client-request-id', request);
    if (request !== undefined) await ledger?.leave(request);
    try {
      const exchange = await post(this.#address, headers, body, { timeoutSeconds, signal });
      this.#pace.observe(exchange.status, exchange.headers);
      return { exchange, request };
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const why = signal?.aborted ? 'stopped before its answer came' : error.message;
      if (request !== undefined) await ledger?.[error.isUnsent ? 'fail' : 'lose'](request, why);
      return { silence: error };
    }
  }

  #withoutKeys({ finish, request, usage, ...said }: Reply): Reply {
    const hidden = mapTexts(said, (text) => {
      const hiding = this.#redactor.hide(text);
      this.redacted += hiding.count;
      return hiding.text;
    });
    return { ...hidden, finish, ...(usage && { usage }), ...(request && { request }) };
  }
}

function readExchange({ status, headers, body }: Exchange, { tools }: ReplyOptions): Reply | { error: SaidError } {
  if (status < 200 || status >= 300) return { error: errorOfBody(body ?? '') };
  if (body === undefined) return unusable('it sent more than an answer can be');
  return readReply(body, headers.get('content-type') ?? '', tools);
}

/** Spread, so that requests that failed together do not come back together; never sooner than was asked. */
function withJitter(retryAfterSeconds: number | undefined, attempt: number): number {
  const share = randomInt(1000) / 1000; // no result depends on it
  if (retryAfterSeconds === undefined) return Math.min(0.5 * 2 ** attempt, 8) * (0.5 + share / 2);
  return retryAfterSeconds + share * Math.min(0.1 * retryAfterSeconds, 1);
}

/** @throws UserError that does not repeat the address. */
function checkBase(base: string, where: string): void {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UserError({ what: 'this is no address', where, next: 'Write it as https://HOST/v1' });
  if (url.username !== '' || url.password !== '') {
    const next = 'Put the key into OPENAI_API_KEY, and take it out of the address';
    throw new UserError({ what: 'an address must hold no user and no password', where, next });
  }
  if (isRedacted(base)) {
    const next = 'Write the address again with its query, or set OPENAI_BASE_URL';
    throw new UserError({ what: 'its query was redacted when the settings were kept', where, next });
  }
}

/** The query stays behind the path: `?api-version=` of Azure. */
function completionsOf(base: string, api: EndpointApi): string {
  const url = new URL(base);
  url.hash = '';
  const path = api === 'chat' ? 'chat/completions' : 'completions';
  url.pathname = `${url.pathname.replace(/(?:(?:\/chat)?\/completions)?\/*$/, '')}/${path}`;
  return url.href;
}

/** @throws UserError for a key that no header can carry: `fetch` would repeat it in its error. */
function headersFor(key: string, base: string, environment: Environment): Headers {
  const given = {
    Authorization: key === '' ? '' : `Bearer ${key}`,
    // Azure's dated interface takes the key by this name only.
    'api-key': new URL(base).searchParams.has('api-version') ? key : '',
    'OpenAI-Organization': environment.OPENAI_ORG_ID ?? '',
    'OpenAI-Project': environment.OPENAI_PROJECT_ID ?? '',
  };
  if (!/^[!-~]*$/.test(key))
    throw new UserError({
      what: 'OPENAI_API_KEY holds a character that no key has',
      next: 'Set it again, as its issuer shows it',
    });
  const headers = new Headers({ 'content-type': 'application/json', 'user-agent': `mossctl/${ownVersion()}` });
  for (const line of (environment.OPENAI_CUSTOM_HEADERS ?? '').split('\n')) {
    const [, name, value] = /^\s*([\w-]+)\s*:\s*([ -~]+?)\s*$/.exec(line) ?? [];
    if (name !== undefined) headers.set(name, value);
  }
  for (const [name, value] of Object.entries(given)) if (value.trim() !== '') headers.set(name, value.trim());
  return headers;
}
