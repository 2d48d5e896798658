// The one way to the server: requests with this process's token, answers as JSON or as a stream of events, and refusals as what
// they say. A server that was started again has another token; it is asked for once and the request repeated.
import type { ApiError, Session } from '../serve/contract.js';
import type { Problem } from './conversation.js';
import { eventData } from './event-stream.js';

/** What went wrong, and what to do about it. `isLost`: nobody answered. */
export class RequestError extends Error {
  readonly next: string | undefined;
  readonly isLost: boolean;
  readonly code: string | undefined;

  constructor(what: string, next?: string, isLost = false, code?: string) {
    super(what);
    this.next = next;
    this.isLost = isLost;
    this.code = code;
  }
}

export interface Connection {
  /** In which the server says what it says. */
  language: 'en' | 'zh';
  /** Also renews the token. */
  session(): Promise<Session>;
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
  /** GET without a body, else POST. Aborting ends it without an error. */
  stream<E>(path: string, signal: AbortSignal, body?: object): AsyncGenerator<E>;
}

/** The contract's `tokenHeader`; of the contract only types are bundled. */
const tokenHeader = 'x-mossctl-token';

export function connect(): Connection {
  let token = '';

  async function session(): Promise<Session> {
    const opened = await get<Session>('/api/session');
    token = opened.token;
    return opened;
  }

  async function request(path: string, init: RequestInit): Promise<Response> {
    const headers = { ...init.headers, 'accept-language': connection.language };
    const response = await fetch(path, { cache: 'no-store', ...init, headers }).catch((error: unknown) => {
      if (init.signal?.aborted) throw error;
      throw new RequestError('', undefined, true);
    });
    if (response.ok) return response;
    throw await refusalOf(response);
  }

  async function send(path: string, body: object, signal?: AbortSignal): Promise<Response> {
    const attempt = (): Promise<Response> => {
      const headers = { 'content-type': 'application/json', [tokenHeader]: token };
      return request(path, { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) });
    };
    const used = token;
    if (used === '') await session();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RequestError) || error.isLost) throw error;
      await session();
      if (token === used || used === '') throw error;
      return attempt();
    }
  }

  async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return (await request(path, signal === undefined ? {} : { signal })).json() as Promise<T>;
  }

  async function* stream<E>(path: string, signal: AbortSignal, body?: object): AsyncGenerator<E> {
    try {
      const response = await (body === undefined ? request(path, { signal }) : send(path, body, signal));
      if (response.body === null) return;
      for await (const data of eventData(response.body)) yield JSON.parse(data) as E;
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof RequestError ? error : new RequestError('', undefined, true);
    }
  }

  const connection: Connection = {
    ...{ language: 'en', session, get, stream },
    post: async (path, body) => (await send(path, body)).json(),
  };
  return connection;
}

async function refusalOf(response: Response): Promise<RequestError> {
  const said = (await response.json().catch(() => undefined)) as Partial<ApiError> | undefined;
  const what = typeof said?.what === 'string' ? said.what : `HTTP ${response.status} ${response.statusText}`;
  const next = typeof said?.next === 'string' ? said.next : undefined;
  return new RequestError(what, next, false, typeof said?.code === 'string' ? said.code : undefined);
}

export function problemOf(error: unknown): Problem {
  if (!(error instanceof RequestError)) return { what: error instanceof Error ? error.message : String(error) };
  const { message, next, isLost, code } = error;
  return { what: message, isLost, ...(next !== undefined && { next }), ...(code !== undefined && { code }) };
}
