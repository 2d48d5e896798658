// How many cores this process may keep busy: those that it is allowed on, and no more than its container's share of
// processor time; of both no more than its part, where MPI started several processes on this machine. (Node's own count knows
// of that share only from Node 22 on.)
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, hostname } from 'node:os';
import { join } from 'node:path';

/** What the ranks of a job say to each other of where they run. */
export interface RankPlace {
  host: string;
  /** As Linux names the cores that it may run on: `0-3,8`; elsewhere empty. */
  allowed: string;
  allowedCount: number;
  /** Cores' worth of processor time that its container has. */
  quota: number;
  /** Of the machine. */
  cores: number;
}

/** What one of them has of its machine. */
export interface HostShare {
  cores: number;
  /** Ranks of this machine, itself among them. */
  ranks: number;
  /** Of all machines. */
  ranksInAll: number;
  /** All that these ranks may use together, where a launcher has bound them to fewer cores than the machine gives. */
  bound?: { used: number; there: number };
}

let ownShare: HostShare | undefined;

/** From now on this process computes beside others of its machine. */
export function shareHost(share: HostShare): void {
  ownShare = share;
}

/** How many processes of this machine train together. */
export function ranksOfHost(): number {
  return ownShare?.ranks ?? 1;
}

/** How many train together, on all machines. */
export function ranksInAll(): number {
  return ownShare?.ranksInAll ?? 1;
}

/** Where Linux shows control groups, of version 2 or 1; elsewhere it does not exist. */
const controlGroups = '/sys/fs/cgroup';

/** At least one. */
export function availableCores(groups = controlGroups): number {
  return ownShare?.cores ?? Math.max(1, Math.min(availableParallelism(), quotaIn(groups)));
}

export function ownPlace(): RankPlace {
  return {
    host: hostname(),
    allowed: allowedCores(),
    allowedCount: availableParallelism(),
    quota: quotaIn(controlGroups),
    cores: cpus().length,
  };
}

/** Cores that several ranks are allowed on are divided among these, and the container's time among all of the machine. */
export function hostShare(places: readonly RankPlace[], rank: number): HostShare {
  const own = places[rank];
  const here = places.filter(({ host }) => host === own.host);
  const alike = here.filter(({ allowed }) => allowed === own.allowed);
  const cores = Math.floor(Math.min(own.allowedCount / alike.length, own.quota / here.length));
  const counts = new Map(here.map(({ allowed, allowedCount }) => [allowed, allowedCount]));
  const used = Math.min(
    own.quota,
    [...counts.values()].reduce((sum, count) => sum + count, 0),
  );
  const there = Math.min(own.quota, own.cores);
  return {
    cores: Math.max(1, cores),
    ranks: here.length,
    ranksInAll: places.length,
    ...(used < there && { bound: { used, there } }),
  };
}

function quotaIn(groups: string): number {
  const [quota, period] = numbersIn(groups, ['cpu.max']) ??
    numbersIn(groups, ['cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us']) ?? [-1, 1];
  return quota > 0 && period > 0 ? Math.max(1, Math.floor(quota / period)) : Number.POSITIVE_INFINITY;
}

function allowedCores(): string {
  try {
    return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** The numbers in these files ('max' is none); undefined where one cannot be read. */
function numbersIn(folder: string, names: readonly string[]): number[] | undefined {
  try {
    return names.flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split(' ').map(Number));
  } catch {
    return undefined;
  }
}
