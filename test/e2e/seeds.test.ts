// `run --seeds`: every seed is an ordinary run in a folder of its own; what is finished is skipped, what is new is added.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exists } from '../../src/base/files.js';
import { typeNextSteps } from '../docs/next-steps.js';
import { mossctl, shortSmoke } from './cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-seeds-'));
after(() => rm(folder, { recursive: true, force: true }));

const run = join(folder, 'run');
const tiny = [...shortSmoke, '--set', 'pretrain.train.steps=3', '--set', 'sft.train.steps=2', '--set', 'align=null'];

interface Line {
  type: string;
  stage?: string;
  state?: string;
  seeds?: number[];
  runs?: { seed: number }[];
  columns?: { label: string; metrics: Record<string, number> }[];
  comparisons?: { from: string; to: string }[];
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test('two seeds, then a third: one report, and each folder goes on as a run of its own', async () => {
  const first = await mossctl([...tiny, '--out', run, '--seeds', '5,6']);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /smoke: mean over seeds 5, 6\n/);
  assert.match(first.stdout, /\n {2}seed 6 +\d/);
  assert.match(first.stdout, /sft against base, over 2 seeds: /);
  assert.match(first.stdout, /report {2}.*run\/report\.html\nnext {4}npx mossctl chat .*run\/seed-5\/latest\n$/);
  assert.equal(await typeNextSteps(first.stdout), 1);
  assert.match(first.stderr, /seed 6, 2 of 2, in .*seed-6/);
  const report = await readFile(join(run, 'seed-6', 'report.html'), 'utf8');
  assert.match(report, /npx mossctl run \S*seed-6\/pipeline\.yaml --out \S*seed-6</);

  const second = await mossctl([...tiny, '--out', run, '--seeds', '5,6,7', '--json']);
  assert.equal(second.code, 0, second.stderr);
  const lines = linesOf(second.stdout);
  const states = lines.filter(({ type, stage }) => type === 'stage' && stage === 'pretrain').map(({ state }) => state);
  assert.deepEqual(states, ['skipped', 'skipped', 'started', 'finished']);
  const result = lines.at(-1);
  assert.equal(result?.type, 'seeds');
  assert.deepEqual(
    result?.runs?.map(({ seed }) => seed),
    [5, 6, 7],
  );
  assert.deepEqual(
    result?.comparisons?.map(({ from, to }) => [from, to]),
    [['base', 'sft']],
  );
  const measured = lines
    .filter(({ type }) => type === 'table')
    .map(({ columns }) => columns?.[0].metrics.bitsPerByte ?? NaN);
  assert.equal(new Set(measured).size, 3, 'another seed, another run');
  const mean = measured.reduce((a, b) => a + b, 0) / 3;
  assert.ok(Math.abs((result?.columns?.[0].metrics.bitsPerByte ?? 0) - mean) < 1e-12);

  const alone = await mossctl([...tiny, '--seed', '6', '--out', join(run, 'seed-6'), '--json']);
  assert.equal(alone.code, 0, alone.stderr);
  const skipped = linesOf(alone.stdout).filter(({ type, state }) => type === 'stage' && state === 'skipped');
  assert.equal(skipped.length, 7);
});

test('readers that go away end no training: every seed is done, and the report over all of them', async () => {
  const out = join(folder, 'unread');
  const settings = ['selfInstruct=null', 'sft=null', 'eval.validationTokens=100'];
  const args = [...tiny, ...settings.flatMap((set) => ['--set', set]), '--out', out, '--seeds', '3,4', '--json'];
  const { code, stdout } = await mossctl(args, {
    onOutput: (_, child) => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  });
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /"type":"seeds"/);
  for (const name of ['seed-3/report.html', 'seed-4/eval/results.json', 'seed-4/report.html', 'report.html']) {
    assert.ok(await exists(join(out, name)), name);
  }
});

test('seeds that make no sense are refused before anything runs', async () => {
  const wrong: [string[], RegExp][] = [
    [['--seeds', '1'], /two or more different seeds/],
    [['--seeds', '4,4'], /two or more different seeds/],
    [['--seeds', '1,x'], /must be a whole number/],
    [['--seeds', '2', '--seed', '3'], /cannot be used with option '--seed/],
    [['--seeds', '2', '--set', 'eval=null'], /no eval block.*--set eval=\{\}/],
    [['--seeds', '2', '--out', join(run, 'seed-5')], /holds a single run.*--out .*seed-5-seeds/],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await mossctl(['run', 'smoke', '--out', join(folder, 'none'), ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, message);
  }
});
