// A cool-down: the training it leaves is untouched, what it makes is the same however often it is stopped, and it is
// better than where it began.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Interrupted } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { stepDirectory } from '../../src/checkpoint/history.js';
import type { TokenBatch } from '../../src/data/types.js';
import { mul, type Scalar } from '../../src/tensor/tf.js';
import { learningRateAt } from '../../src/train/schedule.js';
import type { TrainingRun } from '../../src/train/trainer.js';
import { countingObjective, recordingReporter, trainConfig } from './tiny.js';
import { trainingWorld } from './world.js';

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
  const world = trainingWorld();
  const { pathOf } = world;
  const run: typeof world.run = (name, own) => world.run(name, { config, steps: planned, ...own });
  const stop = async (name: string, stopAt: number, own: Parameters<typeof run>[1] = {}): Promise<void> => {
    const { outcome } = await world.attempt(name, { config, steps: planned, ...own }, stopAt);
    assert.ok(outcome instanceof Interrupted, String(outcome));
  };

  test('ends lower than it began, and neither stopping it nor going on with the other changes a bit', async () => {
    const whole = await run('whole');
    const parent = pathOf('parent');
    await stop('parent', left);
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

    await stop('stopped', 3, { steps: 28, cooldown });
    assert.deepEqual(await readdir(pathOf('stopped')), ['step-000023']);
    assert.equal((await run('stopped', { steps: 28, cooldown })).digest, cooled.digest);

    // The data go on from where they were: the moments and the cursor are those of the other.
    const { manifest: saved } = await openCheckpoint(path);
    assert.ok((await openCheckpoint(cooled.path)).manifest.tokensSeen > saved.tokensSeen);
    assert.equal((await run('parent')).digest, whole.digest);
  });

  test('a spike before its first checkpoint: back to the one that it leaves', async () => {
    const watched = { ...config, spikeLimit: 8, clipNorm: 0 };
    await stop('watched', left, { config: watched });
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
    const cooldown = { path: stepDirectory(pathOf('watched'), left), step: left, planned };
    const cooled = await run('spiked', { config: watched, steps: 28, cooldown, objective, reporter });
    const steps = reporter.events.flatMap((event) => (event.type === 'step' ? [event.step] : []));
    assert.deepEqual(steps, [21, 22, 21, 22, 23, 24, 25, 26, 27, 28]);
    assert.deepEqual(
      (await openCheckpoint(cooled.path)).manifest.skipped?.map(({ step, backTo }) => [step, backTo]),
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
    const cooldown = { path: stepDirectory(pathOf('all'), 60), step: 60, planned: 120 };
    const cooled = await evaluated('all-cooled', { config: noisy, steps: 75, cooldown });
    t.diagnostic(`${half} at step 60, ${cooled} after 15 steps of cool-down`);
    assert.ok(cooled < half, `${cooled} after ${half}`);
  });
});
