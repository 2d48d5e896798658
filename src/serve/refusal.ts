// Why a request is not answered, once, in the two shapes that it is said in: OpenAI's under /v1, ours under /api. Libraries
// throw UserError for what a person can change; whoever calls them says whose fault it is here.
import type { Context } from 'hono';
import { describeFault, type Fault, UserError } from '../base/errors.js';
import { acceptedLanguage } from '../language/choice.js';
import { type Speech, speechIn } from '../language/speech.js';
import type { ApiError } from './contract.js';

export interface Refusal extends Fault {
  status: 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 421 | 429 | 500 | 503 | 504;
  /** The field that is at fault. */
  param?: string;
  /** In OpenAI's words, such as `context_length_exceeded`. */
  code?: string;
  /** Seconds after which it may work. */
  retryAfter?: number;
}

export class RefusedRequest extends Error {
  override name = 'RefusedRequest';
  readonly refusal: Refusal;
  constructor(refusal: Refusal, options?: ErrorOptions) {
    super(describeFault(refusal), options);
    this.refusal = refusal;
  }
}

/** What `work` refuses with a UserError is the request's fault: 400, under this field. */
export function asAsked<T>(work: () => T, param?: string): T {
  try {
    return work();
  } catch (error) {
    throw requestFault(error, param);
  }
}

/** The same of work that takes time. */
export async function asAskedLater<T>(work: () => Promise<T>, param?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw requestFault(error, param);
  }
}

function requestFault(error: unknown, param?: string): unknown {
  if (!(error instanceof UserError)) return error;
  return new RefusedRequest(
    { status: 400, ...error.faults[0], ...(param !== undefined && { param }) },
    { cause: error },
  );
}

/** Of whatever was thrown. What is no refusal is a fault of ours, and said as little of as that. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof RefusedRequest) return error.refusal;
  if (error instanceof UserError) return { status: 500, ...error.faults[0] };
  return {
    status: 500,
    what: 'something failed that should not have',
    next: 'Look at what the server printed; MOSSCTL_DEBUG=1 says where',
  };
}

const types: Readonly<Partial<Record<Refusal['status'], string>>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  500: 'server_error',
  503: 'server_error',
  504: 'server_error',
};

/** In the language that whoever asks reads: `Accept-Language: zh`; else English. */
export function speechFor(context: Context): Promise<Speech> {
  return speechIn(acceptedLanguage(context.req.header('accept-language')));
}

/** As OpenAI's clients read it. */
export function openaiError(refusal: Refusal, { fault }: Speech): object {
  const { status, param, code } = refusal;
  const message = fault(refusal);
  return {
    error: { message, type: types[status] ?? 'invalid_request_error', param: param ?? null, code: code ?? null },
  };
}

export function apiError(refusal: Refusal, { fault, say }: Speech): ApiError {
  const { what, why, where, next, code } = refusal;
  const said = fault({ what, why, where });
  return {
    type: 'error',
    what: said,
    ...(next !== undefined && { next: say(next) }),
    ...(code !== undefined && { code }),
  };
}
