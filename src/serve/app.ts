// The routes, in the order in which a request meets them: figures and headers for all, the guard, then what was asked for.
// Other parts of the server bring theirs as Hono apps, which are mounted under /api.

import type { Context } from 'hono';
import { Hono } from 'hono';
import { unixTime } from './exchange.js';
import { type GuardOptions, guard } from './guard.js';
import { chatCompletion } from './openai-chat.js';
import { completion } from './openai-completion.js';
import { pageChat } from './page-chat.js';
import { pageFile, pageHeaders } from './page-files.js';
import { apiError, openaiError, RefusedRequest, refusalOf, speechFor } from './refusal.js';
import type { Service } from './service.js';

export interface AppOptions extends Omit<GuardOptions, 'token'> {
  service: Service;
  /** Where the page was built to. */
  pageFolder: string;
  /** Mounted under /api: feedback, runs, rounds. They are behind the guard, and need no check of their own. */
  routes?: readonly Hono[];
  /** Hears of what failed here and should not have. */
  onFailure?(error: unknown): void;
}

export function createApp({ service, routes = [], pageFolder, onFailure, ...guarded }: AppOptions): Hono {
  const { models, admission, metrics, token } = service;
  const app = new Hono();
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(pageHeaders)) c.header(name, value);
    await next();
    metrics.countRequest(routeOf(c), c.res.status);
  });
  app.use(guard({ ...guarded, token }));

  // Who asks for a model is to find what a run that is followed has saved until now.
  for (const path of ['/v1/*', '/api/chat'])
    app.use(path, async (_, next) => {
      await models.refresh();
      return next();
    });
  app.post('/v1/chat/completions', (c) => chatCompletion(c, service));
  app.post('/v1/completions', (c) => completion(c, service));
  const listed = unixTime();
  const modelObject = (id: string) => ({ id, object: 'model', created: listed, owned_by: 'mossctl' });
  app.get('/v1/models', (c) => c.json({ object: 'list', data: models.all.map(({ id }) => modelObject(id)) }));
  // The ids of a run's stages have slashes in them where several runs are served.
  app.get('/v1/models/:id{.+}', (c) => {
    const found = models.all.find(({ id }) => id === c.req.param('id'));
    if (found !== undefined) return c.json(modelObject(found.id));
    throw new RefusedRequest({
      status: 404,
      what: 'no model of this name is served',
      param: 'model',
      code: 'model_not_found',
    });
  });

  app.get('/health', (c) => {
    const status = admission.isDraining ? 503 : 200;
    return c.json({ status: admission.isDraining ? 'stopping' : 'ok', answers: admission.answers }, status);
  });
  app.get('/metrics', (c) =>
    c.body(metrics.text(models, admission), 200, { 'content-type': 'text/plain; version=0.0.4' }),
  );

  app.route('/api', pageChat(service));
  for (const own of routes) app.route('/api', own);

  app.get('/', (c) => pageFile(c, pageFolder, ''));
  app.get('/:file', (c) => pageFile(c, pageFolder, c.req.param('file')));
  app.get('/assets/:file', (c) => pageFile(c, pageFolder, `assets/${c.req.param('file')}`));

  app.notFound((c) => {
    const allowed = posted.has(c.req.path) ? 'POST' : undefined;
    if (allowed !== undefined) c.header('allow', allowed);
    return refused(
      c,
      new RefusedRequest(allowed === undefined ? nowhere : { status: 405, what: `this address takes ${allowed}` }),
    );
  });
  app.onError(async (error, c) => {
    const response = await refused(c, error);
    if (refusalOf(error).status === 500) onFailure?.(error);
    return response;
  });
  return app;
}

const posted = new Set(['/v1/chat/completions', '/v1/completions', '/api/chat']);
const nowhere = { status: 404, what: 'there is nothing under this address' } as const;

async function refused(c: Context, error: unknown): Promise<Response> {
  const refusal = refusalOf(error);
  const speech = await speechFor(c);
  if (refusal.retryAfter !== undefined) c.header('retry-after', String(refusal.retryAfter));
  // OpenAI's clients ask again after any of these; what failed here, or took too long, would do so again.
  if (refusal.status === 500 || refusal.status === 504) c.header('x-should-retry', 'false');
  const isOpenai = !c.req.path.startsWith('/api/');
  return c.json(isOpenai ? openaiError(refusal, speech) : apiError(refusal, speech), refusal.status);
}

/** Of a known few, so that no client fills the figures with names of its own. */
function routeOf(c: Context): string {
  const [, first = '', second = ''] = c.req.path.split('/');
  const known = new Set([
    '/v1/chat',
    '/v1/completions',
    '/v1/models',
    '/api/chat',
    '/api/session',
    '/api/feedback',
    '/api/runs',
    '/api/rounds',
  ]);
  const route = `/${first}/${second}`;
  if (known.has(route)) return route;
  return ['health', 'metrics', 'assets', ''].includes(first) ? `/${first}` : 'other';
}
