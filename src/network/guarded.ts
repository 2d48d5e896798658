// One request to an address that a model had a part in: only to public hosts or to those that a person lists, looked at when the
// connection is made (a name may mean another address by then), and no more of the answer than is wanted.
import { lookup } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { refuseOffline } from './http.js';

export interface GuardedRequest {
  url: string;
  method: 'GET' | 'POST';
  /** Sent to the origin of `url` and to no other. */
  headers: Readonly<Record<string, string>>;
  body?: string;
  /** `host` or `host:port`: may be private, and may be asked without https. */
  allow: readonly string[];
  /** Of the answer; the rest is not read. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface GuardedAnswer {
  status: number;
  statusText: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** Why it was not asked or did not answer, in words without the address. */
export class RequestRefused extends Error {}

const maxRedirects = 5;

/** @throws RequestRefused; Unreachable where the network is not to be used. */
export async function requestGuarded(wanted: GuardedRequest): Promise<GuardedAnswer> {
  refuseOffline({ url: wanted.url, sent: { method: 'POST', length: 0, open: async function* () {} } });
  const home = new URL(wanted.url).origin;
  let url = new URL(wanted.url);
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const fault = addressFault(url, wanted.allow);
    if (fault !== undefined) throw new RequestRefused(hops === 0 ? fault : `it redirects to another place: ${fault}`);
    const answer = await exchange(url, wanted, url.origin === home);
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status >= 400 || location === undefined) return answer;
    if (wanted.method !== 'GET') throw new RequestRefused('it redirects, and nothing is sent on');
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined) throw new RequestRefused('it redirects to an address that is none');
    if (url.protocol === 'https:' && next.protocol !== 'https:')
      throw new RequestRefused('it redirects from https to http');
    url = next;
  }
  throw new RequestRefused(`it redirects more than ${maxRedirects} times`);
}

/** Whether the spec lists this host. */
function isListed(url: URL, allow: readonly string[]): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return allow.some((entry) => entry === url.hostname || entry === `${url.hostname}:${port}`);
}

/** Why this address is not asked at all; undefined where its host decides. */
export function addressFault(url: URL, allow: readonly string[]): string | undefined {
  if (url.username !== '' || url.password !== '') return 'an address with a password is not asked';
  if (isListed(url, allow))
    return url.protocol === 'http:' || url.protocol === 'https:' ? undefined : 'only http and https are asked';
  if (url.protocol !== 'https:') return 'only https is asked, but for hosts listed under allow';
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) !== 0 && isPrivate(literal) ? privateWords : undefined;
}

const privateWords = 'its address is private, and not listed under allow';

function exchange(url: URL, wanted: GuardedRequest, isHome: boolean): Promise<GuardedAnswer> {
  const { method, body, maxBytes, signal, allow } = wanted;
  const headers = { 'user-agent': 'mossctl', 'accept-encoding': 'identity', ...(isHome && wanted.headers) };
  const options = {
    ...{ method, signal, agent: false as const, lookup: isListed(url, allow) ? undefined : publicLookup },
    headers: body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
  };
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      reject(error instanceof RequestRefused || signal.aborted ? error : new RequestRefused(networkWords(error)));
    const request: ClientRequest = (url.protocol === 'https:' ? requestSecure : requestPlain)(
      url,
      options,
      (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        const done = (): void => {
          const { statusCode: status = 0, statusMessage: statusText = '', headers: answered } = response;
          resolve({ status, statusText, headers: answered, body: Buffer.concat(parts).subarray(0, maxBytes) });
        };
        response.on('data', (chunk: Buffer) => {
          parts.push(chunk);
          size += chunk.length;
          if (size < maxBytes) return;
          done();
          request.destroy();
        });
        response.on('end', done);
        response.on('error', fail);
      },
    );
    request.on('error', fail);
    request.end(body);
  });
}

function networkWords({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name is not known';
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ECONNRESET') return 'it ended the connection';
  return message || code || 'the connection failed';
}

/** Every address of the name must be public. */
const publicLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, found) => {
    if (error !== null) return callback(error, '', 0);
    if (found.length === 0 || found.some(({ address }) => isPrivate(address))) {
      return callback(new RequestRefused(privateWords), '', 0);
    }
    if (options.all === true) (callback as unknown as (error: null, all: typeof found) => void)(null, found);
    else callback(null, found[0].address, found[0].family);
  });
};

/** This machine, private and link-local networks, and what is no single host. */
const notPublic = new BlockList();
for (const [net, bits] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
  ] as const),
  ...([
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
] as const) {
  notPublic.addSubnet(net, bits, 'ipv4');
}
// Those that hold an IPv4 address (translated, 6to4, Teredo) could be any; a mapped one is looked at as the one that it is.
for (const [net, bits] of [
  ...([
    ['::', 96],
    ['64:ff9b::', 32],
    ['100::', 64],
    ['2001::', 23],
    ['2001:db8::', 32],
  ] as const),
  ...([
    ['2002::', 16],
    ['fc00::', 7],
    ['fe80::', 10],
    ['fec0::', 10],
    ['ff00::', 8],
  ] as const),
] as const) {
  notPublic.addSubnet(net, bits, 'ipv6');
}

export function isPrivate(address: string): boolean {
  const bare = address.replace(/%.*$/, '');
  return isIP(bare) === 0 || notPublic.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4');
}
