// How a pipeline is found and resolved, and that every YAML file we ship is valid.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { exists } from '../../src/base/files.js';
import { loadDataSpec } from '../../src/data/spec.js';
import { loadPipeline, packagedPipelines } from '../../src/pipeline/load.js';
import { filesOf } from '../../src/pipeline/plan.js';
import { namesOf, stageTable } from '../../src/stages/catalog.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mossctl-load-'));
after(() => rm(folder, { recursive: true }));

test('every packaged pipeline is valid, runs every stage, and names files that exist', async () => {
  const names = await packagedPipelines();
  assert.ok(names.includes('smoke') && names.includes('quickstart'), names.join());
  for (const name of names) {
    const config = await loadPipeline({ config: name });
    assert.equal(config.name, name);
    let files = 0;
    for (const stage of namesOf(stageTable)) {
      for (const path of filesOf(config, stage).values()) {
        files++;
        assert.ok(isAbsolute(path) && (await exists(path)), path);
      }
    }
    assert.ok(files >= 1, `${name} names ${files} files`);
  }
});

test('every shipped data-spec is valid', async () => {
  const specs = (await readdir(join(root, 'data-specs'))).filter((name) => name.endsWith('.yaml'));
  assert.ok(specs.length >= 2, specs.join());
  for (const spec of specs) await loadDataSpec(join(root, 'data-specs', spec));
});

test('a name that is not packaged, and a file that is not there, list what is', async () => {
  await assert.rejects(
    loadPipeline({ config: 'smoek' }),
    /called smoek.*arithmetic, quickstart, smoke.*Did you mean "smoke"/,
  );
  await assert.rejects(
    loadPipeline({ config: 'pipelines/quick-start.yaml' }),
    /no such pipeline file.*Did you mean "quickstart"/,
  );
});

test('a size beside a width that the file names: the width stays, which is said', async () => {
  const path = join(folder, 'wide.yaml');
  await writeFile(path, 'name: wide\npretrain: {model: {size: 1m, hiddenSize: 96, layers: 3}}\n');
  const said: string[] = [];
  const load = (set: string[]) => loadPipeline({ config: path, set, warn: (text) => void said.push(text) });
  const config = await load(['pretrain.model.size=7m']);
  assert.equal(config.pretrain?.model.hiddenSize, 96);
  assert.equal(said.length, 1);
  assert.match(said[0], /hiddenSize 96, layers 3 of the file stay\. .*--set pretrain\.model\.hiddenSize=null --set/);
  await load(['pretrain.model.size=7m', 'pretrain.model.hiddenSize=128', 'pretrain.model.layers=null']);
  await load(['seed=3']);
  assert.equal(said.length, 1, 'nothing of the file is left, or no size was set');
});

test('flags lie over --set, which lies over the file; faults show the flag as it was typed', async () => {
  const path = join(folder, 'p.yaml');
  await writeFile(path, 'seed: 1\nname: mine\n');
  const config = await loadPipeline({ config: path, set: ['seed=2', 'pretrain.train.steps=7'], flags: { seed: '3' } });
  assert.equal(config.seed, 3);
  assert.equal(config.pretrain?.train.steps, 7);
  await assert.rejects(loadPipeline({ config: path, flags: { backend: 'gpu', seed: '-1' } }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.deepEqual(error.faults.map(({ where }) => where).sort(), ['--backend gpu', '--seed -1']);
    return true;
  });
});

test('threads and precision stand beside backend; without them it is all cores and fp32', async () => {
  const { backend, threads, precision } = await loadPipeline({});
  assert.deepEqual({ backend, threads, precision }, { backend: 'auto', threads: undefined, precision: 'fp32' });
  const path = join(folder, 'compute.yaml');
  await writeFile(path, 'backend: native\nthreads: 3\nprecision: bf16\n');
  const fromFile = await loadPipeline({ config: path, flags: { threads: '2' } });
  assert.deepEqual([fromFile.threads, fromFile.precision], [2, 'bf16']);
  await assert.rejects(loadPipeline({ flags: { threads: '0', precision: 'fp8' } }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.deepEqual(error.faults.map(({ where }) => where).sort(), ['--precision fp8', '--threads 0']);
    return true;
  });
});

