// Opens a checkpoint in a process of its own, for checkpoint.ts: a path comes in, the bytes that it took at the most go out.
import { writeFileSync } from 'node:fs';
import { UserError } from '../base/errors.js';
import { openCheckpoint } from '../checkpoint/directory.js';
import { resolveCheckpoint } from '../checkpoint/history.js';
import { answerParent } from './child.js';
import { residentBytes } from './resident.js';

answerParent(async (path: string) => {
  await resolveCheckpoint(path); // what a first call loads is not counted
  const before = residentBytes('VmRSS');
  forgetPeak();
  const { weights } = await openCheckpoint(path);
  const bytes = residentBytes('VmHWM') - before;
  if (weights.size === 0) throw new UserError({ what: 'it has no weights', where: path });
  return bytes;
});

/** Linux starts the high-water mark afresh; elsewhere the peak is that of the whole process. */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux, or not allowed: the peak then covers the start too, which is far below that of any real model.
  }
}
