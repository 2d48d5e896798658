// Where a run starts from, kept in its settings so that it can be made again; and what a try that was refused leaves behind: nothing.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { sha256, writeFileAtomic } from '../../src/base/files.js';
import { resolveCheckpoint } from '../../src/checkpoint/history.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { loadPipeline, resolved } from '../../src/pipeline/load.js';
import type { Event } from '../../src/report/event.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';
import { folder, freshRun, start, type World, whole } from './world.js';

const parent = join(folder, 'parent/pretrain/step-000010');
await saveCheckpoint(parent, checkpointContent(10));

const settings = (run: string) => loadPipeline({ config: join(run, 'pipeline.yaml') });

test('--from is kept in the settings of the run: with them alone it is the same run again', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const { pretrain: _, tokenizer: __, data: ___, toolUse: ____, rewardModel: _____, eval: ______, ...tuned } = whole();
  await start(run, world, { config: tuned, from: parent });
  assert.deepEqual(world.ran, ['selfInstruct', 'sft', 'align']);
  const config = await settings(run);
  assert.equal(config.sft?.from, parent);
  const again = await start(run, world, { config });
  assert.deepEqual(world.ran, [], 'all of it is done');
  assert.equal(again.result.models[0].path, parent);
  const elsewhere = freshRun();
  await start(elsewhere, world, { config });
  assert.equal((await settings(elsewhere)).sft?.from, parent);
});

test('sft.from in a file that pretrains as well: what leads nowhere is not run, and that is said', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const config = whole();
  const named = { ...config, sft: { ...config.sft, from: parent } } as typeof config;
  const { events } = await start(run, world, { config: named });
  assert.ok(!world.ran.includes('pretrain') && world.ran.includes('sft'));
  assert.ok(events.some((event) => event.type === 'note' && /pretrain is not run: sft\.from names/.test(event.text)));
});

test('one stage with rows of its own builds nothing that it does not read', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const config = whole();
  const rows = { ...config, sft: { ...config.sft, data: parent, textShare: 0 } } as typeof config;
  await start(run, world, { config: rows, only: 'sft', from: parent });
  assert.deepEqual(world.ran, ['sft']);
});

test('a refused try leaves the settings, and the stage that was there, as they were', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  const before = await readFile(join(run, 'pipeline.yaml'), 'utf8');
  const names = await readdir(run);
  const config = whole();
  const other = { ...config, align: { ...config.align, rounds: 7 } } as typeof config;
  world.refuses = 'align';
  const states: string[] = [];
  const emit = (event: Event): void =>
    void (event.type === 'stage' && event.state !== 'skipped' && states.push(`${event.stage} ${event.state}`));
  const refused = { config: other, only: 'align', reporter: { emit } } as const;
  for (let i = 0; i < 3; i++) await assert.rejects(start(run, world, refused), UserError);
  const taken = ['align started', 'align taken back'];
  assert.deepEqual(states, [...taken, ...taken, ...taken], 'or the curves of the stage that is there would be erased');
  assert.equal(await readFile(join(run, 'pipeline.yaml'), 'utf8'), before);
  assert.deepEqual((await readdir(run)).sort(), names.sort());
  world.refuses = undefined;
  const { result } = await start(run, world);
  assert.equal(result.skipped.length, Object.keys(result.outputs).length);
  const fresh = freshRun();
  world.refuses = 'data';
  await assert.rejects(start(fresh, world, { only: 'data' }), UserError);
  assert.deepEqual(await readdir(fresh), []);
});

test('eval typed after a run that starts from a named model measures what the run measured: it is unchanged', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const data = join(folder, 'measured.jsonl');
  await writeFile(data, '{}\n');
  const blocks = { sft: { from: parent, data, textShare: 0 }, eval: {} };
  const config = resolved(pipelineSchema.parse({ name: 'measured', ...blocks }));
  await start(run, world, { config });
  assert.ok(world.inputs?.includes('pretrain'), 'the named model is a column of its own');
  const names = await readdir(run);
  const again = await start(run, world, { config: await settings(run), only: 'eval' });
  assert.deepEqual([world.ran, again.result.skipped], [[], ['eval']]);
  assert.deepEqual(await readdir(run), names, 'and nothing is set aside');
  const gone = { ...config, sft: { ...config.sft, from: join(folder, 'gone') } } as typeof config;
  const { events } = await start(run, world, { config: gone, only: 'eval' });
  assert.ok(events.some((event) => event.type === 'note' && /gone, which sft started from, is not/.test(event.text)));
});

test('eval with other settings changes nothing of the run', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  const before = await readFile(join(run, 'pipeline.yaml'), 'utf8');
  const config = whole();
  const other = { ...config, threads: 1, eval: { ...config.eval, maxTasks: 3 } } as typeof config;
  const { result } = await start(run, world, { config: other, only: 'eval' });
  assert.deepEqual(world.ran, ['eval']);
  assert.ok(result.table);
  assert.equal(await readFile(join(run, 'pipeline.yaml'), 'utf8'), before);
  assert.deepEqual(
    (await readdir(run)).filter((name) => name.includes('replaced')),
    [],
  );
  const own = await start(run, world);
  assert.ok(own.result.skipped.includes('eval'), 'the evaluation of the run is still there');
});

test('a folder of align means what the stage ended with', async () => {
  const run = join(folder, 'aligned');
  const promoted = join(run, 'align/round-02/step-000003');
  await saveCheckpoint(promoted, checkpointContent(3));
  await saveCheckpoint(join(run, 'align/round-03/step-000003'), checkpointContent(3));
  const record = { stage: 'align', state: 'finished', inputDigest: '', files: {} };
  const output = { path: 'align/round-02/step-000003', digest: '', metrics: {} };
  const value = { ...record, output };
  await writeFileAtomic(
    join(run, 'align/stage.json'),
    `${JSON.stringify({ ...value, seal: sha256(JSON.stringify(value)) }, undefined, 2)}\n`,
  );
  assert.equal(await resolveCheckpoint(join(run, 'align')), promoted);
  await mkdir(join(run, 'other'), { recursive: true });
  await writeFile(join(run, 'other/stage.json'), '{}');
  await assert.rejects(resolveCheckpoint(join(run, 'other')), /not a mossctl checkpoint/);
});
