// The page: the files that were built for it, as they lie in one folder, under a policy that lets it load nothing from elsewhere.
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Context } from 'hono';
import { ifAbsent } from '../base/errors.js';
import { RefusedRequest } from './refusal.js';

/** dist/page, seen from the sources and from what was compiled of them. */
export const pageFolder = new URL('../../dist/page/', import.meta.url).pathname;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const withoutPage =
  'mossctl serves an OpenAI-compatible API here: /v1/models, /v1/chat/completions, /v1/completions. The page was not built.\n';

/** @param path below the folder: names of files, one folder deep at most. */
export async function pageFile(c: Context, folder: string, path: string): Promise<Response> {
  const name = path === '' ? 'index.html' : path;
  const type = types[extname(name)];
  const isFile = /^(assets\/)?[A-Za-z0-9_-][A-Za-z0-9._-]{0,100}$/.test(name) && type !== undefined;
  const content = isFile ? await readFile(join(folder, name)).catch(ifAbsent(undefined)) : undefined;
  if (content !== undefined) {
    return c.body(new Uint8Array(content), 200, { 'content-type': type, 'cache-control': 'no-cache' });
  }
  if (path === '') return c.text(withoutPage);
  throw new RefusedRequest({ status: 404, what: 'there is nothing under this address' });
}
