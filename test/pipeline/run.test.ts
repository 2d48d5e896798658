// The runner's own logic, over small stages that write a file: skip, resume, replace, restore, parents.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { exists } from '../../src/base/files.js';
import { kebabCase } from '../../src/base/format.js';
import { loadYaml } from '../../src/base/yaml.js';
import { pipelineSchema, type StageName } from '../../src/config/pipeline.js';
import { resolved } from '../../src/pipeline/load.js';
import type { PipelineRun } from '../../src/pipeline/run.js';
import { checkBackends } from '../../src/tensor/backends.js';
import { abortedWhen } from '../signals.js';
import { folder, freshRun, stageNames, start, type World, whole, withDependents } from './world.js';

test('a first run does every stage in order; a second skips all and still has the table', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const first = await start(run, world);
  assert.deepEqual(world.ran, stageNames);
  assert.equal(await readlink(join(run, 'latest')), 'align/step-000002');
  assert.deepEqual(first.result.table?.columns[0].metrics, { reward: 1 });
  const second = await start(run, world);
  assert.deepEqual(world.ran, []);
  assert.deepEqual(second.result.skipped, stageNames);
  assert.deepEqual(second.result.table, first.result.table);
  assert.equal(second.events.filter((event) => event.type === 'table').length, 1, 'the table is shown again');
  assert.deepEqual(second.result.outputs, first.result.outputs);
  assert.ok(await exists(join(run, 'self-instruct', 'stage.json')));
  assert.equal(await exists(join(run, '.lock')), false);
});

test('the settings of a run are written so that they can be run again, wherever the folder is', async () => {
  const run = freshRun();
  await start(run, { ran: [] });
  assert.ok(!(await readFile(join(run, 'pipeline.yaml'), 'utf8')).includes(folder));
  assert.deepEqual(await loadYaml(join(run, 'pipeline.yaml'), pipelineSchema), whole());
});

test('stopped in any stage and run again, the result is that of an uninterrupted run', async () => {
  const straight = await start(freshRun(), { ran: [] });
  for (const stopAt of stageNames) {
    const run = freshRun();
    const world: World = { ran: [], stopAt };
    await assert.rejects(start(run, world), Interrupted);
    assert.equal(await exists(join(run, '.lock')), false);
    const again = await start(run, world);
    assert.equal(again.states.filter((state) => state.endsWith('resumed')).join(), `${stopAt} resumed`);
    assert.deepEqual(world.ran, stageNames.slice(stageNames.indexOf(stopAt)));
    const digests = (outputs: typeof again.result.outputs) => stageNames.map((name) => outputs[name]?.digest);
    assert.deepEqual(digests(again.result.outputs), digests(straight.result.outputs));
  }
});

test('a changed setting starts that stage afresh, keeps the old folder, and brings it back when undone', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  const changed = whole();
  if (changed.sft) changed.sft.train.epochs = 5;
  const { events } = await start(run, world, { config: changed });
  const affected = withDependents('sft');
  assert.ok(['sft', 'toolUse', 'align', 'eval'].every((name) => affected.includes(name as StageName)));
  assert.deepEqual(world.ran, affected);
  const kept = (await readdir(run)).filter((name) => name.includes('.replaced-'));
  assert.deepEqual(
    kept.map((name) => name.replace(/\.replaced-[0-9a-f]{8}$/, '')).sort(),
    affected.map(kebabCase).sort(),
  );
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  assert.equal(notes.length, affected.length);
  assert.match(notes[0], /sft changed: it starts afresh.*sft\.replaced-/);
  await start(run, world);
  assert.deepEqual(world.ran, [], 'the first settings are found again');
  assert.equal((await readdir(run)).filter((name) => name.includes('.replaced-')).length, affected.length);
  assert.equal(await readlink(join(run, 'latest')), 'align/step-000002');
});

