// The runner's own logic, over small stages that write a file: skip, resume, replace, restore, lock, parents.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { digestOf, exists, writeFileAtomic } from '../../src/base/files.js';
import { loadYaml } from '../../src/base/yaml.js';
import { type PipelineConfig, pipelineSchema } from '../../src/config/pipeline.js';
import { type PipelineRun, runPipeline } from '../../src/pipeline/run.js';
import type { Event } from '../../src/report/event.js';
import type { StageConfigs, StageTable } from '../../src/stages/index.js';
import { type Stage, type StageName, stageNames } from '../../src/stages/stage.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-run-'));
after(() => rm(folder, { recursive: true }));

const needs: Record<StageName, StageName[]> = {
  data: [],
  tokenizer: ['data'],
  tokens: ['data', 'tokenizer'],
  pretrain: ['tokenizer', 'tokens'],
  selfInstruct: ['data'],
  sft: ['pretrain', 'selfInstruct'],
  align: ['sft', 'selfInstruct'],
  eval: ['pretrain', 'sft', 'align', 'tokens'],
};

/** What happened, in order; `stopAt` makes that stage stop halfway, once. */
interface World {
  ran: StageName[];
  stopAt?: StageName;
  outside?: string;
}

/** A stage that counts to two in its folder, a step at a time, going on from where it was stopped. */
function countingStage<Name extends StageName>(name: Name, world: World): () => Promise<Stage<StageConfigs[Name]>> {
  return async () => ({
    name,
    needs: needs[name],
    inputDigest: async () => (name === 'data' ? (world.outside ?? '') : ''),
    async run(job) {
      world.ran.push(name);
      const count = join(job.directory, 'count');
      for (let done = (await exists(count)) ? Number(await readFile(count, 'utf8')) : 0; done < 2; done++) {
        await writeFileAtomic(count, String(done + 1));
        if (world.stopAt === name) {
          world.stopAt = undefined;
          throw new Interrupted('stopped');
        }
      }
      const path = join(job.directory, 'step-000002');
      await mkdir(path, { recursive: true });
      await writeFile(join(path, 'mossctl.json'), JSON.stringify({ name, config: job.config ?? null }));
      if (name === 'eval') {
        const columns = [{ label: 'base', checkpoint: 'x', metrics: { reward: 1 } }];
        job.reporter.emit({ type: 'table', stage: name, columns });
      }
      // Equal work, equal digest: made of the inputs' names and the settings, not of where files lie.
      const settings = { ...job.config, spec: undefined };
      return { path, digest: digestOf([name, settings, Object.keys(job.inputs)]), metrics: { count: 2 } };
    },
  });
}

const tableOf = (world: World): StageTable => ({
  data: countingStage('data', world),
  tokenizer: countingStage('tokenizer', world),
  tokens: countingStage('tokens', world),
  pretrain: countingStage('pretrain', world),
  selfInstruct: countingStage('selfInstruct', world),
  sft: countingStage('sft', world),
  align: countingStage('align', world),
  eval: countingStage('eval', world),
});

const specPath = join(folder, 'spec.yaml');
await writeFile(specPath, 'name: x\n');

const whole = (): PipelineConfig =>
  pipelineSchema.parse({
    name: 'test',
    data: { spec: specPath },
    tokenizer: {},
    pretrain: {},
    selfInstruct: { seeds: specPath },
    sft: {},
    align: {},
    eval: {},
  });

async function start(runDirectory: string, world: World, options: Partial<PipelineRun> = {}) {
  const events: Event[] = [];
  world.ran = [];
  const result = await runPipeline({
    config: whole(),
    runDirectory,
    reporter: { emit: (event) => events.push(event) },
    interrupt: { requested: false },
    stages: tableOf(world),
    ...options,
  });
  const states = events.flatMap((event) => (event.type === 'stage' ? [`${event.stage} ${event.state}`] : []));
  return { result, events, states };
}

let runs = 0;
const freshRun = (): string => join(folder, `run-${++runs}`);

test('a first run does every stage in order; a second skips all and still has the table', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const first = await start(run, world);
  assert.deepEqual(world.ran, [...stageNames]);
  assert.equal(await readlink(join(run, 'latest')), 'align/step-000002');
  assert.deepEqual(first.result.table?.[0].metrics, { reward: 1 });
  const second = await start(run, world);
  assert.deepEqual(world.ran, []);
  assert.deepEqual(second.result.skipped, [...stageNames]);
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
  assert.deepEqual(world.ran, ['sft', 'align', 'eval']);
  const kept = (await readdir(run)).filter((name) => name.includes('.replaced-'));
  assert.equal(kept.length, 3);
  for (const name of kept) assert.match(name, /^(sft|align|eval)\.replaced-[0-9a-f]{8}$/);
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  assert.equal(notes.length, 3);
  assert.match(notes[0], /sft changed: it starts afresh.*sft\.replaced-/);
  await start(run, world);
  assert.deepEqual(world.ran, [], 'the first settings are found again');
  assert.equal((await readdir(run)).filter((name) => name.includes('.replaced-')).length, 3);
  assert.equal(await readlink(join(run, 'latest')), 'align/step-000002');
});

test('a changed file or outside input is noticed, a moved run folder or another backend is not', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  await start(run, world, { config: { ...whole(), backend: 'cpu' } });
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

test('an output that was deleted is made again', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  await rm(join(run, 'sft', 'step-000002', 'mossctl.json'));
  await start(run, world);
  assert.deepEqual(world.ran, ['sft']);
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

test('--resume goes on with an interrupted stage and refuses everything else', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  const resume = () => start(run, world, { only: 'pretrain', resume: true });
  await assert.rejects(resume, /no interrupted pretrain to resume.*never started/);
  world.stopAt = 'pretrain';
  await assert.rejects(start(run, world, { only: 'pretrain' }), Interrupted);
  const changed = whole();
  if (changed.pretrain) changed.pretrain.train.steps = 9;
  await assert.rejects(start(run, world, { only: 'pretrain', resume: true, config: changed }), /other settings/);
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
  const config = pipelineSchema.parse({});
  await assert.rejects(start(freshRun(), { ran: [] }, { config }), /no stage to run/);
  const run = freshRun();
  await assert.rejects(start(run, { ran: [] }, { from: join(folder, 'none') }), /not a mossctl checkpoint/);
});

test('two runs in one folder: the second is refused while the first lives, and takes over when it is gone', async () => {
  const run = freshRun();
  await mkdir(run);
  const holder = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  await writeFile(join(run, '.lock'), `${holder.pid}\n`);
  await assert.rejects(start(run, { ran: [] }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, new RegExp(`process ${holder.pid} holds it`));
    return true;
  });
  const gone = new Promise((resolve) => holder.on('exit', resolve));
  holder.kill('SIGKILL');
  await gone;
  const world: World = { ran: [] };
  await start(run, world);
  assert.equal(world.ran.length, 8);
  await writeFile(join(run, '.lock'), 'not a number');
  await start(run, world);
  assert.deepEqual(
    (await readdir(run)).filter((name) => name.startsWith('.')),
    [],
  );
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
  const interrupt = {
    get requested() {
      return world.ran.includes('tokenizer');
    },
  };
  await assert.rejects(start(freshRun(), world, { interrupt }), Interrupted);
  assert.deepEqual(world.ran, ['data', 'tokenizer']);
});
