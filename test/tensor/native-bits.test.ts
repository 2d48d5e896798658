// The same thread count gives the same bits, run after run: in two processes, whose memory lies elsewhere and whose
// threads meet at other moments, in another order of runs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RunOfThreads } from './native-run.js';
import { openNative } from './native-world.js';

const program = fileURLToPath(new URL('native-run.ts', import.meta.url));

async function runsWith(threads: number[]): Promise<RunOfThreads[]> {
  const args = ['--import', 'tsx', program, ...threads.map(String)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const runs = JSON.parse(stdout) as RunOfThreads[];
  return runs.sort((a, b) => a.threads - b.threads);
}

test('20 steps in two processes give the same weights with 1, 2 and 3 threads', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const [one, other] = await Promise.all([runsWith([2, 3, 1]), runsWith([3, 1, 2])]);
  assert.deepEqual(one, other);
  const [single, ...several] = one;
  assert.ok(single.losses[0] - (single.losses.at(-1) ?? 0) > 0.5, 'it learns');
  for (const { threads, losses } of several) {
    losses.forEach((loss, step) => {
      const difference = Math.abs(loss / single.losses[step] - 1);
      // Threads divide sums, so the last digits differ; 20 steps of training magnify that.
      assert.ok(difference < 1e-5, `${threads} threads, step ${step + 1}: ${loss}, not ${single.losses[step]}`);
    });
  }
});
