// What a cool-down compares with the training that it leaves.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { resolved } from '../../src/pipeline/load.js';
import { openCooldown } from '../../src/stages/cooldown.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';

test('settings that were recorded under the former name of a key are the same settings', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-cooldown-'));
  t.after(() => rm(folder, { recursive: true }));
  const { pretrain } = resolved(pipelineSchema.parse({ pretrain: {} }));
  assert.ok(pretrain);
  const { recompute, ...train } = pretrain.train;
  const open = async (step: number, checkpointing: boolean) => {
    const from = join(folder, `pretrain/step-00000${step}`);
    const content = checkpointContent(step);
    const settings = { ...pretrain, train: { ...train, checkpointing } };
    await saveCheckpoint(from, { ...content, manifest: { ...content.manifest, settings } });
    return openCooldown({ ...pretrain, cooldown: { from } }, { planned: 100, inputDigest: 'data-1' });
  };
  assert.equal((await open(4, recompute))?.steps, 5);
  await assert.rejects(open(5, !recompute), /other settings.*pretrain\.train\.recompute/);
});
