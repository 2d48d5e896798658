// A person's own tool that is an endpoint: arguments go into its address or its body, its answer is text for the model. Who may
// be asked is src/network/guarded.ts' affair.
import { type Fault, UserError } from '../base/errors.js';
import { keepSecret, redact } from '../base/secrets.js';
import { addressFault, type GuardedAnswer, RequestRefused, requestGuarded } from '../network/guarded.js';
import type { Tool } from '../tokenizer/message.js';
import { argumentsOf, filled, placeholderFaults, placeholdersIn, valuesOf } from './placeholders.js';
import type { HttpSpec } from './specs.js';
import { type Executor, ToolFailure, type ToolLimits } from './tool.js';

export interface EndpointSpec {
  tool: Tool;
  limits: ToolLimits;
  http: HttpSpec;
  /** The file that says it. */
  file: string;
}

const maxComplaint = 300;

/** @throws UserError with everything that keeps it from being asked. */
export function httpTool(spec: EndpointSpec): Executor {
  const { tool, limits, http, file } = spec;
  const { url, method, allow } = http;
  const faults = specFaults(spec).map((what): Fault => ({ what, where: file }));
  if (faults.length > 0) throw new UserError(faults);
  const headers = Object.fromEntries(Object.entries(http.headers).map(([name, value]) => [name, withVariables(value)]));
  if (method === 'POST') headers['content-type'] ??= 'application/json';
  return {
    ...{ tool, limits, reaches: `asks ${method} ${url}` },
    async run(given, { signal }) {
      const body = method === 'POST' ? bodyOf(spec, given) : undefined;
      const request = {
        url: filledUrl(spec, given),
        method,
        headers,
        body,
        allow,
        maxBytes: limits.characters * 4 + 4,
        signal,
      };
      try {
        return redact(textOf(await requestGuarded(request), tool.name));
      } catch (error) {
        if (!(error instanceof RequestRefused)) throw error;
        throw new ToolFailure(`${tool.name} cannot be asked: ${error.message}.`);
      }
    },
  };
}

function specFaults({ tool, http: { url, method, headers, allow } }: EndpointSpec): string[] {
  const faults = placeholderFaults(tool, [url], method === 'GET');
  const [first, second] = ['a', 'b'].map((letter) => parsed(withAll(url, letter)));
  if (first === undefined || second === undefined) faults.push('url is no address: write https://HOST/…');
  else if (first.origin !== second.origin || first.username !== second.username)
    faults.push('the host is fixed: a model does not choose it');
  const { isOptional } = argumentsOf(tool);
  const [path] = url.split('?');
  for (const name of placeholdersIn(path).filter(isOptional))
    faults.push(`the path needs ${name}, which is optional: make it required, give it a default, or put it behind ?`);
  for (const value of Object.values(headers))
    for (const name of variablesIn(value))
      if (process.env[name] === undefined) faults.push(`the variable ${name} is not set`);
  const refused = first === undefined ? undefined : addressFault(first, allow);
  return refused === undefined ? faults : [...faults, `url: ${refused}`];
}

/** `$NAME` in a header. */
const variable = /\$([A-Za-z_]\w*)/g;

function variablesIn(text: string): string[] {
  return [...text.matchAll(variable)].map(([, name]) => name);
}

function withVariables(text: string): string {
  for (const name of variablesIn(text)) keepSecret(process.env[name] ?? '');
  return text.replace(variable, (_, name: string) => process.env[name] ?? '');
}

function withAll(url: string, letter: string): string {
  return filled(url, new Map(placeholdersIn(url).map((name) => [name, letter]))) ?? '';
}

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

/** A pair of the query whose argument is absent is omitted. @throws ToolFailure for a value that would be another path. */
function filledUrl({ tool, http: { url } }: EndpointSpec, given: Record<string, unknown>): string {
  const values = valuesOf(tool, given);
  const [path, query] = url.split(/\?(.*)/s);
  const place = filled(path, values, encodeURIComponent) ?? '';
  // A browser's rules make another path of these.
  if (place.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw new ToolFailure('An argument must not be . or .. here.');
  }
  const pairs = (query ?? '').split('&').flatMap((pair) => filled(pair, values, encodeURIComponent) ?? []);
  return query === undefined || pairs.length === 0 ? place : `${place}?${pairs.join('&')}`;
}

/** What is not in the address. */
function bodyOf({ http: { url } }: EndpointSpec, given: Record<string, unknown>): string {
  const used = placeholdersIn(url);
  return JSON.stringify(Object.fromEntries(Object.entries(given).filter(([name]) => !used.includes(name))));
}

/** @throws ToolFailure where it is a refusal, or no text. */
function textOf({ status, statusText, headers, body }: GuardedAnswer, name: string): string {
  const type = headers['content-type'] ?? '';
  const isText =
    type === '' || /^text\/|[/+](json|xml|yaml|x-ndjson|javascript)\b|^application\/x-www-form/i.test(type);
  const text = isText ? decoded(body, /charset="?([\w-]+)/i.exec(type)?.[1]).trim() : '';
  if (status < 200 || status > 299) {
    const said = text === '' ? '' : `: ${text.slice(0, maxComplaint)}`;
    throw new ToolFailure(redact(`${name} answered ${status}${statusText === '' ? '' : ` ${statusText}`}${said}`));
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new ToolFailure(`${name} answered compressed bytes.`);
  if (!isText) throw new ToolFailure(`${name} answered ${type.split(';')[0]}, which is no text.`);
  return text === '' ? 'An empty answer.' : text;
}

function decoded(body: Buffer, charset = 'utf-8'): string {
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    return new TextDecoder().decode(body); // a charset that nobody knows
  }
}
