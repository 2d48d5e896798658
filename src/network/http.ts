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
    refuseOffline(wanted.url);
    try {
      return await attempt(wanted, context, work);
    } catch (error) {
      if (!(error instanceof TransientFault)) throw error;
      if (progressed()) tries = 1;
      const { tries: most = maxTries } = wanted;
      if (tries >= most) {
        const again = 'run the same command again: what has come is kept, and the rest is asked for';
        const next = `${error.advice ?? 'Check the network'} and ${again}`;
        throw new Unreachable(fault(wanted.url, `${error.message}, in ${most} tries`, next), { exitCode: 1 });
      }
      const wait = Math.max(backOffMilliseconds * 2 ** (tries - 1), error.waitMilliseconds);
      const { signal } = context;
      await sleep(Math.min(wait, maxWaitMilliseconds), undefined, { signal }).catch(() => {});
      stopIfAborted(signal, stopped(wanted.url));
    }
  }
}

async function attempt<T>(
  request: HttpRequest,
  { timing, signal }: FetchContext,
  work: (answer: HttpAnswer) => Promise<T>,
): Promise<T> {
  const { stallMilliseconds } = { ...defaults, ...timing };
  const connection = new AbortController();
  const stall = setTimeout(() => connection.abort(), stallMilliseconds);
  try {
    const response = await followRedirects(request, AbortSignal.any([connection.signal, ...(signal ? [signal] : [])]));
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
    stopIfAborted(signal, stopped(request.url));
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
    const headers = new Headers({ 'user-agent': 'mossctl', 'accept-encoding': 'identity', ...request.headers });
    if (request.token !== undefined && isHome) headers.set('authorization', `Bearer ${request.token}`);
    const response = await fetch(url, { redirect: 'manual', signal, headers });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
    const isDowngrade = next?.protocol === 'http:' && url.startsWith('https:');
    if (next === undefined || isDowngrade || !isAllowedUrl(next.href)) {
      throw refusal(request.url, `it redirects to ${next?.origin ?? 'an address that is none'}, which is not followed`);
    }
    url = next.href;
  }
  throw refusal(request.url, `it redirects more than ${maxRedirects} times`);
}

const loginAdvice = 'It asks for a login, which is not given here: fetch the file yourself and name it with file:PATH';

function refuseBadStatus({ status, statusText, headers }: Response, request: HttpRequest): void {
  if (status === 200 || status === 206 || status === 416) return;
  const said = `the server answered ${status}${statusText === '' ? '' : ` ${statusText}`}`;
  const isLogin = status === 401 || status === 403;
  const advice = request.advice?.(status) ?? (isLogin ? loginAdvice : undefined);
  if (status === 429 || status === 408 || status >= 500) {
    const after = Number(headers.get('retry-after'));
    throw new TransientFault(said, { waitMilliseconds: Number.isFinite(after) ? after * 1000 : 0, advice });
  }
  throw new UserError(fault(request.url, said, advice), { exitCode: 1 });
}

function fault(url: string, why: string, next?: string): Fault {
  return { what: 'this cannot be fetched', where: withoutQuery(url), why, next };
}

function refusal(url: string, why: string): UserError {
  return new UserError(fault(url, why), { exitCode: 1 });
}

/** @throws Unreachable where the person has said that the network is not to be used. */
export function refuseOffline(url: string): void {
  const variable = ['MOSSCTL_OFFLINE', 'HF_HUB_OFFLINE'].find((name) => isOn(process.env[name]));
  if (variable === undefined) return;
  const next = `Unset ${variable}, or use what has been fetched already`;
  throw new Unreachable(
    fault(url, `it is not in the cache, and ${variable} says that the network is not to be used`, next),
  );
}

/** As huggingface_hub reads its variables. */
export function isOn(variable: string | undefined): boolean {
  return ['1', 'on', 'yes', 'true'].includes((variable ?? '').trim().toLowerCase());
}

function stopped(url: string): string {
  return `stopped while fetching ${withoutQuery(url)}; what has come is kept for the next time`;
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
): Promise<{ value: unknown; headers: Headers }> {
  return withRetries(request, context, async ({ response, chunks }) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of chunks()) {
      size += chunk.length;
      if (size > maxBytes) throw refusal(request.url, `its answer is longer than ${maxBytes >> 20} MiB`);
      parts.push(chunk);
    }
    try {
      return { value: JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown, headers: response.headers };
    } catch {
      throw refusal(request.url, 'its answer is no JSON');
    }
  });
}
