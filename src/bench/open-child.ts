// The child of open-process: a path comes in, the bytes that opening it took at the most go out.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { openCheckpoint } from '../checkpoint/directory.js';
import { resolveCheckpoint } from '../checkpoint/history.js';
import type { OpenAnswer } from './open-process.js';

process.once('message', async (path) => {
  const answer: OpenAnswer = await taken(path as string).catch((error: Error) => ({ failure: error.message }));
  if (process.connected) process.send?.(answer, () => process.disconnect());
});

async function taken(path: string): Promise<OpenAnswer> {
  await resolveCheckpoint(path); // what a first call loads is not counted
  const before = residentBytes('VmRSS');
  forgetPeak();
  const { weights } = await openCheckpoint(path);
  const bytes = residentBytes('VmHWM') - before;
  return weights.size > 0 ? { bytes } : { failure: 'it has no weights' };
}

/** Linux starts the high-water mark afresh; elsewhere the peak is that of the whole process. */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux, or not allowed: the peak then covers the start too, which is far below that of any real model.
  }
}

function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const found = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1];
  if (found !== undefined) return Number(found) * 1024;
  return field === 'VmRSS' ? process.memoryUsage().rss : process.resourceUsage().maxRSS * 1024;
}