test('to measure changes neither the settings of a run nor what its models were made from', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  const settings = await readFile(join(run, 'pipeline.yaml'), 'utf8');
  // Other tasks and other compute; self-instruct keeps its rows clear of what is measured with, and would begin anew.
  const other = { ...whole(), threads: 1 };
  if (other.selfInstruct) other.selfInstruct.count = 77;
  if (other.eval) other.eval.maxTasks = 3;
  await start(run, world, { config: other, only: 'eval' });
  assert.deepEqual(world.ran, ['eval']);
  assert.equal(await readFile(join(run, 'pipeline.yaml'), 'utf8'), settings);
  const folders = await readdir(run);
  assert.ok(!folders.some((name) => name.includes('.replaced-')), 'the first measuring stays where it is');
  assert.equal(folders.filter((name) => /^eval-[0-9a-f]{8}$/.test(name)).length, 1);
});

test('a changed file or outside input is noticed, a moved run folder or another backend is not', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  await start(run, world, { config: { ...whole(), backend: 'cpu' } });
  assert.deepEqual(world.ran, []);
  await start(run, world, { config: { ...whole(), threads: 1, precision: 'bf16' } });
  assert.deepEqual(world.ran, []);
  const copy = join(folder, 'copy.yaml');
  await writeFile(copy, 'name: x\n');
  const moved = whole();
  if (moved.data) moved.data.spec = copy;
  const config = { ...moved, selfInstruct: undefined, align: undefined, eval: undefined, sft: undefined };
  await start(run, world, { config });
  assert.deepEqual(world.ran, [], 'the same content under another name');
  world.outside = 'changed';
  await start(run, world, { config });
  assert.deepEqual(world.ran, ['data'], 'equal output: what follows is not done again');
});

test('what a stage knows to be wrong is said before the first one starts, unless it has finished', async () => {
  const run = freshRun();
  const world: World = { ran: [], refused: 'selfInstruct' };
  await assert.rejects(start(run, world), /selfInstruct cannot work/);
  assert.deepEqual(world.ran, []);
  assert.equal(await exists(run), false);
  await start(run, { ran: [] });
  assert.equal((await start(run, world)).result.skipped.length, stageNames.length);
});

test('a backend that cannot run here, or not as asked, is refused before the first stage starts', async () => {
  const world: World = { ran: [] };
  const missing = (await checkBackends()).find(({ available }) => !available);
  if (missing !== undefined) {
    const config = { ...whole(), backend: missing.name };
    await assert.rejects(start(freshRun(), world, { config }), /cannot run here/);
  }
  for (const asked of [{ threads: 2 }, { precision: 'bf16' as const }]) {
    const config = { ...whole(), backend: 'wasm' as const, ...asked };
    await assert.rejects(start(freshRun(), world, { config }), /the backend wasm (takes no thread|computes in fp32)/);
  }
  assert.deepEqual(world.ran, []);
});

test('the models are told with what they handed on', async () => {
  const run = freshRun();
  const { result, events } = await start(run, { ran: [] });
  assert.deepEqual(
    result.models.map(({ stage, digest }) => [stage, digest]),
    (['pretrain', 'sft', 'toolUse', 'align'] as const).map((stage) => [stage, result.outputs[stage]?.digest]),
  );
  const finished = events.flatMap((event) => (event.type === 'stage' && event.state === 'finished' ? [event] : []));
  assert.deepEqual(
    finished.map(({ detail }) => detail),
    stageNames.map((name) => `${kebabCase(name)}/step-000002`),
  );
});

test('what is missing is told with commands that can be typed', async () => {
  const only = (name: StageName, config = resolved(pipelineSchema.parse({ [name]: {} }))) =>
    start('runs/x', { ran: [] }, { only: name, config }).catch((error: Error) => error.message);
  assert.match(
    String(await only('pretrain')),
    /^pretrain needs a tokenised corpus\. .* no data and no tokenizer block.*--config quickstart.*"mossctl data build SPEC --out runs\/x"[^\n]*$/,
  );
  const continued = resolved(
    pipelineSchema.parse({
      pretrain: { from: fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url)) },
    }),
  );
  assert.match(
    String(await only('pretrain', continued)),
    /^pretrain needs a tokenised corpus\. .* has no data block to make it from\..*--set data\.spec=SPEC/,
  );
  assert.match(String(await only('eval')), /^there is no checkpoint to evaluate\. .*mossctl eval CHECKPOINT\.$/);
  assert.match(String(await only('tokenizer')), /Run "mossctl data build SPEC --out runs\/x" first/);
});

