// mossctl plan and mossctl score as a person runs them.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { ggufCheckpoint } from '../checkpoint/fixtures/gguf-checkpoint.js';
import { mossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-score-'));
after(() => rm(folder, { recursive: true }));
const base = join(folder, 'pretrain/step-000004');

before(async () => {
  const { model, tokenizerFiles, weights } = await ggufCheckpoint('qwen3');
  await saveCheckpoint(base, {
    ...{ model, eosTokenIds: [0], tokenizerFiles, weights: [...weights.values()] },
    manifest: {
      ...{ stage: 'pretrain', step: 4, tokensSeen: 2048, parent: null, lineage: [], settings: {}, inputDigest: 'x' },
      ...{ metrics: {}, backend: 'native', threads: 2, precision: 'fp32' },
    },
  });
});

interface ScoreLine {
  text: string;
  tokens: { text: string; logprob: number }[];
  sentences: { logprob: number }[];
  total: number;
  bytes: number;
  shuffled?: { text: string; total: number }[];
}

test('score: each argument or line of stdin is a text; its tokens and sentences add up', async () => {
  const texts = ['床前明月光。疑是地上霜。', 'One two three.'];
  const flags = ['--json', '--backend', 'cpu'];
  const { code, stdout, stderr } = await mossctl(['score', base, ...texts, ...flags, '--shuffled', '2']);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ScoreLine);
  assert.deepEqual(
    lines.map(({ text }) => text),
    texts,
  );
  for (const { text, tokens, sentences, total, bytes, shuffled } of lines) {
    const sum = (items: { logprob: number }[]): number => items.reduce((all, { logprob }) => all + logprob, 0);
    assert.ok(Math.abs(sum(tokens) - total) < 1e-6 && Math.abs(sum(sentences) - total) < 1e-6);
    assert.ok(total < 0);
    assert.equal(bytes, Buffer.byteLength(text));
    assert.equal(shuffled?.length, 2);
  }
  assert.deepEqual(
    lines.map(({ sentences }) => sentences.length),
    [2, 1],
  );

  const piped = await mossctl(['score', base, ...flags], { stdin: `${texts.join('\n\n')}\n` });
  const again = piped.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ScoreLine);
  assert.deepEqual(
    again,
    lines.map(({ shuffled, ...rest }) => rest),
  );

  const table = await mossctl(['score', base, texts[0], '--backend', 'cpu', '--quiet']);
  assert.match(table.stdout, /total: log p = -\d+\.\d{3} nats over \d+ tokens, 36 bytes = \d+\.\d{3} bits per byte/);
  assert.equal(table.stderr, '');
});

