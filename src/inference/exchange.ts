// One request to an endpoint and the whole of its answer, taken for hostile: bounded in size and time, no redirect
// followed, nothing left on the caller's signal.
import { cleanText } from '../base/clean-text.js';

/** A completion of a few hundred tokens is some kilobytes; more than this is no answer. */
const maxBodyBytes = 4 << 20;

export interface Exchange {
  status: number;
  headers: Headers;
  /** undefined: larger than any answer. */
  body: string | undefined;
}

/** No answer came, or none to its end. */
export class NoAnswer extends Error {
  readonly isTimeout: boolean;
  /** The endpoint cannot have seen the request. */
  readonly isUnsent: boolean;
  constructor(why: string, { isTimeout = false, isUnsent = false } = {}) {
    super(why);
    this.isTimeout = isTimeout;
    this.isUnsent = isUnsent;
  }
}

/** No connection came about. */
const unsentCodes =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|CERT_.*|.*_CERT_.*)$/;

/** @throws NoAnswer; where `signal` is aborted, whatever. */
export async function post(
  url: string,
  headers: Headers,
  body: unknown,
  { timeoutSeconds, signal }: { timeoutSeconds: number; signal?: AbortSignal },
): Promise<Exchange> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.ceil(timeoutSeconds * 1000));
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      redirect: 'manual', // a redirect would turn the question into a GET, or take the key elsewhere
      signal: AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]),
    });
    return { status: response.status, headers: response.headers, body: await boundedBody(response) };
  } catch (error) {
    if (late.signal.aborted) throw new NoAnswer(`nothing came for ${timeoutSeconds} s`, { isTimeout: true });
    const { message, code } = rootOf(error);
    throw new NoAnswer(cleanText(message === '' ? code : message, 300), { isUnsent: unsentCodes.test(code) });
  } finally {
    clearTimeout(timer);
  }
}

/** Read under the request's own time limit: a body that never ends is a timeout, not a hang. */
async function boundedBody(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk as Uint8Array);
  }
  return new TextDecoder().decode(Buffer.concat(chunks)); // drops a byte order mark
}

/** Of the error at the end of the chain of causes: the one that names the reason. */
function rootOf(error: unknown): { message: string; code: string } {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  const { code = '', message } = root instanceof Error ? (root as NodeJS.ErrnoException) : { message: String(root) };
  return { message, code };
}