test('one stage alone brings what prepares its data, and never a model', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const only = (name: StageName, options: Partial<PipelineRun> = {}) => start(run, world, { only: name, ...options });
  await assert.rejects(only('sft'), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.faults.length, 1);
    assert.match(error.message, /needs the output of pretrain.*mossctl pretrain --out .*--from CHECKPOINT/);
    return true;
  });
  assert.deepEqual(world.ran, []);
  await only('pretrain');
  assert.deepEqual(world.ran, ['data', 'tokenizer', 'tokens', 'pretrain']);
  assert.equal(await readlink(join(run, 'latest')), 'pretrain/step-000002');
  await only('sft');
  assert.deepEqual(world.ran, ['selfInstruct', 'sft']);
  await only('pretrain');
  assert.equal(await readlink(join(run, 'latest')), 'sft/step-000002', 'a skipped stage does not move latest back');
});

test('what a stage builds on may follow from its settings', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const only = (options: Partial<PipelineRun> = {}) => start(run, world, { only: 'sft', ...options });
  await start(run, world, { only: 'pretrain' });
  await only();
  assert.deepEqual(world.ran, ['selfInstruct', 'sft']);
  const mixed = whole();
  if (mixed.sft) mixed.sft.textShare = 0.2;
  await only({ config: mixed });
  assert.deepEqual(world.ran, ['sft'], 'the tokens are there: only sft changed');
  const alone = { ...mixed, data: undefined, tokenizer: undefined };
  const refused = start(freshRun(), world, { only: 'sft', config: alone });
  await assert.rejects(refused, /sft needs a tokenised corpus \(sft\.textShare\)/);
});

test('--resume resumes an interrupted stage and refuses everything else', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const resume = () => start(run, world, { only: 'pretrain', resume: true });
  await assert.rejects(resume, /no interrupted pretrain to resume.*never started/);
  world.stopAt = 'pretrain';
  await assert.rejects(start(run, world, { only: 'pretrain' }), Interrupted);
  const changed = whole();
  if (changed.pretrain) changed.pretrain.train.steps = 9;
  const settings = await readFile(join(run, 'pipeline.yaml'), 'utf8');
  await assert.rejects(start(run, world, { only: 'pretrain', resume: true, config: changed }), /other settings/);
  assert.equal(await readFile(join(run, 'pipeline.yaml'), 'utf8'), settings, 'a refusal changes nothing');
  assert.deepEqual((await resume()).states.at(-2), 'pretrain resumed');
  await assert.rejects(resume, /already finished/);
});

test('missing files are all named before anything runs', async () => {
  const config = whole();
  if (config.sft) config.sft.data = join(folder, 'none.jsonl');
  if (config.eval) config.eval.tasks = join(folder, 'nothing.jsonl');
  const world: World = { ran: [] };
  await assert.rejects(start(freshRun(), world, { config }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.deepEqual(
      error.faults.map(({ what }) => what.split(' ')[0]),
      ['sft.data', 'eval.tasks'],
    );
    return true;
  });
  assert.deepEqual(world.ran, []);
});

test('an empty pipeline, and --from beside a pretrain block, are refused', async () => {
  const config = resolved(pipelineSchema.parse({}));
  await assert.rejects(start(freshRun(), { ran: [] }, { config }), /no stage to run/);
  const run = freshRun();
  await assert.rejects(start(run, { ran: [] }, { from: join(folder, 'none') }), /not a mossctl checkpoint/);
});

test('a folder of the person in the place of a stage is left alone', async () => {
  const run = freshRun();
  await mkdir(join(run, 'data'), { recursive: true });
  await writeFile(join(run, 'data', 'mine.txt'), 'mine');
  await assert.rejects(start(run, { ran: [] }), /in the way/);
  assert.equal(await readFile(join(run, 'data', 'mine.txt'), 'utf8'), 'mine');
});

test('a stop that was asked for between stages ends with Interrupted', async () => {
  const world: World = { ran: [] };
  const signal = abortedWhen(() => world.ran.includes('tokenizer'));
  await assert.rejects(start(freshRun(), world, { signal }), Interrupted);
  assert.deepEqual(world.ran, ['data', 'tokenizer']);
});
