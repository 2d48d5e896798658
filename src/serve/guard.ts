// Who may ask, before anything is read: the address that the request was sent to (against DNS rebinding), the page that sent
// it (Origin), the key where there is one, and for what changes something the token of this process.
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { Context, MiddlewareHandler } from 'hono';
import { tokenHeader } from './contract.js';
import { RefusedRequest } from './refusal.js';

export interface GuardOptions {
  /** The address that is listened to. */
  host: string;
  /** Further names under which this server is known: those of a proxy in front of it. */
  allowedHosts?: readonly string[];
  /** Origins whose pages may use /v1. */
  cors?: readonly string[];
  /** Absent: none is needed, because only this machine is listened to. */
  key?: string;
  token: string;
}

/** Whether an address is of this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

export function guard({ host, allowedHosts = [], cors = [], key, token }: GuardOptions): MiddlewareHandler {
  const names = new Set([host, 'localhost', ...allowedHosts, ...(isLoopback(host) ? [] : [hostname()])].map(lower));
  return async (c, next) => {
    const { path } = c.req;
    checkHost(c, names, isLoopback(host));
    const origin = c.req.header('origin');
    const isShared = origin !== undefined && cors.includes(origin) && path.startsWith('/v1/');
    if (isShared) {
      c.header('access-control-allow-origin', origin);
      c.header('vary', 'origin');
      if (c.req.method === 'OPTIONS') return preflight(c);
    } else if (origin !== undefined && !isOwn(origin, c.req.header('host') ?? '')) {
      const next = path.startsWith('/v1/') ? `Start the server with --cors ${origin.slice(0, 100)}` : undefined;
      throw new RefusedRequest({ status: 403, what: 'pages of another origin may not ask here', next });
    }
    if (key !== undefined && path !== '/health') checkKey(c, key);
    if (path.startsWith('/api/') && !['GET', 'HEAD'].includes(c.req.method)) checkToken(c, token);
    return next();
  };
}

function lower(name: string): string {
  return name.toLowerCase();
}

/** The name in a Host header, without its port; undefined where there is none. */
function nameIn(header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^\s/:@\\?#]+))(?::\d{1,5})?$/i.exec(header) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

function checkHost(c: Context, names: ReadonlySet<string>, isLocal: boolean): void {
  const name = nameIn(c.req.header('host') ?? '');
  if (name !== undefined && (names.has(name) || isLoopback(name) || (!isLocal && isIP(name) !== 0))) return;
  throw new RefusedRequest({
    status: 421,
    what: `this server is not known as ${(c.req.header('host') ?? 'nothing').slice(0, 100)}`,
    why: 'a page could otherwise reach it under a name of its own',
    next: 'Ask localhost, or start it with --allow-host NAME',
  });
}

function isOwn(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function preflight(c: Context): Response {
  c.header('access-control-allow-methods', 'GET, POST');
  c.header('access-control-allow-headers', 'authorization, content-type, x-stainless-*');
  const asked = c.req.header('access-control-request-headers');
  if (asked !== undefined && /^[a-z0-9, -]{1,1000}$/i.test(asked)) c.header('access-control-allow-headers', asked);
  c.header('access-control-max-age', '600');
  return c.body(null, 204);
}

/** As a bearer, as OpenAI's clients send it; or as the password that a browser asks for. */
function checkKey(c: Context, key: string): void {
  const [, scheme = '', given = ''] = /^(\S+) +(\S+)$/.exec(c.req.header('authorization') ?? '') ?? [];
  const basic = Buffer.from(given, 'base64').toString();
  const said = /^bearer$/i.test(scheme) ? given : /^basic$/i.test(scheme) ? basic.slice(basic.indexOf(':') + 1) : '';
  if (isSame(said, key)) return;
  if (!c.req.path.startsWith('/v1/')) c.header('www-authenticate', 'Basic realm="mossctl", charset="UTF-8"');
  throw new RefusedRequest({
    status: 401,
    what: said === '' ? 'this server needs a key' : 'this is not its key',
    next: 'Send it as authorization: Bearer KEY',
    code: 'invalid_api_key',
  });
}

function checkToken(c: Context, token: string): void {
  if (isSame(c.req.header(tokenHeader) ?? '', token)) return;
  throw new RefusedRequest({
    status: 403,
    what: `what changes something needs the header ${tokenHeader}`,
    next: 'Reload the page: the server was started again, or GET /api/session for the token',
  });
}

/** In a time that says nothing of where they differ. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
