// The process that listens: one HTTP server with bounds on slow senders and connections, which stops by letting the answers
// that are being written come to their end.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { systemErrorCode, UserError } from '../base/errors.js';
import { openableHosts } from './addresses.js';
import type { Limits } from './limits.js';
import type { Service } from './service.js';

/** What readers have to take what was written for them, when the server stops. */
const deliverySeconds = 5;

export interface ListenOptions {
  host: string;
  /** 0: any that is not taken; undefined: the first of a few that is not. */
  port: number | undefined;
  limits: Limits;
}

export interface Listening {
  /** Where it can be opened, from this machine first. */
  urls: [string, ...string[]];
  /**
   * No new answers; those that are being written come to their end, then the models are closed. `atOnce`: what is being written is
   * given up.
   */
  stop(options?: { atOnce?: boolean }): Promise<void>;
}

/** Tried in their order where no port is named. */
const defaultPorts = Array.from({ length: 20 }, (_, i) => 8080 + i);

/** @throws UserError where the address cannot be listened to. */
export async function listen(app: Hono, service: Service, options: ListenOptions): Promise<Listening> {
  const { host, port, limits } = options;
  const server = await listening(app, { host, ports: port === undefined ? defaultPorts : [port], limits });
  server.maxConnections = limits.connections;
  // A reader that takes nothing any more.
  server.setTimeout((limits.seconds + limits.bodySeconds) * 1000);
  const { port: taken } = server.address() as AddressInfo;
  const [first, ...others] = openableHosts(host).map((name) => `http://${name}:${taken}`);
  return {
    urls: [first, ...others],
    stop: async ({ atOnce = false } = {}) => {
      if (atOnce) server.closeAllConnections();
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

/** A server at the first of these ports that no other program has. */
async function listening(
  app: Hono,
  { host, ports: [port, ...others], limits }: { host: string; ports: readonly number[]; limits: Limits },
): Promise<Server> {
  const { headSeconds, bodySeconds } = limits;
  const server = serve({
    fetch: app.fetch,
    ...{ hostname: host, port, createServer, overrideGlobalObjects: false },
    serverOptions: {
      ...{ headersTimeout: headSeconds * 1000, requestTimeout: bodySeconds * 1000 },
      ...{ keepAliveTimeout: limits.keepAliveSeconds * 1000, connectionsCheckingInterval: 1000, maxHeaderSize: 16_384 },
    },
  }) as Server;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      if (server.listening) resolve();
      else server.once('listening', resolve);
    });
    return server;
  } catch (error) {
    if (systemErrorCode(error) !== 'EADDRINUSE' || others.length === 0) throw cannotListen(error, host, port);
    return listening(app, { host, ports: others, limits });
  }
}

function cannotListen(error: unknown, host: string, port: number): unknown {
  const where = `${host}:${port}`;
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE':
      return new UserError(
        { what: 'another program listens there', where, next: 'Choose another --port, or 0 for any that is not taken' },
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
