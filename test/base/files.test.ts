// What a process that is about to end takes away of a file that it was writing.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { removeUnfinished, temporarySibling } from '../../src/base/files.js';

test('its own half-written files go, others stay, and a folder that is not made yet holds none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'unfinished-'));
  t.after(() => rm(folder, { recursive: true }));
  const [model, other] = [join(folder, 'model'), temporarySibling(join(folder, 'model-2'))];
  const foreign = join(folder, `.tmp-model-${process.ppid}-00000000`);
  for (const path of [model, temporarySibling(model), other, foreign]) await writeFile(path, '');
  removeUnfinished(model);
  assert.deepEqual((await readdir(folder)).sort(), ['model', basename(other), basename(foreign)].sort());
  removeUnfinished(join(folder, 'absent', 'model'));
});
