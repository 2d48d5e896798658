// Waiting for what another process or a later turn of the event loop brings about: as long as it takes on a busy machine, and
// not for ever.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 60_000;

/** What `look` finds, asked every few milliseconds. Fails with `what` after a minute. */
export async function found<T>(look: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  const started = performance.now();
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    assert.ok(performance.now() - started < patienceMs, `after a minute still not there: ${what}`);
    await sleep(2);
  }
}

/** The same for what holds at last. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await found(async () => ((await holds()) ? true : undefined), what);
}
