// A cool-down: the training it leaves is untouched, what it makes is the same however often it is stopped, and it is
// better than where it began.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Interrupted } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { stepDirectory } from '../../src/checkpoint/history.js';
import type { TokenBatch } from '../../src/data/types.js';
import { openBackend } from '../../src/tensor/backends.js';
import { mul, type Scalar } from '../../src/tensor/tf.js';
import { learningRateAt } from '../../src/train/schedule.js';
import { type TrainingResult, type TrainingRun, train } from '../../src/train/trainer.js';
import { abortedWhen } from '../signals.js';
import { countingObjective, recordingReporter, tinyModel, trainConfig } from './tiny.js';

const config = trainConfig({
  schedule: 'wsd',
  warmup: 0.1,
  decay: 0.2,
  finalRatio: 0,
  checkpointEvery: 10,
  keep: 'last=9',
});
const planned = 40;
const left = 20;

test('the learning rate falls in a straight line from where the training stood to its end', () => {
  const at = { step: left, planned };
  const rates = [21, 24, 28].map((step) => learningRateAt(step, 28, config, at));
  assert.deepEqual(
    rates.map((rate) => Number(rate.toFixed(6))),
    [0.00875, 0.005, 0],
  );
  // From within the decay of the other, too: it begins where that stood.
  const late = learningRateAt(36, planned, config);
  assert.ok(Math.abs(learningRateAt(37, 40, config, { step: 36, planned }) - 0.75 * late) < 1e-12);
});

describe('cool-down', () => {
  let root: string;
  before(async () => {
    await openBackend('wasm');
    root = await mkdtemp(join(tmpdir(), 'mossctl-cooldown-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const manifest: TrainingRun<TokenBatch>['manifest'] = {
    ...{ stage: 'pretrain', parent: null, lineage: [], settings: {}, inputDigest: 'data' },
    ...{ backend: 'wasm', threads: null, precision: 'fp32' },
  };
  const run = (name: string, own: Partial<TrainingRun<TokenBatch>> = {}): Promise<TrainingResult> =>
    train({
      ...{ model: tinyModel(), objective: countingObjective(), config, steps: planned },
      ...{ directory: join(root, name), runDirectory: root, tokenizerFiles: { 'tokenizer.json': '{}' } },
      ...{ eosTokenId: 0, manifest, reporter: recordingReporter() },
      ...own,
    });
  const stoppingAfter = (count: number) => {
    const reporter = recordingReporter();
    const signal = abortedWhen(() => reporter.events.filter(({ type }) => type === 'step').length >= count);
    return { reporter, signal };
  };

  test('ends lower than it began, and neither stopping it nor going on with the other changes a bit', async () => {
    const whole = await run('whole');
    const parent = join(root, 'parent');
    await assert.rejects(run('parent', stoppingAfter(left)), Interrupted);
    const path = stepDirectory(parent, left);
    const cooldown = { path, step: left, planned };
    const reporter = recordingReporter();
    const cooled = await run('cooled', { steps: 28, cooldown, reporter });
    const steps = reporter.events.flatMap((event) => (event.type === 'step' ? [event] : []));
    assert.deepEqual(
      steps.map(({ step }) => step),
      [21, 22, 23, 24, 25, 26, 27, 28],
    );
    assert.equal(steps.at(-1)?.learningRate, 0);

    await assert.rejects(run('stopped', { steps: 28, cooldown, ...stoppingAfter(3) }), Interrupted);
    assert.deepEqual(await readdir(join(root, 'stopped')), ['step-000023']);
    assert.equal((await run('stopped', { steps: 28, cooldown })).digest, cooled.digest);

    // The data go on from where they were: the moments and the cursor are those of the other.
    const { manifest: saved } = await openCheckpoint(path);
    assert.ok(cooled.checkpoint.manifest.tokensSeen > saved.tokensSeen);
    assert.equal((await run('parent')).digest, whole.digest);
  });

  test('a spike before its first checkpoint: back to the one that it leaves', async () => {
    const watched = { ...config, spikeLimit: 8, clipNorm: 0 };
    await assert.rejects(run('watched', { config: watched, ...stoppingAfter(left) }), Interrupted);
    const good = countingObjective();
    let read = 0;
    const objective: typeof good = {
      ...good,
      next: () => {
        read++;
        return good.next();
      },
      loss: (model, batch) => {
        const loss = good.loss(model, batch);
        return read === 3 ? (mul(loss, 40) as Scalar) : loss;
      },
    };
    const reporter = recordingReporter();
    const cooldown = { path: stepDirectory(join(root, 'watched'), left), step: left, planned };
    const cooled = await run('spiked', { config: watched, steps: 28, cooldown, objective, reporter });
    const steps = reporter.events.flatMap((event) => (event.type === 'step' ? [event.step] : []));
    assert.deepEqual(steps, [21, 22, 21, 22, 23, 24, 25, 26, 27, 28]);
    assert.deepEqual(
      cooled.checkpoint.manifest.skipped?.map(({ step, backTo }) => [step, backTo]),
      [[23, 20]],
    );
  });

  test('a cool-down at half of the training has a lower held-out loss than the stable checkpoint', async (t) => {
    const evaluated = async (name: string, own: Partial<TrainingRun<TokenBatch>>): Promise<number> => {
      const objective = countingObjective(11);
      const batches = await Promise.all([1, 2, 3, 4].map(() => objective.next()));
      const evaluate: TrainingRun<TokenBatch>['evaluate'] = async (model) => {
        const sums = batches.map((batch) => {
          const loss = objective.loss(model, batch);
          const value = loss.dataSync()[0];
          loss.dispose();
          return [value, batch.weight];
        });
        return { heldOutLoss: sums.reduce((all, [sum]) => all + sum, 0) / sums.reduce((all, [, n]) => all + n, 0) };
      };
      return (await run(name, { evaluate, ...own })).metrics.heldOutLoss;
    };
    const noisy = { ...config, learningRate: 0.03, evaluateEvery: 60, keep: 'last=99' };
    const reporter = recordingReporter();
    await evaluated('all', { config: noisy, steps: 120, reporter });
    const [half] = reporter.events.flatMap((event) => (event.type === 'evaluation' ? [event.metrics.heldOutLoss] : []));
    const cooldown = { path: stepDirectory(join(root, 'all'), 60), step: 60, planned: 120 };
    const cooled = await evaluated('all-cooled', { config: noisy, steps: 75, cooldown });
    t.diagnostic(`${half} at step 60, ${cooled} after 15 steps of cool-down`);
    assert.ok(cooled < half, `${cooled} after ${half}`);
  });
});
