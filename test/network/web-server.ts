// A real HTTP server for the tests of what is fetched: files with ETags and ranges, and the ways in which servers fail.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface WebServer {
  origin: string;
  /** Path → what answers it; anything else is 404. */
  handlers: Map<string, Handler>;
  /** `PATH RANGE` of each request, and what authorisation came with it. */
  requests: { path: string; range?: string; authorization?: string }[];
}

export async function startWebServer(): Promise<WebServer> {
  const handlers = new Map<string, Handler>();
  const requests: WebServer['requests'] = [];
  const server = createServer((request, response) => {
    const { range, authorization } = request.headers;
    const path = request.url ?? '';
    requests.push({ path, ...(range && { range }), ...(authorization && { authorization }) });
    const handler = handlers.get(path);
    if (handler === undefined) response.writeHead(404).end();
    else handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, handlers, requests };
}

/** Serves `content` with ranges; ends the connection after `breakAfter` bytes where that is given. */
export function serveFile(content: Uint8Array, { etag = '"v1"', breakAfter = Infinity } = {}): Handler {
  return (request, response) => {
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const same = request.headers['if-range'] === etag;
    const start = asked !== null && same ? Number(asked[1]) : 0;
    const rest = content.subarray(start);
    response.setHeader('etag', etag);
    response.setHeader('content-length', rest.length);
    if (start > 0) {
      response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
    }
    if (rest.length <= breakAfter) response.end(rest);
    else response.write(rest.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 20));
  };
}
