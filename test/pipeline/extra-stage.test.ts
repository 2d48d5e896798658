// A stage that the catalog does not have, added as one row: the runner plans, runs, skips, resumes and links it by what
// its row says, and its missing parent is reported like any other's.
import assert from 'node:assert/strict';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import type { PipelineConfig, StageName } from '../../src/config/pipeline.js';
import { modelStagesOf, stageTable } from '../../src/stages/catalog.js';
import type { StageRow, StageTable } from '../../src/stages/stage-row.js';
import { countingStage, freshRun, stageNames, start, tableOf, type World, whole } from './world.js';

const extra = 'judgeModel' as StageName;

const row: Omit<StageRow, 'load'> = {
  command: 'judge-model',
  output: 'checkpoint',
  requires: () => [['sft'], ['selfInstruct']],
  uses: ['data'],
  alternatives: { selfInstruct: 'give preferences with --data FILE' },
  otherData: 'other judgements',
  fixed: { 'judgeModel.head': 'the weights belong to it' },
};

/** The block of the stage that comes last. */
const withExtra = (block: object): PipelineConfig => ({ ...whole(), [extra]: block });

const stagesWith = (world: World): StageTable => ({
  ...tableOf(world),
  [extra]: { ...row, load: countingStage(extra, world) },
});

const run = (folder: string, world: World, block: object, options: Partial<Parameters<typeof start>[2]> = {}) =>
  start(folder, world, { config: withExtra(block), stages: stagesWith(world), ...options });

test('one more row is one more stage: in its place, with its inputs, resumed, skipped, and linked as the latest', async () => {
  const folder = freshRun();
  const world: World = { ran: [], stopAt: extra };
  await assert.rejects(run(folder, world, { head: 1 }), Interrupted);
  assert.deepEqual(world.ran, [...stageNames, extra]);
  const { result, states } = await run(folder, world, { head: 1 });
  assert.deepEqual(world.ran, [extra]);
  assert.equal(states.at(-2), 'judgeModel resumed');
  assert.deepEqual(world.inputs, ['data', 'selfInstruct', 'sft']);
  assert.equal(await readlink(join(folder, 'latest')), 'judge-model/step-000002');
  assert.deepEqual(
    result.models.map(({ stage }) => stage),
    [...modelStagesOf(stageTable), extra],
  );
  assert.equal((await run(folder, world, { head: 1 })).result.skipped.length, stageNames.length + 1);
});

test('alone, it brings what prepares its data, and names the parent that it lacks as its row says', async () => {
  const folder = freshRun();
  const world: World = { ran: [] };
  const only = (options = {}) => run(folder, world, {}, { only: extra, ...options });
  await assert.rejects(
    only(),
    /^UserError: judge-model needs the output of sft\. .*"mossctl sft --out .*--from CHECKPOINT/,
  );
  const { selfInstruct: _, ...others } = withExtra({});
  await assert.rejects(only({ config: others }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.faults.length, 2);
    assert.match(error.message, /"mossctl self-instruct --out .*" first, or give preferences with --data FILE/);
    return true;
  });
  await start(folder, world, { only: 'pretrain' });
  await start(folder, world, { only: 'sft' });
  await only();
  assert.deepEqual(world.ran, [extra]);
});

test('what its row calls fixed can never be overridden', async () => {
  const folder = freshRun();
  const world: World = { ran: [], stopAt: extra };
  await assert.rejects(run(folder, world, { head: 1, rate: 1 }), Interrupted);
  const resume = (block: object) => run(folder, world, block, { only: extra, resume: true });
  await assert.rejects(resume({ head: 1, rate: 2 }), /judgeModel\.rate: 1 → 2\. To resume/);
  await assert.rejects(resume({ head: 2, rate: 1 }), /judgeModel\.head: 1 → 2\. The weights belong to it/);
});
