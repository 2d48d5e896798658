// Where a reward model stands in a run: made from the chat model, read by alignment only where it is one of the scorers, and never
// what a run has come to.
import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import type { PipelineConfig } from '../../src/config/pipeline.js';
import { stageTable } from '../../src/stages/catalog.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';

import { folder, freshRun, start, type World, whole } from './world.js';

const parent = join(folder, 'reward/sft/step-000010');
await saveCheckpoint(parent, checkpointContent(10));

const { pretrain: _, tokenizer: __, data: ___, sft: ____, toolUse: _____, eval: ______, ...aligned } = whole();
const scoredBy = (config: PipelineConfig, scorers: NonNullable<PipelineConfig['align']>['scorers']): PipelineConfig =>
  config.align === undefined ? config : { ...config, align: { ...config.align, scorers } };

test('alone, it starts from the model that is named, says so in the settings, and is not the latest', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const { result } = await start(run, world, { config: aligned, only: 'rewardModel', from: parent });
  assert.deepEqual(world.ran, ['selfInstruct', 'rewardModel']);
  assert.ok(world.inputs?.includes('sft'));
  assert.ok(result.models.every(({ stage }) => stage !== 'rewardModel'));
  await assert.rejects(readlink(join(run, 'latest')), { code: 'ENOENT' });
});

test('alignment reads it where it scores, and is never trained by it unasked', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const config = scoredBy(aligned, ['rules', 'reward-model']);
  await assert.rejects(
    start(run, world, { config, only: 'align', from: parent }),
    /align needs the output of align --only reward-model \(align\.scorers\)/,
  );
  await start(run, world, { config, from: parent });
  assert.deepEqual(world.ran, ['selfInstruct', 'rewardModel', 'align']);
  assert.ok(world.inputs?.includes('rewardModel'));
  assert.equal(await readlink(join(run, 'latest')), 'align/step-000002');
  await start(freshRun(), world, { config: scoredBy(aligned, undefined), from: parent });
  assert.ok(!world.inputs?.includes('rewardModel'), 'nobody asked for its scores');
});

test('where alignment names the model that it starts from, its reward model is made from that too', async () => {
  const world: World = { ran: [] };
  const { align } = aligned;
  const config = scoredBy({ ...aligned, align: align && { ...align, from: parent } }, ['reward-model']);
  await start(freshRun(), world, { config });
  assert.deepEqual(world.ran, ['selfInstruct', 'rewardModel', 'align']);
  assert.equal(stageTable.rewardModel.output, 'reward');
});

test('in a whole run a model that the reward model is to start from is refused, and none goes from the plan for it', async () => {
  const { rewardModel, ...others } = whole();
  const world: World = { ran: [] };
  const config = { ...others, rewardModel: rewardModel && { ...rewardModel, from: parent } };
  await assert.rejects(
    start(freshRun(), world, { config }),
    /starts from the chat model of that run.*--only reward-model/s,
  );
  assert.deepEqual(world.ran, []);
});

test('where only what it is measured by changes, it resumes at its end; where its training does, it starts afresh', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const { rewardModel, align: _align, ...others } = aligned;
  const block = rewardModel ?? assert.fail();
  const go = (changed: Partial<typeof block>) => {
    const config = { ...others, rewardModel: { ...block, ...changed } };
    return start(run, world, { config, only: 'rewardModel', from: parent });
  };
  await go({});
  const licence = { ...block.licence, calibration: 0.2 };
  const { states } = await go({ licence });
  assert.deepEqual(states, ['selfInstruct skipped', 'rewardModel resumed', 'rewardModel finished']);
  const replaced = async () => (await readdir(run)).filter((name) => name.startsWith('reward-model.replaced'));
  assert.deepEqual(await replaced(), []);
  await go({ licence, centerWeight: 0.5 });
  assert.equal((await replaced()).length, 1);
});
