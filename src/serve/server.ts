// The process that listens: one HTTP server with bounds on slow senders and connections, which stops by letting the answers
// that are being written come to their end.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { systemErrorCode, UserError } from '../base/errors.js';
import type { Limits } from './limits.js';
import type { Service } from './service.js';

/** What readers have to take what was written for them, when the server stops. */
const deliverySeconds = 5;

export interface ListenOptions {
  host: string;
  /** 0: any that is not taken. */
  port: number;
  limits: Limits;
}

export interface Listening {
  url: string;
  /** No new answers; those that are being written come to their end, then the models are closed. */
  stop(): Promise<void>;
}

/** @throws UserError where the address cannot be listened to. */
export async function listen(app: Hono, service: Service, options: ListenOptions): Promise<Listening> {
  const { host, port, limits } = options;
  const { headSeconds, bodySeconds, seconds } = limits;
  const server = serve({
    fetch: app.fetch,
    ...{ hostname: host, port, createServer, overrideGlobalObjects: false },
    serverOptions: {
      ...{ headersTimeout: headSeconds * 1000, requestTimeout: bodySeconds * 1000 },
      ...{ keepAliveTimeout: limits.keepAliveSeconds * 1000, connectionsCheckingInterval: 1000, maxHeaderSize: 16_384 },
    },
  }) as Server;
  server.maxConnections = limits.connections;
  // A reader that takes nothing any more.
  server.setTimeout((seconds + bodySeconds) * 1000);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(error, host, port)));
    if (server.listening) resolve();
    else server.once('listening', resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${taken}`,
    stop: async () => {
      await service.admission.drain();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // The last bytes of the last answers are on their way.
      const timer = setTimeout(() => server.closeAllConnections(), deliverySeconds * 1000);
      await closed;
      clearTimeout(timer);
      await service.models.close();
    },
  };
}

function cannotListen(error: Error, host: string, port: number): unknown {
  const where = `${host}:${port}`;
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE':
      return new UserError(
        { what: 'another program listens there', where, next: 'Choose another --port, or 0 for any' },
        { exitCode: 1 },
      );
    case 'EACCES':
      return new UserError({ what: 'this port needs more rights', where, next: 'Choose a --port from 1024' });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new UserError({ what: 'this machine has no such address', where, next: 'Check --host' });
    default:
      return error;
  }
}
