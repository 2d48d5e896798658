// Why an endpoint gave no reply: whether to try again and when, and what a person can do about it.
import { type Fault, UserError } from '../base/errors.js';
import { shownUrl } from '../base/secrets.js';
import { QuestionRefused } from './chat-model.js';
import type { EndpointApi, EndpointTerms } from './endpoint.js';
import type { SaidError } from './endpoint-words.js';
import type { Exchange, NoAnswer } from './exchange.js';

export interface Failure {
  /** After "the teacher's endpoint". */
  what: string;
  why?: string;
  next?: string;
  /** Trying again may help. */
  again: boolean;
  /** What was asked is refused, with the words of `why`. */
  isRefusal?: boolean;
  /** How long the endpoint asks to wait. */
  retryAfterSeconds?: number;
}

/** A wait longer than this is the person's decision. */
export const maxRetryAfterSeconds = 120;

export function failureOfSilence({ isTimeout, message }: NoAnswer, { block }: EndpointTerms): Failure {
  if (!isTimeout) return { what: 'could not be reached, or dropped the connection', why: message, again: true };
  const next = `Raise ${block}.timeoutSeconds or check the endpoint, then run the same command again: what it answered is kept`;
  return { what: 'did not answer in time', next, again: true };
}

/** `status` is 200 where the error came in the place of a reply. */
export function failureOf(
  { status, headers }: Exchange,
  error: SaidError,
  { block, otherwise, isInList, api = 'chat' }: Omit<EndpointTerms, 'role' | 'chosenBy'> & { api?: EndpointApi },
): Failure {
  const why = error.words === '' ? undefined : error.words;
  const other = otherApi(api, status, error);
  if (other !== undefined)
    return {
      what: api === 'chat' ? 'offers this model no chat' : `offers this model no legacy completions (HTTP ${status})`,
      why,
      next: isInList
        ? `Name another model in ${block}.model, or ${otherwise}`
        : `Ask it by the other interface: --set ${block}.api=${other}`,
      again: false,
    };
  const address = `Check ${block}.model and OPENAI_BASE_URL (it mostly ends in /v1)`;
  const key = `Set OPENAI_API_KEY to a valid key for this endpoint, or ${otherwise}`;
  const target = headers.get('location');
  if (status >= 300 && status < 400 && target !== null)
    return {
      what: `redirects elsewhere (HTTP ${status}), which is not followed`,
      why: `it names ${shownUrl(target.slice(0, 300))}`,
      next: `If you trust that address, set OPENAI_BASE_URL or ${block}.baseUrl to it`,
      again: false,
    };
  const code = status === 200 ? statusOfCode(error.code) : status;
  const asError = status === 200 ? 'answered with an error in the place of a completion' : `answered HTTP ${status}`;
  if (code === 401 || code === 403) return { what: `refused the key (HTTP ${code})`, why, next: key, again: false };
  if (code === 404) return { what: 'knows no such model or path (HTTP 404)', why, next: address, again: false };
  if (error.code === 'insufficient_quota') {
    const next = `Look at the billing of that account; then run the same command again: what it answered is kept`;
    return { what: `has no credit left for this key (HTTP ${status})`, why, next, again: false };
  }
  if (code === 408 || code === 409 || code === 425 || code === 429 || code >= 500) {
    const retryAfterSeconds = retryAfterOf(headers);
    const isLong = retryAfterSeconds !== undefined && retryAfterSeconds > maxRetryAfterSeconds;
    return {
      what: isLong ? `${asError} and asks to wait ${Math.ceil(retryAfterSeconds)} s` : asError,
      why,
      again: true,
      retryAfterSeconds,
    };
  }
  const fields = `${block}.request sets fields of the request, or omits one: {seed: null}`;
  return { what: asError, why, next: `${address}; ${fields}`, again: false, isRefusal: true };
}

/** The interface that this model is offered by, where the refusal is about the one that was used. */
function otherApi(api: EndpointApi, status: number, { words, param, code }: SaidError): EndpointApi | undefined {
  if (api === 'chat') {
    const isNoChat =
      /not a chat model|chat ?completions? operation does not|no(?:t| ).{0,20}support.{0,20}chat|chat[ _]?template/i.test(
        words,
      );
    return isNoChat && [400, 404, 422, 501].includes(status) ? 'completions' : undefined;
  }
  const isChat =
    /\bis a chat model|\bcompletions? operation does not|v1\/chat\/completions|only.{0,20}chat|no(?:t| ).{0,20}support.{0,20}completions/i.test(
      words,
    );
  // A server that has no such path says nothing of a model.
  const hasNoPath = [404, 405].includes(status) && !/model/i.test(`${words} ${param ?? ''} ${code ?? ''}`);
  return (isChat && status >= 400 && status < 500) || hasNoPath ? 'chat' : undefined;
}

/** Some gateways put the status, or its name, into an answer with status 200. */
function statusOfCode(code = ''): number {
  if (/^[45]\d\d$/.test(code)) return Number(code);
  if (/rate_?limit|too_many|overload|unavailable|timeout/i.test(code)) return 429;
  if (/server_error|internal/i.test(code)) return 500;
  if (/api_key|authenti|permission|unauthorized/i.test(code)) return 401;
  return /model_not_found|not_found/i.test(code) ? 404 : 400;
}

/** `retry-after-ms`, or `Retry-After` in seconds or as a date. */
function retryAfterOf(headers: Headers): number | undefined {
  const [milliseconds, after] = [headers.get('retry-after-ms'), headers.get('retry-after')?.trim()];
  const seconds = milliseconds === null ? Number(after || Number.NaN) : Number(milliseconds || Number.NaN) / 1000;
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds : undefined;
  // By the endpoint's own clock.
  const wait = (Date.parse(after ?? '') - Date.parse(headers.get('date') ?? '')) / 1000;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

export function asUserError(failure: Failure, { role }: EndpointTerms, url: string, tries: number): UserError {
  const times = tries === 1 ? '' : ` (${tries} tries)`;
  const fault: Fault = {
    what: `the ${role}'s endpoint ${failure.what}${times}`,
    where: url,
    why: failure.why,
    next: failure.next ?? 'What it answered so far is kept: run the same command again when it works',
  };
  return failure.isRefusal ? new QuestionRefused(fault) : new UserError(fault);
}
