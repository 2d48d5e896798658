// `--resume` with other settings: each difference is named or the stage does not resume; some can never be.
import assert from 'node:assert/strict';
import { readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { digestOf } from '../../src/base/files.js';
import { loraSchema } from '../../src/config/lora.js';
import type { PipelineConfig, StageName } from '../../src/config/pipeline.js';
import { readRecord, writeRecord } from '../../src/pipeline/record.js';
import type { PipelineRun } from '../../src/pipeline/run.js';
import { folder, freshRun, start, type World, whole } from './world.js';

/** A run in which `name` was interrupted, everything before it finished. */
async function interrupted(name: StageName, config = whole()) {
  const run = freshRun();
  const world: World = { ran: [] };
  const order: StageName[] = ['pretrain', 'sft', 'toolUse', 'align'];
  for (const before of order.slice(0, order.indexOf(name))) await start(run, world, { only: before, config });
  world.stopAt = name;
  await assert.rejects(start(run, world, { only: name, config }), Interrupted);
  const resume = (changed: PipelineConfig, options: Partial<PipelineRun> = {}) =>
    start(run, world, { only: name, resume: true, config: changed, ...options });
  return { run, world, resume };
}

function changed(change: (config: PipelineConfig) => void): PipelineConfig {
  const config = whole();
  change(config);
  return config;
}

test('every difference is listed with what to type; a refusal changes nothing', async () => {
  const { run, world, resume } = await interrupted('pretrain');
  const other = changed(({ pretrain }) => {
    if (pretrain === undefined) return;
    pretrain.train.batchSize = 16;
    pretrain.train.steps = 9;
    pretrain.train.schedule = 'constant';
  });
  const before = await readFile(join(run, 'pretrain', 'stage.json'), 'utf8');
  await assert.rejects(resume(other, { override: ['pretrain.train.steps'] }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /pretrain\.train\.batchSize: 8 → 16; pretrain\.train\.schedule: cosine → constant\./);
    assert.match(error.message, /add --override pretrain\.train\.batchSize --override pretrain\.train\.schedule;/);
    assert.doesNotMatch(error.message, /steps: /);
    return true;
  });
  assert.equal(await readFile(join(run, 'pretrain', 'stage.json'), 'utf8'), before);
  assert.deepEqual((await resume(whole())).states.at(-2), 'pretrain resumed');
  assert.deepEqual(world.overrides, []);
});

test('named ones resume, are recorded in order, and are the settings of the run from then on', async () => {
  const { run, world, resume } = await interrupted('pretrain');
  const named = (batchSize: number, rate = 1e-3) =>
    changed(({ pretrain }) => {
      if (pretrain) Object.assign(pretrain.train, { batchSize, learningRate: rate });
    });
  world.stopAt = 'pretrain';
  // The stage of this test has two steps, and has done one of them.
  await writeFile(join(run, 'pretrain', 'count'), '0');
  await assert.rejects(resume(named(16), { override: ['pretrain.train.batchSize'] }), Interrupted);
  const first = { key: 'pretrain.train.batchSize', from: '8', to: '16' };
  assert.deepEqual(world.overrides, [first]);
  const keys = ['pretrain.train.learningRate', 'pretrain.train.batchSize'];
  await resume(named(4, 0.5), { override: keys });
  const second = [
    { key: 'pretrain.train.batchSize', from: '16', to: '4' },
    { key: 'pretrain.train.learningRate', from: '0.001', to: '0.5' },
  ];
  assert.deepEqual(world.overrides, [first, ...second]);
  assert.deepEqual((await readRecord(run, 'pretrain'))?.overrides, [first, ...second]);
  const again = await start(run, world, { only: 'pretrain', config: named(4, 0.5) });
  assert.ok(again.result.skipped.includes('pretrain'), 'the changed settings are now its own');
  assert.match(await readFile(join(run, 'pipeline.yaml'), 'utf8'), /batchSize: 4/);
});

