// What a page reads of a stream of server-sent events, over a real connection.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

/** Serves `app` on a free port until it is closed. */
export async function listening(app: Hono): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(getRequestListener(app.fetch));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface ReadEvent {
  id?: string;
  data: Record<string, unknown> & { type: string };
}

/** Leaving the loop closes the connection. */
export async function* readEvents(url: string, request: RequestInit = {}): AsyncGenerator<ReadEvent> {
  const leaving = new AbortController();
  try {
    yield* eventsOf(await fetch(url, { ...request, signal: leaving.signal }));
  } finally {
    leaving.abort();
  }
}

/** Of an answer that is a stream of them. */
export async function* eventsOf(response: Response): AsyncGenerator<ReadEvent> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) throw new Error(await response.text());
  let pending = '';
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (pending + text).split('\n\n');
    pending = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined) yield { id: field('id'), data: JSON.parse(data) };
    }
  }
}
