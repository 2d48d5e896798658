// What a command says that came of a stage, and what to type where people's text was erased: nothing that cannot be typed.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identifyCheckpoint } from '../../src/checkpoint/directory.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { namedStart } from '../../src/cli/commands/feedback-delete.js';
import { outcomeLine } from '../../src/cli/run-stages.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';

const folder = await mkdtemp(join(tmpdir(), 'outcome-'));
after(() => rm(folder, { recursive: true }));

test('a model that alignment only handed on was kept, not written', () => {
  const place = '/r/runs/a/align';
  assert.match(outcomeLine('/r/qwen', place, false), /^kept {2}.*qwen, nothing was promoted$/);
  assert.match(outcomeLine('/r/runs/a/sft/step-1', place, true), /^kept {2}.*step-1, nothing was promoted$/);
  assert.match(outcomeLine('/r/runs/a/align/round-01/step-1', place, false), /^wrote {2}.*step-1$/);
  assert.match(outcomeLine('/r/runs/a/align/round-01/step-1', place, true), /^unchanged {2}.*step-1$/);
});

test('what a run started from is found in its settings where it is not below the runs, if it is still that model', async () => {
  const model = join(folder, 'model');
  await saveCheckpoint(model, checkpointContent(10));
  const { digest } = await identifyCheckpoint(model);
  const run = join(folder, 'run');
  await mkdir(run);
  const settings = (from: string) => writeFile(join(run, 'pipeline.yaml'), `name: a\nalign: { from: "${from}" }\n`);
  await settings('../model');
  assert.equal(await namedStart(run, digest), model);
  assert.equal(await namedStart(run, 'e'.repeat(64)), undefined, 'another model lies there now');
  await settings('../gone');
  assert.equal(await namedStart(run, digest), undefined);
  assert.equal(await namedStart(join(folder, 'none'), digest), undefined);
});