/** Makes a record what it was before `train.recompute` had that name. */
async function withFormerNames(run: string, name: StageName): Promise<void> {
  const record = await readRecord(run, name);
  assert.ok(record?.made);
  const { train, ...block } = record.made.config as { train: { recompute: boolean } };
  const { recompute, ...others } = train;
  const made = { ...record.made, config: { ...block, train: { ...others, checkpointing: recompute } } };
  await writeRecord(run, name, { ...record, made, inputDigest: digestOf({ stage: name, ...made }) });
}

test('a run that was recorded under the former name of a key resumes as if it had the new one', async () => {
  const first = await interrupted('pretrain');
  await withFormerNames(first.run, 'pretrain');
  assert.equal((await first.resume(whole())).states.at(-2), 'pretrain resumed');
  assert.deepEqual(first.world.overrides, []);
  const second = await interrupted('pretrain');
  await withFormerNames(second.run, 'pretrain');
  assert.ok((await start(second.run, second.world, { only: 'pretrain' })).states.includes('pretrain resumed'));
  const third = await interrupted('pretrain');
  await withFormerNames(third.run, 'pretrain');
  const other = changed(({ pretrain }) => {
    if (pretrain) Object.assign(pretrain.train, { recompute: true, batchSize: 16 });
  });
  await assert.rejects(third.resume(other), /batchSize: 8 → 16; pretrain\.train\.recompute: false → true\./);
  await third.resume(other, { override: ['pretrain.train.checkpointing', 'pretrain.train.batchSize'] });
  assert.deepEqual(third.world.overrides?.at(-1), { key: 'pretrain.train.recompute', from: 'false', to: 'true' });
});

test('where the stage itself refuses the new settings, the try that is there keeps its own', async () => {
  const { run, world, resume } = await interrupted('pretrain');
  const files = ['pretrain/stage.json', 'pipeline.yaml'];
  const read = () => Promise.all(files.map((name) => readFile(join(run, name), 'utf8')));
  const before = await read();
  const fewer = changed(({ pretrain }) => {
    if (pretrain) pretrain.train.steps = 1;
  });
  world.refuses = 'pretrain';
  await assert.rejects(resume(fewer, { override: ['pretrain.train.steps'] }), /cannot resume like this/);
  assert.deepEqual(await read(), before);
  world.refuses = undefined;
  const { states } = await start(run, world, { only: 'pretrain' });
  assert.deepEqual(states.slice(-2), ['pretrain resumed', 'pretrain finished']);
});

test('a finished stage resumes with more steps where they are named', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world, { only: 'pretrain' });
  const longer = changed(({ pretrain }) => {
    if (pretrain) pretrain.train.steps = 20;
  });
  const options = { only: 'pretrain' as const, resume: true, config: longer };
  await assert.rejects(start(run, world, options), /pretrain\.train\.steps: not set → 20/);
  const { states } = await start(run, world, { ...options, override: ['pretrain.train.steps'] });
  assert.deepEqual(states.slice(-2), ['pretrain resumed', 'pretrain finished']);
});

test('a finished stage that would get nothing more to do is left as it is', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  const other = changed(({ pretrain }) => {
    if (pretrain) pretrain.train.batchSize = 3;
  });
  const latest = await readlink(join(run, 'latest'));
  const options = { only: 'pretrain' as const, resume: true, config: other, override: ['pretrain.train.batchSize'] };
  await assert.rejects(start(run, world, options), /It has finished.*--set pretrain\.train\.steps=N/s);
  assert.equal(await readlink(join(run, 'latest')), latest);
});

