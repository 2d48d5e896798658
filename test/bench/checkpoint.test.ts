// Saving and opening as the benchmark counts them: all the bytes, both baselines, and nothing left on the disk.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { measureCheckpoint, peakOfOpening } from '../../src/bench/checkpoint.js';
import { shapeOf } from '../../src/bench/shapes.js';
import { openBackend } from '../../src/tensor/backends.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-bench-'));
after(() => rm(folder, { recursive: true }));
before(() => openBackend('wasm'));

test('weights and moments are saved and opened beside the same bytes, and deleted', async () => {
  const result = await measureCheckpoint(shapeOf('1m'), { folder, rounds: 2, seed: 1 });
  assert.deepEqual([result.shape, result.rounds], ['1m', 2]);
  assert.deepEqual([result.weightBytes, result.bytes], [4 * 1_328_512, 12 * 1_328_512]);
  for (const name of ['save', 'open', 'openUnverified', 'write', 'read', 'hash'] as const) {
    const { megabytesPerSecond, quartiles } = result[name];
    assert.ok(quartiles[0] > 0 && quartiles[0] <= megabytesPerSecond && megabytesPerSecond <= quartiles[1], name);
  }
  for (const name of ['saveOfWrite', 'openOfRead', 'openUnverifiedOfRead', 'stallMilliseconds'] as const) {
    assert.ok(result[name] > 0, name);
  }
  assert.equal(result.dd === null, result.saveOfDd === null);
  assert.ok(result.stallOfSave > 0 && result.stallOfSave < 1, `${result.stallOfSave}`);
  // 5 MB of weights cannot be opened in less, and the rest of Node does not count.
  assert.ok(result.openPeakOfWeights > 0.5 && result.openPeakOfWeights < 8, `${result.openPeakOfWeights}`);
  assert.deepEqual(await readdir(folder), []);
});

test('without dd its column is null', async () => {
  const path = process.env.PATH;
  process.env.PATH = folder;
  try {
    const result = await measureCheckpoint(shapeOf('100k'), { folder, rounds: 1, seed: 1 });
    assert.deepEqual([result.dd, result.saveOfDd], [null, null]);
    assert.ok(result.save.megabytesPerSecond > 0);
  } finally {
    process.env.PATH = path;
  }
});

test('what goes wrong in the child is said here', async () => {
  await assert.rejects(peakOfOpening(join(folder, 'nothing')), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /There is nothing at this path/);
    return true;
  });
});
