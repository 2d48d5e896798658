// How much memory this process may have: the machine's, or its container's where that has less. (Node's own figures count
// what the system only keeps as a cache as used, and not every kind of container.)
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { join } from 'node:path';

export interface MemoryRoom {
  /** Bytes of memory, and of swap on top of it. */
  total: number;
  swap: number;
  /** Of `total`, what nobody needs now; caches that the system would give up count as available. */
  available: number;
}

interface Sources {
  /** Where Linux says it: `/proc` and the control groups, of version 2 or 1; elsewhere they do not exist. */
  proc?: string;
  groups?: string;
}

export function memoryRoom({ proc = '/proc', groups = '/sys/fs/cgroup' }: Sources = {}): MemoryRoom {
  const info = numbersIn(join(proc, 'meminfo'));
  const kilobytes = (name: string): number | undefined => {
    const value = info.get(name);
    return value === undefined ? undefined : value * 1024;
  };
  const total = kilobytes('MemTotal:') ?? totalmem();
  const room = {
    total,
    swap: kilobytes('SwapTotal:') ?? 0,
    // What macOS calls free leaves out nearly all that it would give up.
    available: kilobytes('MemAvailable:') ?? (process.platform === 'darwin' ? total : freemem()),
  };
  for (const folder of groupFolders(proc, groups)) {
    const limit = numberIn(folder, ['memory.max', 'memory.limit_in_bytes']);
    if (limit === undefined || limit >= room.total) continue;
    const used = numberIn(folder, ['memory.current', 'memory.usage_in_bytes']) ?? 0;
    const stat = numbersIn(join(folder, 'memory.stat'));
    const cache = stat.get('inactive_file') ?? stat.get('total_inactive_file') ?? 0;
    room.total = limit;
    room.available = Math.min(room.available, Math.max(0, limit - Math.max(0, used - cache)));
  }
  return room;
}

/** The process's own control groups for memory and those around it, as far as they can be seen; the outermost first. */
function groupFolders(proc: string, groups: string): string[] {
  const own = readText(join(proc, 'self', 'cgroup')).split('\n');
  const version1 = own.find((line) => /^\d+:([^:]*,)?memory(,[^:]*)?:/.test(line));
  const line = version1 ?? own.find((each) => each.startsWith('0::')) ?? '';
  const top = version1 === undefined ? groups : join(groups, 'memory');
  const names = line
    .split(':')
    .slice(2)
    .join(':')
    .split('/')
    .filter((name) => name !== '' && name !== '..');
  return Array.from({ length: names.length + 1 }, (_, depth) => join(top, ...names.slice(0, depth)));
}

/** The first of these files that holds a number: `max` is none. */
function numberIn(folder: string, names: readonly string[]): number | undefined {
  for (const name of names) {
    const text = readText(join(folder, name)).trim();
    if (/^\d+$/.test(text)) return Number(text);
  }
  return undefined;
}

/** Name → number, one a line. */
function numbersIn(path: string): Map<string, number> {
  const lines = readText(path).matchAll(/^(\S+)\s+(\d+)/gm);
  return new Map([...lines].map(([, name, value]) => [name, Number(value)]));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
