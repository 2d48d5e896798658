// mossctl bench as a script reads it: one JSON object, with the keys that results are compared by.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { sections } from '../../src/bench/run.js';
import { addBench } from '../../src/cli/machine-program.js';
import { mossctl } from '../e2e/cli.js';

test('bench --json prints one object with the documented keys', async () => {
  const only = ['--only', 'train,sft,align,decode,rollouts,neighbour,checkpoint', '--shape', '100k', '--steps', '1'];
  const words = [...only, '--batch', '2', '--context', '48', '--backend', 'wasm', '--json'];
  const { code, stdout, stderr } = await mossctl(['bench', ...words]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim().split('\n').length, 1);
  const { machine, gemm, ops, train, sft, align, decode, rollouts, neighbour, checkpoint, data, othersShare } =
    JSON.parse(stdout);
  const peak = machine.fp32PeakGflops;
  assert.ok(peak === null ? machine.missing.length > 0 && machine.bandwidthGBs === null : peak > 1);
  assert.deepEqual([gemm, ops, data], [[], [], []], 'not asked for');
  assert.deepEqual(neighbour, [], 'this backend takes no thread count');
  assert.deepEqual(Object.keys(othersShare), [
    'machine',
    'train',
    'sft',
    'align',
    'decode',
    'rollouts',
    'neighbour',
    'checkpoint',
  ]);
  assert.deepEqual([train[0].shape, train[0].precision, train[0].steps], ['100k', 'fp32', 1]);
  assert.deepEqual([train[0].rows, train[0].columns, train[0].tokensPerStep], [3, 48, 144]);
  assert.equal(train[0].ofPeak, peak === null ? null : train[0].gflops / peak);
  for (const key of ['tokensPerSecond', 'gflops', 'peakRssMiB', 'loss']) assert.ok(train[0][key] > 0, key);
  assert.deepEqual(
    sft.map((row: Record<string, unknown>) => [row.rank, row.trained, row.rows, row.columns, row.conversations]),
    [
      [0, 139_712, 3, 48, 2000],
      [16, 40_960, 3, 48, 2000],
    ],
  );
  for (const key of ['tokensPerSecond', 'epochSeconds', 'ofPretraining', 'peakRssMiB']) assert.ok(sft[1][key] > 0, key);
  assert.deepEqual([align[0].pairs, align[0].pairsPerStep, align[0].columns], [2000, 16, 48]);
  assert.ok(Math.abs(align[0].loss - Math.LN2) < 1e-3, 'the reference is the policy as it was');
  for (const key of ['tokensPerSecond', 'epochSeconds', 'referenceShare', 'peakRssMiB'])
    assert.ok(align[0][key] > 0, key);
  assert.deepEqual(
    decode.map((row: Record<string, unknown>) => [row.shape, row.precision, row.batch, row.context, row.temperature]),
    [
      ['100k', 'fp32', 2, 48, 0],
      ['100k', 'fp32', 2, 48, 1],
    ],
  );
  const measured = ['tokensPerSecond', 'promptTokensPerSecond', 'peakRssMiB'];
  for (const key of measured)
    assert.ok(
      decode.every((row: Record<string, number>) => row[key] > 0),
      key,
    );
  for (const key of ['ofBandwidth', 'bound', 'ofRoofline', 'promptOfRoofline']) {
    assert.ok(peak === null ? decode[0][key] === null : decode[0][key] !== null, key);
  }
  assert.deepEqual([rollouts[0].shape, rollouts[0].prompts, rollouts[0].answers], ['100k', 1, 6]);
  for (const key of ['tokens', 'seconds', 'answersPerSecond', 'peakRssMiB']) assert.ok(rollouts[0][key] > 0, key);
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

test('bench refuses an option that no section takes', async () => {
  const { code, stdout, stderr } = await mossctl([
    'bench',
    '--only',
    'machine,rollouts',
    '--context',
    '64',
    '--batch',
    '2',
  ]);
  assert.equal(code, 2);
  assert.equal(stdout, '', 'before anything is measured');
  assert.match(
    stderr,
    /--context has no effect on machine, rollouts\. Omit it, or add train or sft or align or decode to --only/,
  );
  assert.match(stderr, /--batch has no effect .* add decode to --only/);
});

test('bench refuses a number of threads where every process takes one', async () => {
  const { code, stdout, stderr } = await mossctl(['bench', '--only', 'machine,scale', '--threads', '4']);
  assert.equal(code, 2, stdout);
  assert.match(stderr, /--threads has no effect on scale\. Omit it: each of its processes takes one thread/);
  const both = await mossctl(['bench', '--only', 'scale,neighbour', '--threads', '4']);
  assert.equal(both.code, 2, both.stdout);
  assert.match(both.stderr, /no effect on neighbour, scale\. Omit it: it compares two threads with one; each of its/);
});

test('the help names every section', () => {
  const program = new Command();
  addBench(program);
  const only = program.commands[0].options.find(({ long }) => long === '--only');
  assert.equal(only?.description, `some of ${sections.join(', ')}`);
});

test('tables of decoding and of sampled answers fit a terminal of 80 columns', async () => {
  const only = ['--only', 'decode,rollouts', '--shape', '100k', '--steps', '1', '--batch', '2', '--backend', 'wasm'];
  const { code, stdout, stderr } = await mossctl(['bench', ...only]);
  assert.equal(code, 0, stderr);
  const lines = stdout.split('\n');
  assert.ok(lines.some((line) => /^batch 2, temperature 1 +\d/.test(line)));
  for (const line of lines.slice(lines.indexOf('decoding, 100k fp32, context 128'))) {
    assert.ok(line.length <= 80, line);
  }
});
