// Adapters of ours in PEFT: `mossctl sft --lora` trains them on tiny models of transformers, and PEFT computes with the folder as it
// is, with the one that `mossctl export` writes, and transformers with the merged model, what we compute. The other way round,
// PEFT's in ours, is test/golden/adapters.test.ts. Run: npm run test:interop, or node --import tsx scripts/interop/adapters.mjs
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../src/base/random.ts';
import { openCheckpoint } from '../../src/checkpoint/directory.ts';
import { saveCheckpoint } from '../../src/checkpoint/save.ts';
import { disposeModel, modelFromTensors } from '../../src/model/model.ts';
import { score } from '../../src/model/reward.ts';
import { openBackend } from '../../src/tensor/backends.ts';
import { tensor1d, tensor3d, tidy } from '../../src/tensor/tf.ts';
import { columnLogits } from '../../test/inference/answers.ts';
import { findPython } from './python.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = join(root, 'test/interop/fixtures');
const tolerance = 1e-5;
const ids = [
  [5, 40, 200, 17, 300, 301, 9, 77, 120, 33],
  [64, 3, 311, 250, 8, 8, 90, 301, 300, 12],
];
/** Base → settings of sft.lora. */
const trained = {
  'llama-3.2 plain': ['llama-3.2', {}],
  'llama-linear-f16 two targets': ['llama-linear-f16', { rank: 4, targets: ['q_proj', 'down_proj'] }],
  'qwen2.5 rslora': ['qwen2.5', { rslora: true, rank: 8 }],
  'qwen3 patterns, rslora': [
    'qwen3',
    {
      ...{ rank: 4, rslora: true, dropout: 0.1 },
      rankPattern: { 'layers\\.1\\..*(up|down)_proj': 2, q_proj: 6 },
      alphaPattern: { q_proj: 3, 'layers.0.mlp.gate_proj': 50 },
    },
  ],
};

const scratch = mkdtempSync(join(tmpdir(), 'mossctl-adapters-'));
const faults = [];
try {
  const python = findPython();
  await openBackend('native', { threads: 1 });
  const cases = [];
  for (const [name, [base, lora]] of Object.entries(trained)) cases.push(...(await trainOn(name, base, lora)));
  cases.push(...(await rewardAdapter()));
  const [asked, answered] = ['cases.json', 'results.json'].map((file) => join(scratch, file));
  writeFileSync(asked, JSON.stringify(cases));
  const script = fileURLToPath(new URL('adapters.py', import.meta.url));
  const { status, stderr } = spawnSync(python, [script, asked, answered], {
    ...{ encoding: 'utf8', env: { ...process.env, HF_HUB_OFFLINE: '1', TQDM_DISABLE: '1' } },
  });
  if (status !== 0) throw new Error(stderr.trimEnd().split('\n').slice(-20).join('\n'));
  const theirs = JSON.parse(readFileSync(answered, 'utf8'));
  for (const [i, { name, ours }] of cases.entries()) {
    const scale = Math.max(...ours.map(Math.abs));
    const largest = distance(ours, theirs[i].logits) / scale;
    const change =
      theirs[i].plain === undefined
        ? ''
        : `, changes the base by ${(distance(ours, theirs[i].plain) / scale).toFixed(2)}`;
    console.log(`${name.padEnd(50)} differs by ${largest.toExponential(1)} of the largest${change}`);
    if (!(largest <= tolerance)) faults.push(name);
    if (change !== '' && !(distance(ours, theirs[i].plain) > 0.05 * scale))
      faults.push(`${name}: the adapter does nothing`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(faults.length === 0 ? '\nAll equal.' : `\nMISMATCH ${faults.join(', ')}`);
process.exitCode = faults.length === 0 ? 0 : 1;

function mossctl(...args) {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args], {
    ...{ cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
  });
  if (status !== 0) throw new Error(`mossctl ${args.join(' ')} ended with ${status}: ${stderr}`);
}

/** The checkpoint itself, its export as PEFT's folder, and as a merged model. */
async function trainOn(name, base, lora) {
  const [rows, out] = ['rows.jsonl', name.replaceAll(/\W+/g, '-')].map((file) => join(scratch, file));
  const row = (i) => ({
    messages: [
      { role: 'user', content: `${i}?` },
      { role: 'assistant', content: `The answer is ${i}` },
    ],
  });
  writeFileSync(rows, Array.from({ length: 12 }, (_, i) => JSON.stringify(row(i))).join('\n'));
  const settings = Object.entries(lora).flatMap(([key, value]) => [
    '--set',
    `sft.lora.${key}=${JSON.stringify(value)}`,
  ]);
  const train = { steps: 20, learningRate: 0.03, batchSize: 4, warmup: 0 };
  const training = Object.entries(train).flatMap(([key, value]) => ['--set', `sft.train.${key}=${value}`]);
  const from = join(fixtures, base);
  mossctl(
    'sft',
    '--from',
    from,
    '--lora',
    '--data',
    rows,
    '--out',
    out,
    '--threads',
    '1',
    '--set',
    'sft.contextLength=512',
    ...settings,
    ...training,
  );
  const folder = join(out, 'latest');
  const [exported, merged] = [`${out}-peft`, `${out}-merged`];
  mossctl('export', folder, '--out', exported);
  mossctl('export', folder, '--merge', '--dtype', 'f32', '--out', merged);
  const ours = await outputsOf(folder, false);
  const shared = { ids, ours, reward: false };
  return [
    { ...shared, name, base: from, folder },
    { ...shared, name: `${name}, exported`, base: from, folder: exported },
    { ...shared, name: `${name}, merged`, folder: merged },
  ];
}

/** PEFT's own, its numbers drawn anew and saved by us. */
async function rewardAdapter() {
  const { adapter, ...opened } = await openCheckpoint(join(root, 'test/golden/adapters/score'), { adapter: 'apart' });
  const random = Random.stream(3, 'score');
  for (const { data } of adapter.tensors.values())
    for (let i = 0; i < data.length; i++) data[i] = 0.4 * random.normal();
  const folder = join(scratch, 'score/sft/step-000001');
  await saveCheckpoint(folder, { ...opened, weights: [...adapter.tensors.values()], adapter, training: undefined });
  return [
    {
      name: 'llama-3.2 score',
      ids,
      ours: await outputsOf(folder, true),
      reward: true,
      base: adapter.base.name,
      folder,
    },
  ];
}

async function outputsOf(folder, isReward) {
  const { model: config, weights } = await openCheckpoint(folder);
  const model = modelFromTensors(config, weights, folder);
  const length = ids[0].length;
  const columns = ids.flatMap((row) => row.map((_, i) => i));
  const scores = () =>
    tidy(() => {
      const ranges = tensor3d(
        columns.flatMap((i) => [0, i]),
        [ids.length, length, 2],
        'int32',
      );
      const input = { tokens: tensor1d(ids.flat(), 'int32'), positions: tensor1d(columns, 'int32'), ranges };
      return [...score(model, input, tensor1d([length - 1, 2 * length - 1], 'int32')).dataSync()];
    });
  const all = isReward ? scores() : [...columnLogits(model, ids, [0, length])];
  disposeModel(model);
  const vocabulary = config.vocab_size;
  return isReward
    ? all
    : ids.flatMap((_, row) => all.slice((row * length + length - 1) * vocabulary, (row + 1) * length * vocabulary));
}

function distance(one, other) {
  return one.length === other.length ? Math.max(...one.map((value, i) => Math.abs(value - other[i]))) : Number.NaN;
}