test('what gives the weights their shape or their meaning can never be overridden', async () => {
  const { world, resume } = await interrupted('pretrain');
  const shape = changed(({ pretrain }) => {
    if (pretrain) pretrain.model.layers = 9;
  });
  const override = ['pretrain.model.layers', 'seed'];
  await assert.rejects(resume({ ...shape, seed: 7 }, { override }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.faults.length, 2);
    assert.match(
      error.message,
      /cannot resume with pretrain\.model\.layers: .* → 9\. It gives the weights their shape/,
    );
    assert.match(error.message, /cannot resume with seed: 42 → 7/);
    return true;
  });
  const vocabulary = changed(({ tokenizer }) => {
    if (tokenizer) tokenizer.vocabSize = 999;
  });
  await assert.rejects(resume(vocabulary, { override: ['data'] }), /cannot resume with tokenizer: another one/);
  world.ran = [];
  const sft = await interrupted('sft');
  const parent = changed(({ pretrain }) => {
    if (pretrain) pretrain.train.steps = 5;
  });
  await start(sft.run, sft.world, { only: 'pretrain', config: parent });
  await assert.rejects(sft.resume(parent, { override: ['data'] }), /cannot resume with parent: another model/);
  const adapted = changed((config) => {
    if (config.sft) config.sft.lora = loraSchema.parse({});
  });
  const ofAdapter = await interrupted('sft', adapted);
  adapted.sft = { ...(adapted.sft ?? assert.fail()), lora: loraSchema.parse({ rank: 4, alpha: 8 }) };
  const named = { override: ['sft.lora.rank', 'sft.lora.alpha'] };
  await assert.rejects(ofAdapter.resume(adapted, named), (error: Error) => {
    assert.match(error.message, /cannot resume with sft\.lora\.rank: 16 → 4\. It gives the adapter its shape/);
    assert.doesNotMatch(error.message, /alpha/);
    return true;
  });
});

test('other data are named as data; align cannot change them', async () => {
  const data = join(folder, 'conversations.jsonl');
  await writeFile(data, '{}\n');
  const given = () =>
    changed(({ sft, align }) => {
      if (sft) sft.data = data;
      if (align) align.prompts = data;
    });
  const sft = await interrupted('sft', given());
  const align = await interrupted('align', given());
  await writeFile(data, '{ }\n');
  await assert.rejects(sft.resume(given()), /data: other conversations or text\. To resume.*--override data;/);
  assert.ok((await sft.resume(given(), { override: ['data'] })).states.includes('sft resumed'));
  assert.equal(sft.world.overrides?.[0].key, 'data');
  await assert.rejects(align.resume(given(), { override: ['data'] }), /cannot resume with data: other tasks/);
});

test('align keeps its method, and the models that it learns beside or from: each is named as what it is, not as data', async () => {
  const data = join(folder, 'beside.json');
  await writeFile(data, '{}\n');
  const begun = { method: 'ppo', critic: data, teacher: data };
  const given = (own: object) => changed(({ align }) => void Object.assign(align ?? {}, begun, own));
  const { resume } = await interrupted('align', given({}));
  for (const [key, value, why] of [
    ['method', 'grpo', /what its steps are/i],
    ['critic', undefined, /its weights are in the checkpoint by now/i],
    ['teacher', undefined, /learn from one teacher/],
  ] as const) {
    const override = [`align.${key}`, 'data'];
    await assert.rejects(resume(given({ [key]: value }), { override }), (error: Error) => {
      assert.match(error.message, new RegExp(`align cannot resume with align\\.${key}: .* → `));
      assert.match(error.message, why);
      assert.doesNotMatch(error.message, /other tasks/);
      return true;
    });
  }
  assert.ok((await resume(given({}))).states.includes('align resumed'));
});

test('a name that is no setting is refused; one that has not changed is let pass; keep is no difference', async () => {
  const { resume } = await interrupted('pretrain');
  await assert.rejects(
    resume(whole(), { override: ['pretrain.train.batchsize'] }),
    /no setting called pretrain\.train\.b/,
  );
  const kept = changed(({ pretrain }) => {
    if (pretrain) pretrain.train.keep = 'last=9';
  });
  const { states } = await resume(kept, { override: ['pretrain.train.batchSize'] });
  assert.equal(states.at(-1), 'pretrain finished');
});
