// mossctl bench as a script reads it: one JSON object, with the keys that results are compared by.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mossctl } from '../e2e/cli.js';

test('bench --json prints one object with the documented keys', async () => {
  const words = ['--only', 'train,decode,checkpoint', '--shape', '100k', '--steps', '1', '--backend', 'wasm', '--json'];
  const { code, stdout, stderr } = await mossctl(['bench', ...words]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim().split('\n').length, 1);
  const { machine, gemm, ops, train, decode, checkpoint, data } = JSON.parse(stdout);
  const peak = machine.fp32PeakGflops;
  assert.ok(peak === null ? machine.missing.length > 0 && machine.bandwidthGBs === null : peak > 1);
  assert.deepEqual([gemm, ops, data], [[], [], []], 'not asked for');
  assert.deepEqual([train[0].shape, train[0].precision, train[0].steps], ['100k', 'fp32', 1]);
  assert.equal(train[0].ofPeak, peak === null ? null : train[0].gflops / peak);
  for (const key of ['tokensPerSecond', 'gflops', 'peakRssMiB', 'loss']) assert.ok(train[0][key] > 0, key);
  assert.deepEqual(
    decode.map((row: { batch: number }) => row.batch),
    [1, 32],
  );
  const [saved, ...others] = checkpoint;
  assert.deepEqual([saved.shape, saved.rounds, saved.bytes, others], ['100k', 1, 12 * 139_712, []]);
  const keys = 'save open openUnverified dd write read hash saveOfDd saveOfWrite openOfRead openUnverifiedOfRead';
  for (const key of `${keys} stallMilliseconds stallOfSave openPeakOfWeights`.split(' ')) assert.ok(key in saved, key);
});

test('bench names the word it does not know, and the nearest that it does', async () => {
  const { code, stdout, stderr } = await mossctl(['bench', '--only', 'trian', '--shape', '9b']);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /--only: there is no trian\. Did you mean train\?/);
});
