// How busy the machine was while something was measured: the share of all cores' time that others took, be they processes
// or, on a virtual machine, its neighbours (steal). Our own children count as ours once they have ended.
import { readFileSync } from 'node:fs';

/** Ticks since the machine started, and those of this process and its children that have ended. */
export interface CpuTicks {
  total: number;
  busy: number;
  own: number;
}

/** Null where the system does not show it as Linux does. */
export function readTicks(): CpuTicks | null {
  try {
    return parseTicks(readFileSync('/proc/stat', 'utf8'), readFileSync('/proc/self/stat', 'utf8'));
  } catch {
    return null;
  }
}

export function parseTicks(machine: string, self: string): CpuTicks {
  // cpu  user nice system idle iowait irq softirq steal; a guest's time is part of the user's.
  const [user, nice, system, idle, iowait, irq, softirq, steal = 0] = numbers(machine.split('\n', 1)[0]);
  const busy = user + nice + system + irq + softirq + steal;
  // After the name in parentheses, which may hold anything: state, ppid, …; utime, stime, cutime, cstime.
  const own = numbers(self.slice(self.lastIndexOf(')'))).slice(11, 15);
  return { total: busy + idle + iowait, busy, own: own.reduce((sum, ticks) => sum + ticks, 0) };
}

/** Null where either is not known, or no tick has passed in between. */
export function othersShare(before: CpuTicks | null, after: CpuTicks | null): number | null {
  if (before === null || after === null || after.total === before.total) return null;
  const others = after.busy - before.busy - (after.own - before.own);
  return Math.min(1, Math.max(0, others / (after.total - before.total)));
}

/** Those of a line after its first word. */
function numbers(line: string): number[] {
  return line.trim().split(/\s+/).slice(1).map(Number);
}
