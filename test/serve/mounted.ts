// The routes of one part as the server mounts them, with its way of saying no.
import { Hono } from 'hono';
import { english } from '../../src/language/speech.js';
import { apiError, refusalOf } from '../../src/serve/refusal.js';

export function mounted(routes: Hono): Hono {
  const app = new Hono();
  app.route('/api', routes);
  app.onError((error, c) => {
    const refusal = refusalOf(error);
    if (refusal.retryAfter !== undefined) c.header('retry-after', String(refusal.retryAfter));
    return c.json(apiError(refusal, english), refusal.status);
  });
  return app;
}
