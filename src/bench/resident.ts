// Memory of this process that is in RAM. Linux counts what the parent held at the moment of a fork as `maxRSS` of the child:
// the high-water mark of /proc is the child's own.
import { existsSync, readFileSync } from 'node:fs';

/** Now (`VmRSS`), or at the most since it started (`VmHWM`). */
export function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const found = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1];
  if (found !== undefined) return Number(found) * 1024;
  return field === 'VmRSS' ? process.memoryUsage().rss : process.resourceUsage().maxRSS * 1024;
}
