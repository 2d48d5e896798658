// Two processes under a real mpirun beside one: what is counted, and never how fast it is.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { measureScale } from '../../src/bench/scale.js';
import { scaleTable } from '../../src/cli/scale-text.js';

const job = { shape: '100k', precision: 'fp32', backend: 'wasm', seed: 1, steps: 1, rounds: 1 } as const;
const skip = spawnSync('mpirun', ['--version']).status === 0 ? false : 'mpirun is not installed';

test('two processes move the fewest bytes that data parallelism can do with', { skip }, async () => {
  const result = await measureScale(job);
  assert.ok('efficiency' in result, JSON.stringify(result));
  assert.equal(result.minBytesPerStep, 4 * 139_712);
  assert.ok(Math.abs(result.bytesPerStep - result.minBytesPerStep) <= 16, String(result.bytesPerStep));
  const { one, together } = result.tokensPerSecond;
  assert.equal(result.efficiency, together / (2 * one));
  assert.ok(result.exchangeShare > 0 && result.exchangeShare < 1, String(result.exchangeShare));
  assert.equal(result.peakRssMiB.together.length, 2);
  assert.match(scaleTable([result]), /100k, 2 of 1 thread .*\n100k: (Open MPI|MPICH|mpich).*peak RSS \d+, \d+ MiB/i);
});

test('without mpirun nothing is measured, and it is said why', async () => {
  const { PATH } = process.env;
  process.env.PATH = '';
  try {
    const result = await measureScale(job);
    assert.deepEqual(result, { missing: 'there is no mpirun here' });
    assert.match(scaleTable([result]), /not measured, because there is no mpirun here/);
  } finally {
    process.env.PATH = PATH;
  }
});
