// One HTTP request as a careful person makes it: redirects followed by hand (few, never from https to http, and without
// the token once they leave its host), a server that stalls given up, and a few tries where another one may succeed.
import { setTimeout as sleep } from 'node:timers/promises';
import { isAllowedUrl } from '../base/address.js';
import { type Fault, stopIfAborted, UserError } from '../base/errors.js';
import type { StageReporter } from '../report/event.js';

export interface FetchContext {
  reporter: StageReporter;
  signal?: AbortSignal;
  /** For tests and the impatient. */
  timing?: Partial<Timing>;
}

interface Timing {
  /** Without a byte for so long, a server has stalled. */
  stallMilliseconds: number;
  /** Before the second try; doubled before each further one. */
  backOffMilliseconds: number;
}

const defaults: Timing = { stallMilliseconds: 30_000, backOffMilliseconds: 1000 };
const maxTries = 5;
const maxRedirects = 10;
const maxWaitMilliseconds = 60_000;

export interface HttpRequest {
  url: string;
  headers?: Record<string, string>;
  /** Sent to the origin of `url` and to no other. */
  token?: string;
  /** What to do where the server answers with this status. */
  advice?: (status: number) => string | undefined;
  /** At most. */
  tries?: number;
  /** Asked for by POST or sent by PUT; default: fetched. */
  sent?: SentBody;
  /** Statuses above 299 that are answers, too. */
  accepts?: readonly number[];
}

export interface SentBody {
  method: 'POST' | 'PUT';
  /** In bytes. */
  length: number;
  /** Anew for each try. */
  open(): AsyncIterable<Uint8Array>;
}

/** JSON, or another text of that type. */
export function sentText(text: string, type = 'application/json'): Pick<HttpRequest, 'sent' | 'headers'> {
  const bytes = Buffer.from(text);
  const open = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  return { sent: { method: 'POST', length: bytes.length, open }, headers: { 'content-type': type } };
}

/** Nobody answers, or the network is not to be used: what is known already may do. */
export class Unreachable extends UserError {}

/** A failure that may pass: the next try may succeed. */
export class TransientFault extends Error {
  readonly waitMilliseconds: number;
  /** What to do where it does not pass. */
  readonly advice: string | undefined;
  constructor(message: string, { waitMilliseconds = 0, advice }: { waitMilliseconds?: number; advice?: string } = {}) {
    super(message);
    this.waitMilliseconds = waitMilliseconds;
    this.advice = advice;
  }
}

/** An answer whose body is watched: a server that stalls ends it. */
export interface HttpAnswer {
  response: Response;
  chunks(): AsyncGenerator<Uint8Array>;
}

/**
 * Opens `request` and hands the answer to `work`, again where that or the server fails in a way that may pass.
 * `progressed` says whether the try got further than the one before: then it does not count.
 * @throws UserError that names the host and what it said; Interrupted.
 */
export async function withRetries<T>(
  request: HttpRequest | (() => Promise<HttpRequest>),
  context: FetchContext,
  work: (answer: HttpAnswer) => Promise<T>,
  progressed: () => boolean = () => false,
): Promise<T> {
  const { backOffMilliseconds } = { ...defaults, ...context.timing };
  for (let tries = 1; ; tries++) {
    const wanted = typeof request === 'function' ? await request() : request;
    refuseOffline(wanted);
    try {
      return await attempt(wanted, context, work);
    } catch (error) {
      if (!(error instanceof TransientFault)) throw error;
      if (progressed()) tries = 1;
      const { tries: most = maxTries } = wanted;
      if (tries >= most) {
        const rest = wanted.sent
          ? 'what has arrived is not sent again'
          : 'what has come is kept, and the rest is asked for';
        const next = `${error.advice ?? 'Check the network'} and run the same command again: ${rest}`;
        throw new Unreachable(fault(wanted, `${error.message}, in ${most} tries`, next), { exitCode: 1 });
      }
      const wait = Math.max(backOffMilliseconds * 2 ** (tries - 1), error.waitMilliseconds);
      const { signal } = context;
      await sleep(Math.min(wait, maxWaitMilliseconds), undefined, { signal }).catch(() => {});
      stopIfAborted(signal, stopped(wanted));
    }
  }
}

async function attempt<T>(
  request: HttpRequest,
  { timing, signal }: FetchContext,
  work: (answer: HttpAnswer) => Promise<T>,
): Promise<T> {
  // Who was sent much may need a while to make something of it.
  const stallMilliseconds = { ...defaults, ...timing }.stallMilliseconds * (request.sent === undefined ? 1 : 10);
  const connection = new AbortController();
  const stall = setTimeout(() => connection.abort(), stallMilliseconds);
  const ends = AbortSignal.any([connection.signal, ...(signal ? [signal] : [])]);
  try {
    const response = await (request.sent === undefined
      ? followRedirects(request, ends)
      : send(request, request.sent, ends, () => stall.refresh()));
    refuseBadStatus(response, request);
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      stall.refresh();
      for await (const chunk of response.body ?? []) {
        yield chunk as Uint8Array;
        stall.refresh();
      }
    };
    return await work({ response, chunks });
  } catch (error) {
    stopIfAborted(signal, stopped(request));
    if (connection.signal.aborted) throw new TransientFault(`nothing came for ${stallMilliseconds / 1000} s`);
    throw isNetworkFault(error) ? new TransientFault(networkWords(error)) : error;
  } finally {
    clearTimeout(stall);
    connection.abort();
  }
}