test('a stage that has no block gets one of defaults, and is told what it lacks', async () => {
  const config = await loadPipeline({ blocks: ['sft'], set: ['sft.train.epochs=2'] });
  assert.equal(config.sft?.train.epochs, 2);
  assert.equal(config.sft?.validation, 0.05);
  assert.equal((await loadPipeline({ blocks: ['align'] })).align?.heldOutSamples, 8);
  await assert.rejects(loadPipeline({ blocks: ['data'] }), /data\.spec is missing/);
});

test('another kind of method by --set: what the file says of the knobs that it does not read gives way, and is named', async () => {
  const said: string[] = [];
  const load = (set: string[]) => loadPipeline({ config: 'quickstart', set, warn: (text) => void said.push(text) });
  const { align } = await load(['align.method=grpo', 'align.promptsPerStep=2']);
  assert.deepEqual([align?.method, align?.sftWeight, align?.promptsPerStep], ['grpo', undefined, 2]);
  assert.deepEqual(said, [
    'align.sftWeight, align.data, align.gate.metric of the file: not read by grpo, and set aside',
  ]);
  assert.equal((await load(['align.method=simpo'])).align?.sftWeight, 0.2, 'which simpo reads');
  await assert.rejects(load(['align.method=rloo', 'align.sftWeight=1']), /not read by rloo/);
  for (const [set, said] of [
    ['align.method=ppo', 'align.resample=1'],
    ['align.method=ppo', 'align.klIn=loss'],
    ['align.method=ppo', 'align.alarms.alike=0.2'],
    ['align.method=grpo', 'align.lambda=0.9'],
  ].map(([method, knob]) => [[method, knob], new RegExp(`${knob.replace(/=.*/, '')}.*is not read by`)] as const)) {
    await assert.rejects(load([...set]), said);
  }
  await assert.rejects(
    load(['align.method=ppo', 'align.klWeight=0', 'align.klEstimator=k3']),
    /not read where klWeight is 0/,
  );
  assert.equal(said.length, 1);
});

test('another method by --set: whatever a file of one says is read by the other, or set aside and named', async () => {
  const load = async (align: object, method: string, more: string[] = []) => {
    const said: string[] = [];
    const set = [`align.method=${method}`, ...more];
    const config = { align: { prompts: 'tasks.jsonl', ...align } };
    const loaded = await loadPipeline({ config, set, warn: (text) => void said.push(text) });
    return { align: loaded.align, said: said.join('\n') };
  };
  const kept = await load({ method: 'dpo', beta: 0.3 }, 'online-dpo');
  assert.deepEqual([kept.align?.beta, kept.said], [0.3, ''], 'beta is read by both');
  const cases: [object, string, string][] = [
    [{ method: 'dpo', loss: ['hinge', 'ipo'], lossWeights: [1, 2] }, 'online-dpo', 'lossWeights loss'],
    [{ method: 'dpo', fDivergence: 'alpha_divergence', fDivergenceAlpha: 0.3 }, 'cpo', 'fDivergence fDivergenceAlpha'],
    [{ method: 'rloo', klWeight: 0.1, resample: 1 }, 'online-dpo', 'klWeight'],
    [{ method: 'grpo', klIn: 'loss', klWeight: 0.1, resample: 2 }, 'ppo', 'klIn resample'],
    [{ method: 'grpo', policyLoss: 'sapo', sapoTemperaturePositive: 2 }, 'rloo', 'sapoTemperaturePositive policyLoss'],
    [{ method: 'ppo', critic: 'runs/reward', lambda: 0.9, klWeight: 0.1 }, 'rloo', 'critic lambda'],
    [{ method: 'rloo', alarms: { alike: 0.9 } }, 'ppo', 'alarms.alike'],
    [{ method: 'distill', teacher: 'runs/teacher', divergence: 0.5 }, 'grpo', 'teacher divergence'],
    [{ method: 'simpo', beta: 1, simpoGamma: 2 }, 'dpo', 'simpoGamma'],
  ];
  for (const [written, method, keys] of cases) {
    const { said } = await load(written, method);
    const named = keys.split(' ').map((key) => `align.${key}`);
    assert.equal(said, `${named.join(', ')} of the file: not read by ${method}, and set aside`);
  }
  const typed = await load({ method: 'dpo', loss: 'hinge' }, 'online-dpo', ['align.loss=ipo']);
  assert.equal(typed.align?.loss, 'ipo');
});
