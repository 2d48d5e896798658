// What a stage took is known to the next run of the same settings, whatever its seed; to others only where the stage's own are the same.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { expectedDurations, keepDuration } from '../../src/pipeline/durations.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { stageTable } from '../../src/stages/catalog.js';

const cache = await mkdtemp(join(tmpdir(), 'mossctl-durations-'));
process.env.MOSSCTL_CACHE = cache;
after(() => rm(cache, { recursive: true, force: true }));

test('durations are found by settings, the file expects the others, and a broken cache is no fault', async () => {
  const pipelineOf = async (...set: string[]) => ({
    config: await loadPipeline({ config: 'smoke', set }),
    stages: stageTable,
  });
  const plan = ['data', 'sft', 'align'] as const;
  const smoke = await pipelineOf();
  const declared = await expectedDurations(plan, smoke);
  assert.deepEqual(declared[1], { name: 'sft', seconds: smoke.config.expectedSeconds?.sft });
  await keepDuration('sft', smoke, 12);
  await keepDuration('sft', await pipelineOf('sft.train.steps=9'), 3);
  const secondsOf = async (...set: string[]) => (await expectedDurations(plan, await pipelineOf(...set)))[1];
  assert.deepEqual(await secondsOf('seed=7'), { name: 'sft', seconds: 12, isMeasured: true });
  assert.deepEqual(await secondsOf('sft.train.steps=9'), { name: 'sft', seconds: 3, isMeasured: true });
  assert.deepEqual(await secondsOf('selfInstruct.count=99'), { name: 'sft', seconds: 12, isMeasured: true });
  assert.deepEqual(await secondsOf('sft.train.steps=10', 'expectedSeconds=null'), { name: 'sft' });
  assert.equal((await secondsOf('pretrain.model.hiddenSize=32')).isMeasured, undefined, 'another model');
  const file = join(cache, 'stage-seconds.json');
  assert.doesNotMatch(await readFile(file, 'utf8'), /seeds|smoke/, 'no settings, only digests of them');
  await writeFile(file, '{"x": "long"');
  assert.equal((await secondsOf()).isMeasured, undefined);
  await keepDuration('sft', smoke, 5);
  assert.equal((await secondsOf()).seconds, 5);
  const onTwo = { ...smoke, communicator: { size: 2 } };
  assert.equal((await expectedDurations(plan, onTwo))[1].isMeasured, undefined, 'two processes are not one');
  await keepDuration('sft', onTwo, 2);
  assert.equal((await expectedDurations(plan, onTwo))[1].seconds, 2);
  assert.equal((await secondsOf()).seconds, 5);
  await chmod(cache, 0o500);
  await keepDuration('sft', smoke, 6);
  await chmod(cache, 0o700);
});