/** undici wraps what the system said; the body of a connection that ends too early fails as `terminated`. */
function isNetworkFault(error: unknown): error is TypeError {
  return error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated');
}

function networkWords({ cause, message }: TypeError): string {
  const { code, message: why } = (cause ?? {}) as NodeJS.ErrnoException;
  return why ? `${why}${code && !why.includes(code) ? ` (${code})` : ''}` : message;
}

async function followRedirects(request: HttpRequest, signal: AbortSignal): Promise<Response> {
  let url = request.url;
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const isHome = new URL(url).origin === new URL(request.url).origin;
    const response = await fetch(url, { redirect: 'manual', signal, headers: headersOf(request, isHome) });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
    const isDowngrade = next?.protocol === 'http:' && url.startsWith('https:');
    if (next === undefined || isDowngrade || !isAllowedUrl(next.href)) {
      throw refusal(request, `it redirects to ${next?.origin ?? 'an address that is none'}, which is not followed`);
    }
    url = next.href;
  }
  throw refusal(request, `it redirects more than ${maxRedirects} times`);
}

/** Nothing is sent on to where an answer points. */
async function send(request: HttpRequest, body: SentBody, signal: AbortSignal, onSent: () => void): Promise<Response> {
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of body.open()) {
      onSent();
      yield chunk;
    }
  };
  const headers = headersOf(request, true);
  headers.set('content-length', String(body.length)); // storage refuses what comes in pieces of unknown number
  const options = { redirect: 'manual', duplex: 'half', method: body.method, signal, headers } as const;
  const response = await fetch(request.url, { ...options, body: ReadableStream.from(watched()) });
  const location = response.headers.get('location');
  if (response.status < 300 || response.status >= 400 || location === null) return response;
  await response.body?.cancel();
  throw refusal(request, `it redirects to ${location.slice(0, 200)}: what was moved is named as it is called now`);
}

function headersOf({ headers, token }: HttpRequest, isHome: boolean): Headers {
  const all = new Headers({ 'user-agent': 'mossctl', 'accept-encoding': 'identity', ...headers });
  if (token !== undefined && isHome) all.set('authorization', `Bearer ${token}`);
  return all;
}

const loginAdvice = 'It asks for a login, which is not given here: fetch the file yourself and name it with file:PATH';

function refuseBadStatus({ status, statusText, headers }: Response, request: HttpRequest): void {
  if ((status >= 200 && status < 300) || status === 416 || request.accepts?.includes(status)) return;
  const said = `the server answered ${status}${statusText === '' ? '' : ` ${statusText}`}`;
  const isLogin = status === 401 || status === 403;
  const advice = request.advice?.(status) ?? (isLogin ? loginAdvice : undefined);
  if (status === 429 || status === 408 || status >= 500) {
    const after = Number(headers.get('retry-after'));
    throw new TransientFault(said, { waitMilliseconds: Number.isFinite(after) ? after * 1000 : 0, advice });
  }
  throw new UserError(fault(request, said, advice), { exitCode: 1 });
}

function fault({ url, sent }: HttpRequest, why: string, next?: string): Fault {
  return { what: `this cannot be ${sent ? 'sent' : 'fetched'}`, where: withoutQuery(url), why, next };
}

function refusal(request: HttpRequest, why: string): UserError {
  return new UserError(fault(request, why), { exitCode: 1 });
}

/** @throws Unreachable where the person has said that the network is not to be used. */
export function refuseOffline(request: HttpRequest): void {
  const variable = ['MOSSCTL_OFFLINE', 'HF_HUB_OFFLINE'].find((name) => isOn(process.env[name]));
  if (variable === undefined) return;
  const why = `${request.sent ? '' : 'it is not in the cache, and '}${variable} says that the network is not to be used`;
  throw new Unreachable(fault(request, why, `Unset ${variable}${request.sent ? '' : ', or use what is here already'}`));
}

/** As huggingface_hub reads its variables. */
export function isOn(variable: string | undefined): boolean {
  return ['1', 'on', 'yes', 'true'].includes((variable ?? '').trim().toLowerCase());
}

function stopped({ url, sent }: HttpRequest): string {
  const rest = sent ? 'what has arrived is not sent again' : 'what has come is kept for the next time';
  return `stopped while ${sent ? 'sending to' : 'fetching'} ${withoutQuery(url)}; ${rest}`;
}

/** A query may hold a signature. */
export function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, '');
}

/** A JSON answer of at most `maxBytes`, and its headers. */
export function fetchJson(
  request: HttpRequest,
  context: FetchContext,
  maxBytes: number,
): Promise<{ value: unknown; headers: Headers; status: number }> {
  return withRetries(request, context, async ({ response, chunks }) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of chunks()) {
      size += chunk.length;
      if (size > maxBytes) throw refusal(request, `its answer is longer than ${maxBytes >> 20} MiB`);
      parts.push(chunk);
    }
    const { status, headers } = response;
    try {
      return { value: JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown, headers, status };
    } catch {
      if (request.accepts?.includes(status)) return { value: undefined, headers, status };
      throw refusal(request, 'its answer is no JSON');
    }
  });
}
