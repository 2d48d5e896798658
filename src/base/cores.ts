// How many cores this process may keep busy: those that it is allowed on, and no more than its container's share of
// processor time, nor than its own share where MPI started several processes on this machine. (Node's own count knows of that share only from Node 22 on.)
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { launchedRank } from './launcher.js';

/** At least one. `groups` is where Linux shows control groups, of version 2 or 1; elsewhere it does not exist. */
export function availableCores(groups = '/sys/fs/cgroup'): number {
  const [quota, period] = numbersIn(groups, ['cpu.max']) ??
    numbersIn(groups, ['cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us']) ?? [-1, 1];
  const share = quota > 0 && period > 0 ? Math.max(1, Math.floor(quota / period)) : Number.POSITIVE_INFINITY;
  const cores = Math.min(availableParallelism(), share);
  // A launcher that binds its ranks to cores has divided them already.
  const { localSize } = launchedRank(process.env) ?? { localSize: 1 };
  return availableParallelism() < cpus().length ? cores : Math.max(1, Math.floor(cores / localSize));
}

/** The numbers in these files ('max' is none); undefined where one cannot be read. */
function numbersIn(folder: string, names: readonly string[]): number[] | undefined {
  try {
    return names.flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split(' ').map(Number));
  } catch {
    return undefined;
  }
}
