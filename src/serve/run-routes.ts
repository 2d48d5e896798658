// Runs as the page shows them: which there are, what one of them has reported, and what it reports now.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, Hono } from 'hono';
import { steadyNow } from '../base/clock.js';
import { metricsName } from '../base/layout.js';
import { eventOf } from '../report/metrics.js';
import type { RunDetail } from './contract.js';
import { RefusedRequest } from './refusal.js';
import { RunDetails } from './run-detail.js';
import { RunFiles, runFolder } from './run-files.js';
import { RunReads } from './run-reads.js';
import { linesFrom, type TailLine } from './run-tail.js';
import { readerOf, type SentEvent, sendEvents } from './sse.js';

/** Pages that watch at once. */
const maxWatchers = 64;

/**
 * To be mounted at `/api`.
 * @param runs the folder that holds them; nothing outside it is read.
 * @param closing is aborted when the server stops: nobody watches any more.
 */
export function runRoutes(runs: string, closing: AbortSignal): Hono {
  const app = new Hono();
  const reads = new RunReads<RunDetail>();
  const details = new RunDetails();
  let watchers = 0;
  const files = new RunFiles(runs);
  app.get('/runs', async (context) => context.json(await files.list()));
  app.get('/runs/:name', async (context) => {
    const name = context.req.param('name');
    const now = steadyNow() / 1000;
    const folder = await runFolder(runs, name);
    const { signal } = context.req.raw;
    return context.json(
      await reads.read(name, signal, (ending) => details.read(folder, name, { now, signal: ending })),
    );
  });
  app.get('/runs/:name/events', async (context) => {
    const path = join(await runFolder(runs, context.req.param('name')), metricsName);
    const from = startOf(context) ?? (await stat(path)).size;
    if (closing.aborted) throw new RefusedRequest({ status: 503, what: 'the server is stopping', retryAfter: 10 });
    if (watchers >= maxWatchers) {
      const what = `${maxWatchers} pages watch already`;
      throw new RefusedRequest({ status: 429, what, next: 'Close some of them', retryAfter: 10 });
    }
    watchers++;
    const reader = readerOf(context, () => watchers--);
    const lines = linesFrom(path, from, AbortSignal.any([reader.signal, closing]));
    return sendEvents(context, eventsIn(lines), reader);
  });
  return app;
}

async function* eventsIn(lines: AsyncIterable<TailLine>): AsyncGenerator<SentEvent, void> {
  for await (const { text, end } of lines) {
    const event = eventOf(text);
    if (event !== undefined) yield { data: JSON.stringify(event), id: String(end) };
  }
}

/** Byte from which on: of a page that comes back, or as it asks. @throws RefusedRequest for what is no place. */
function startOf({ req }: Context): number | undefined {
  const given = req.header('last-event-id') ?? req.query('from');
  if (given === undefined) return undefined;
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new RefusedRequest({ status: 400, where: 'from', what: 'this is no place in a file', next: 'Omit it' });
}
