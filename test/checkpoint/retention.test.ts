// Which checkpoints stay and which go.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { linkLatest, stepDirectory } from '../../src/checkpoint/history.js';
import { pruneCheckpoints } from '../../src/checkpoint/retention.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { checkpointContent } from './fixtures/content.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retention-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** `runs/<name>/pretrain` with a checkpoint at each step; the metric of step i is `values[i]`. */
async function stageOf(name: string, steps: readonly number[], values: readonly number[] = []) {
  const run = join(folder, name);
  const stage = join(run, 'pretrain');
  const digests = new Map<number, string>();
  for (const [i, step] of steps.entries()) {
    const content = checkpointContent(step);
    if (values[i] !== undefined) content.manifest.metrics = { bitsPerByte: values[i], 'bitsPerByte.zh': -values[i] };
    digests.set(step, (await saveCheckpoint(stepDirectory(stage, step), content)).digest);
  }
  const left = async () => (await readdir(stage)).sort().map((step) => Number(step.slice(5)));
  return { run, stage, digests, left };
}

test('the newest stay, and those of every so many steps', async () => {
  const { run, stage, left } = await stageOf('every', [1, 2, 3, 4, 5, 6, 7]);
  const removed = await pruneCheckpoints(stage, { last: 2, every: 3 }, { runDirectory: run, protect: [] });
  assert.deepEqual(
    removed.map((path) => basename(path)),
    ['step-000001', 'step-000002', 'step-000004', 'step-000005'],
  );
  assert.deepEqual(await left(), [3, 6, 7]);
  assert.deepEqual(await pruneCheckpoints(stage, { last: 100 }, { runDirectory: run, protect: [] }), []);
});

test('the best stays, by the way that its metric goes; of equals the first; without a value none', async () => {
  const steps = [1, 2, 3, 4, 5];
  const values = [3, 2, 2, 2.5, 4];
  for (const [better, metric, best] of [
    ['lower', 'heldOutBitsPerByte', 2],
    ['higher', 'heldOutBitsPerByte', 5],
    ['higher', 'heldOutBitsPerByte.zh', 2],
    ['lower', 'toString', 5],
  ] as const) {
    const { run, stage, left } = await stageOf(`best-${better}-${metric}`, steps, values);
    const rule = { last: 1, best: { metric, better } };
    await pruneCheckpoints(stage, rule, { runDirectory: run, protect: [] });
    assert.deepEqual(await left(), [...new Set([best, 5])].sort());
  }
});

test('what others of the run descend from, what latest points to, and what is named stay', async () => {
  const { run, stage, digests, left } = await stageOf('lineage', [1, 2, 3, 4, 5, 6, 7]);
  await linkLatest(run, stepDirectory(stage, 1));
  const child = checkpointContent(9);
  child.manifest = { ...child.manifest, stage: 'sft', parent: digests.get(3) ?? '' };
  await saveCheckpoint(stepDirectory(join(run, 'sft.replaced-00000000'), 9), child);
  const grandchild = checkpointContent(2);
  const ancestor = { stage: 'pretrain' as const, step: 4, digest: digests.get(4) ?? '' };
  grandchild.manifest = { ...grandchild.manifest, stage: 'align', parent: 'f'.repeat(64), lineage: [ancestor] };
  await saveCheckpoint(stepDirectory(join(run, 'align', 'round-01'), 2), grandchild);
  await pruneCheckpoints(stage, { last: 1 }, { runDirectory: run, protect: [stepDirectory(stage, 5)] });
  assert.deepEqual(await left(), [1, 3, 4, 5, 7]);
});

test('a damaged one has no descendants to spare it, and no metric; it goes when its turn comes', async () => {
  const { run, stage, left } = await stageOf('damaged', [1, 2, 3], [1, 2, 3]);
  await writeFile(join(stepDirectory(stage, 1), 'mossctl.json'), 'garbage');
  await rm(join(stepDirectory(stage, 2), 'mossctl.json'));
  await mkdir(join(stepDirectory(stage, 2), 'mossctl.json'));
  const rule = { last: 1, best: { metric: 'heldOutBitsPerByte', better: 'lower' as const } };
  await pruneCheckpoints(stage, rule, { runDirectory: run, protect: [] });
  assert.deepEqual(await left(), [3]);
});
