// What the tools of a run's checkpoint read: what they were taught with, else the text of the run; nothing of a checkpoint alone.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runSources } from '../../src/cli/run-sources.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-sources-'));
after(() => rm(folder, { recursive: true, force: true }));

test('from a run, its latest and a step inside: what was taught with, else the corpus', async () => {
  const step = join(folder, 'tool-use', 'step-000001');
  await mkdir(step, { recursive: true });
  assert.deepEqual(await runSources(step), {}, 'no run around it');
  await writeFile(join(folder, 'pipeline.yaml'), '');
  assert.deepEqual(await runSources(folder), {}, 'a run without text');
  await mkdir(join(folder, 'data', 'corpus'), { recursive: true });
  await writeFile(join(folder, 'data', 'corpus', 'manifest.json'), '{}');
  assert.deepEqual(await runSources(folder), { search: [folder] });
  const made = (name: string): string => join(folder, 'tool-use', name);
  await writeFile(made('poems.jsonl'), '');
  await mkdir(made('tables'));
  await symlink(step, join(folder, 'latest'));
  for (const checkpoint of [folder, step, join(folder, 'latest')]) {
    assert.deepEqual(await runSources(checkpoint), { search: [made('poems.jsonl')], query: [made('tables')] });
  }
});
