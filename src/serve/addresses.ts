// Under which addresses a server can be opened: the one that it listens to, or, where that stands for all of this machine's, each
// of them.
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

type Interfaces = NodeJS.Dict<Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal' | 'scopeid'>[]>;

const loopback = { '0.0.0.0': ['127.0.0.1'], '::': ['127.0.0.1', '[::1]'] } as const;

/** Names for a URL, that of this machine alone first; those of a cable alone (fe80::…) need a zone, which no browser takes. */
export function openableHosts(host: string, interfaces: Interfaces = networkInterfaces()): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [inUrl(host)];
  const own = Object.values(interfaces).flatMap((each) => each ?? []);
  const others = own
    .filter(({ internal, family }) => !internal && (family === 'IPv4' || host === '::'))
    .filter(({ address }) => !/^fe[89ab]/i.test(address));
  return [...loopback[host], ...others.map(({ address }) => inUrl(address))];
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