test('eval --text: files are measured as score measures texts, and what belongs to a run is refused beside it', async () => {
  const texts = ['床前明月光。', 'One two three.'];
  const rows = join(folder, 'rows.jsonl');
  const plain = join(folder, 'plain.txt');
  await writeFile(rows, texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  await writeFile(plain, 'four\nfive\n');
  const flags = ['--json', '--backend', 'cpu'];
  const { code, stdout, stderr } = await mossctl(['eval', base, '--text', rows, plain, ...flags]);
  assert.equal(code, 0, stderr);
  const { metrics, texts: count, bytes } = JSON.parse(stdout);
  const scored = (await mossctl(['score', base, ...texts, 'four\nfive\n', ...flags])).stdout.trim().split('\n');
  const lines = scored.map((line) => JSON.parse(line) as ScoreLine);
  const bits = (some: ScoreLine[]): number =>
    -some.reduce((sum, { total }) => sum + total, 0) / Math.LN2 / some.reduce((sum, each) => sum + each.bytes, 0);
  assert.equal(count, 3);
  assert.equal(bytes, Buffer.byteLength(texts.join('')) + 10);
  const close = (name: string, expected: number): void => assert.ok(Math.abs(metrics[name] - expected) < 1e-5, name);
  close('bitsPerByte', bits(lines));
  close('bitsPerByte.zh', bits(lines.slice(0, 1)));
  close('bitsPerByte.source.rows.jsonl', bits(lines.slice(0, 2)));

  const refused = [
    ['--text', plain],
    [base, '--text', plain, '--set', 'seed=1'],
    [base, '--text', join(folder, 'none.txt')],
  ];
  for (const args of refused) assert.equal((await mossctl(['eval', ...args, ...flags])).code, 2);
});

test('plan: sizes, hardware and their faults', async () => {
  const large = await mossctl(['plan', '--params', '20B', '--flops', '1e22']);
  assert.deepEqual([large.code, large.stdout], [2, '']);
  assert.match(large.stderr, /--params and --flops each decide on the size/);
  const unknown = await mossctl(['plan', '--hardware', 'h10x8']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /there is no h10x8.*Did you mean h100\?/);
  const { code, stdout, stderr } = await mossctl([
    'plan',
    '--flops',
    '1e22',
    '--hardware',
    'rtx4090x64,h100',
    '--json',
  ]);
  assert.equal(code, 0, stderr);
  const plan = JSON.parse(stdout) as {
    parameters: number;
    flops: number;
    hardware: { name: string; sharding: { fits: boolean; how: string; devicesNeeded: number } }[];
  };
  // The attention's part makes the budget a little larger.
  assert.ok(Math.abs(plan.parameters / 9.13e9 - 1) < 0.07, `${plan.parameters}`);
  assert.ok(plan.flops > 0.9e22 && plan.flops < 1.3e22, `${plan.flops}`);
  assert.deepEqual(
    plan.hardware.map(({ name, sharding: { fits } }) => [name, fits]),
    [
      ['rtx4090×64', true],
      ['h100×1', false],
    ],
  );
  const [split, alone] = plan.hardware.map(({ sharding }) => sharding);
  assert.match(split.how, /ZeRO-2/);
  assert.ok(alone.devicesNeeded >= 2 && alone.devicesNeeded <= 3, `${alone.devicesNeeded}`);
  const none = await mossctl(['plan', '--params', '1e13']);
  assert.deepEqual([none.code, none.stdout], [2, '']);
  assert.match(none.stderr, /a model of 10T parameters cannot be planned.*--params or --flops/);
  // --tokens takes the place of passes too.
  const passes = ['--set', 'pretrain.train.epochs=2', '--tokens', '5M', '--hardware', 'cpu', '--json'];
  const { tokens } = JSON.parse((await mossctl(['plan', '--size', '7m', ...passes])).stdout) as { tokens: number };
  assert.ok(Math.abs(tokens / 5e6 - 1) < 0.01, `${tokens}`);
  const text = await mossctl(['plan', '--config', 'smoke', '--hardware', 'cpu']);
  assert.match(text.stdout, /steps of [\d,]+ tokens +\d/);
  assert.match(text.stdout, /moments of AdamW/);
  // A size's name says neither its shape nor how many parameters this vocabulary makes of it.
  assert.match(text.stdout, /^size +100k\nlayers × width, heads +2 × 64, 2\nparameters +158,144\n/m);
  assert.match(text.stdout, /^of these in the embedding of the vocabulary +\d/m);
  assert.ok(!/too slow/.test(text.stdout));
  const hopeless = await mossctl(['plan', '--params', '0.6B', '--tokens', '12B', '--hardware', 'cpu']);
  const isKnown = !/its peak was not measured/.test(hopeless.stdout);
  if (isKnown) {
    const [, seconds, daily] = /too slow for it: (.*) is more than a week\. In a day .* \(--params ([\d.]+[kM])\)/.exec(
      hopeless.stdout,
    ) ?? [hopeless.stdout];
    assert.match(seconds ?? '', /years|days/);
    const day = JSON.parse(
      (await mossctl(['plan', '--params', daily ?? '', '--json', '--hardware', 'cpu'])).stdout,
    ) as {
      machine: { seconds: number };
    };
    const ratio = day.machine.seconds / 86_400;
    assert.ok(ratio > 0.2 && ratio < 5, `what takes a day takes ${ratio} days`);
  }
});
