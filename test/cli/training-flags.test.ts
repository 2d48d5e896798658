// The keys of a trainer that are set most often have flags of their own; a length takes the place of the file's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildProgram } from '../../src/cli/program.js';
import { findRun, type StageRun } from '../../src/cli/run-stages.js';

const sftOf = async (options: StageRun) =>
  (await findRun({ only: 'sft', config: 'quickstart', ...options })).config.sft?.train;

test('flags set what they are named after, in the stage that is run', async () => {
  const train = await sftOf({ epochs: '2.5', batchSize: '3', learningRate: '7e-5' });
  assert.deepEqual([train?.epochs, train?.batchSize, train?.learningRate], [2.5, 3, 7e-5]);
  const { pretrain } = (await findRun({ only: 'pretrain', config: 'quickstart', learningRate: '1e-3' })).config;
  assert.equal(pretrain?.train.learningRate, 1e-3);
});

test('--epochs decides where the file has steps or tokens, and --steps where it has tokens', async () => {
  const written = { set: ['sft.train.steps=9'] };
  assert.equal((await sftOf(written))?.steps, 9);
  const { pretrain } = (await findRun({ only: 'pretrain', config: 'tools', epochs: '1' })).config;
  assert.deepEqual([pretrain?.train.epochs, pretrain?.train.steps], [1, undefined]);
  const told = (await findRun({ only: 'pretrain', config: 'tools', steps: '5' })).config.pretrain?.train;
  assert.equal(told?.steps, 5);
});

test('--set beside a flag is a second word on the same thing, and the flag is the last', async () => {
  assert.equal((await sftOf({ learningRate: '1e-4', set: ['sft.train.learningRate=2e-4'] }))?.learningRate, 1e-4);
});

test('a value that is none is told by its flag, and two lengths are refused', async () => {
  await assert.rejects(sftOf({ epochs: 'many' }), /--epochs many: .*must be a number|expected number/);
  await assert.rejects(
    sftOf({ epochs: '2', set: ['sft.train.steps=9'] }),
    /--epochs and --set sft\.train\.steps=9 each say how long/,
  );
  const program = buildProgram(() => '').exitOverride();
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });
  await assert.rejects(
    program.parseAsync(['sft', '--epochs', '1', '--steps', '2'], { from: 'user' }),
    /'--epochs <number>' cannot be used with option '--steps <number>'/,
  );
});
