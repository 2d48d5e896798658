// mossctl pretrain --cooldown and --size as a person runs them.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Manifest } from '../../src/checkpoint/manifest.js';
import { mossctl, root } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-cooldown-'));
after(() => rm(folder, { recursive: true }));
const pipeline = join(folder, 'wsd.yaml');
const run = join(folder, 'run');
const flags = ['--quiet', '--threads', '1'];
const manifestOf = async (path: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(path, 'mossctl.json'), 'utf8')) as Manifest;

before(async () => {
  await writeFile(
    pipeline,
    JSON.stringify({
      name: 'wsd',
      data: { spec: `${root}data-specs/smoke.yaml`, validation: 0.1 },
      tokenizer: { vocabSize: 400 },
      pretrain: {
        model: { size: '100k', contextLength: 64 },
        train: {
          ...{ steps: 80, batchSize: 4, learningRate: 1e-2, weightDecay: 0.1, schedule: 'wsd', finalRatio: 0 },
          ...{ evaluateEvery: 40, checkpointEvery: 40, keep: 'last=5' },
        },
      },
    }),
  );
  const { code, stderr } = await mossctl(['pretrain', '--config', pipeline, '--out', run, ...flags]);
  assert.equal(code, 0, stderr);
});

test('a cool-down at half of the steps: a run beside the other, descended from it, of lower held-out loss', async () => {
  const stable = join(run, 'pretrain/step-000040');
  const before = await readFile(join(run, 'pretrain/stage.json'), 'utf8');
  const { code, stderr } = await mossctl(['pretrain', '--cooldown', stable, ...flags]);
  assert.equal(code, 0, stderr);
  // A fifth of 50 steps: the share that wsd decays over.
  const [now, then] = await Promise.all([
    manifestOf(join(folder, 'run-cooldown-40/pretrain/step-000050')),
    manifestOf(stable),
  ]);
  assert.ok(
    now.metrics.heldOutBitsPerByte < then.metrics.heldOutBitsPerByte - 0.05,
    `${JSON.stringify([now.metrics, then.metrics])}`,
  );
  assert.deepEqual(
    now.lineage.map(({ stage, step, digest }) => [stage, step, digest === now.parent]),
    [['pretrain', 40, true]],
  );
  assert.deepEqual((now.settings as { cooldown: unknown }).cooldown, { steps: 10 });
  assert.equal(await readFile(join(run, 'pretrain/stage.json'), 'utf8'), before);
  const again = await mossctl(['pretrain', '--cooldown', stable, ...flags]);
  assert.match(again.stdout, /^unchanged/);
});

test('what is no cool-down is refused, with what to do instead', async () => {
  const stable = join(run, 'pretrain/step-000040');
  const refused = async (args: readonly string[]): Promise<string> => {
    const { code, stderr } = await mossctl(['pretrain', ...args, ...flags]);
    assert.equal(code, 2, stderr);
    return stderr;
  };
  assert.match(await refused(['--cooldown', stable, '--out', run]), /needs a run folder of its own/);
  const other = ['--out', join(folder, 'other'), '--set', 'pretrain.train.learningRate=0.02'];
  assert.match(
    await refused(['--cooldown', stable, ...other]),
    /other settings.*pretrain\.train\.learningRate.*pretrain\.from/,
  );
  const begun = ['--set', `pretrain.from=${join(run, 'pretrain/step-000080')}`, '--set', 'tokenizer=null'];
  assert.match(
    await refused(['--cooldown', stable, '--out', join(folder, 'begun'), ...begun]),
    /began from other weights.*pretrain\.from/,
  );
  assert.match(await refused(['--cooldown', run]), /has come to its end/);
  assert.match(await refused(['--cooldown', stable, '--size', '7m']), /--size.*cannot be used with.*--cooldown/);
  const named = ['--out', join(folder, 'named'), '--set', `pretrain.cooldown.from=${pipeline}`, '--config', pipeline];
  assert.match(await refused(named), /this is a file; a checkpoint is a folder/i);
});

test('--size alone decides on shape and training; the run says the numbers', async () => {
  const out = join(folder, 'sized');
  const args = ['--config', pipeline, '--size', '80k', '--out', out, '--set', 'pretrain.train.tokens=2e4'];
  const { code, stderr } = await mossctl(['pretrain', ...args, '--threads', '1']);
  assert.equal(code, 0, stderr);
  const said = /\d+ parameters, (\d+) steps of (\d+) rows of 64, .* learning rate ([\d.]+), weight decay ([\d.]+)/.exec(
    stderr,
  );
  assert.ok(said, stderr);
  const resolved = await readFile(join(out, 'pipeline.yaml'), 'utf8');
  const [, steps, rows, rate, decay] = said;
  for (const line of [
    `steps: ${steps}`,
    `batchSize: ${rows}`,
    `learningRate: ${rate}`,
    `weightDecay: ${decay}`,
    'size: 80k',
  ])
    assert.ok(resolved.includes(line), `${line} in ${resolved}`);
});
