import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import type { TokenBatch } from '../../src/data/types.js';
import { disposeModel, weight } from '../../src/model/model.js';
import type { Scalar } from '../../src/tensor/tf.js';
import { memory, mul } from '../../src/tensor/tf.js';
import type { Objective } from '../../src/train/objective.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import type { TrainingResult } from '../../src/train/trainer.js';
import { countingObjective, recordingReporter, tinyModel, trainConfig } from './tiny.js';
import { manifest, trainingWorld } from './world.js';

describe('trainer', () => {
  const { pathOf, run, attempt } = trainingWorld();

  test('learns: the loss of a counting task falls below half of where it began', async () => {
    const reporter = recordingReporter();
    await run('learns', { steps: 100, reporter, config: trainConfig({ checkpointEvery: 100 }) });
    const losses = reporter.events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));
    assert.equal(losses.length, 100);
    assert.ok(Math.abs(losses[0] - Math.log(32)) < 0.3, `first loss ${losses[0]}`);
    assert.ok(losses[99] < losses[0] / 2, `last loss ${losses[99]}`);
  });

  test('stopped at any step and resumed gives the digest of the uninterrupted run', async () => {
    const { digest } = await run('whole');
    for (const stopAt of [1, 4, 7]) {
      const name = `stopped-${stopAt}`;
      assert.ok((await attempt(name, {}, stopAt)).outcome instanceof Interrupted);
      const { outcome, steps } = await attempt(name);
      assert.equal(steps.length, 10 - stopAt);
      assert.equal((outcome as TrainingResult).digest, digest);
    }
  });

  test('resuming with another backend, thread count or precision warns: the bits will differ', async () => {
    await run('begun', { steps: 2, manifest: { ...manifest, backend: 'native', threads: 1, precision: 'fp32' } });
    const warningsOf = async (now: Partial<typeof manifest>): Promise<string[]> => {
      const reporter = recordingReporter();
      await run('begun', { steps: 2, manifest: { ...manifest, ...now }, reporter });
      return reporter.events.flatMap((event) =>
        event.type === 'note' && event.level === 'warning' ? [event.text] : [],
      );
    };
    assert.deepEqual(await warningsOf({ backend: 'native', threads: 1 }), []);
    const others: [Partial<typeof manifest>, string][] = [
      [{ backend: 'native', threads: 2 }, 'native, 2 threads'],
      [{ backend: 'native', threads: 1, precision: 'bf16' }, 'native, 1 thread, bf16'],
      [{}, 'wasm'],
    ];
    for (const [now, words] of others) {
      const [text, ...rest] = await warningsOf(now);
      assert.ok(text?.startsWith(`resuming with ${words} what began with native, 1 thread: `), text);
      assert.deepEqual(rest, []);
    }
  });

  test('two micro-batches accumulated equal one batch of twice the rows', async () => {
    const [a, b] = [tinyModel(), tinyModel()];
    const [one, two] = [countingObjective(), countingObjective()];
    const pair = [await one.next(), await one.next()];
    const config = trainConfig();
    const optimizers = [createOptimizer(a), createOptimizer(b)];
    const at = { step: 1, learningRate: 0.01 };
    const together = await trainStep(a, optimizers[0], one, pair, config, at);
    const first = await trainStep(b, optimizers[1], two, [pair[0]], config, { ...at, learningRate: 0 });
    const second = await trainStep(b, optimizers[1], two, [pair[1]], config, { ...at, learningRate: 0 });
    assert.ok(Math.abs(together.loss - (first.loss + second.loss) / 2) < 1e-5);
    assert.ok(together.gradientNorm < (first.gradientNorm + second.gradientNorm) / 2 + 1e-5);
    optimizers.forEach(disposeOptimizer);
    for (const model of [a, b]) disposeModel(model);
  });

  test('an objective may draw its data from the model as it is at that step', async () => {
    const good = countingObjective();
    const asked: { step: number; size?: number; weight: number }[] = [];
    const objective: Objective<TokenBatch> = {
      ...good,
      next: ({ model, step, communicator }) => {
        asked.push({ step, size: communicator?.size, weight: weight(model, 'model.norm.weight').dataSync()[0] });
        return good.next();
      },
    };
    await run('current', { objective, steps: 3, config: trainConfig({ accumulation: 2 }) });
    assert.deepEqual(
      asked.map(({ step }) => step),
      [1, 1, 2, 2, 3, 3],
    );
    assert.ok(asked.every(({ size }) => size === 1));
    assert.equal(
      new Set(asked.map(({ weight }) => weight)).size,
      3,
      'each step sees the weights that the last one left',
    );
  });

  test('a step leaves the tensor count and the bytes unchanged', async () => {
    const model = tinyModel();
    const optimizer = createOptimizer(model);
    const objective = countingObjective();
    const step = async (number: number): Promise<void> => {
      await trainStep(model, optimizer, objective, [await objective.next()], trainConfig(), {
        step: number,
        learningRate: 0.01,
      });
    };
    await step(1);
    const { numTensors, numBytes } = memory();
    for (let number = 2; number <= 6; number++) await step(number);
    assert.equal(memory().numTensors, numTensors);
    assert.equal(memory().numBytes, numBytes);
    disposeModel(model);
    disposeOptimizer(optimizer);
  });

  test('a whole run, with its checkpoints, leaves no tensor behind', async () => {
    await run('warm', { steps: 2 });
    const { numTensors } = memory();
    await run('leak', { steps: 5, evaluate: () => Promise.resolve({ figure: 1 }) });
    assert.equal(memory().numTensors, numTensors);
  });

  test('a loss that is not finite stops with step, documents and the last good checkpoint', async () => {
    const good = countingObjective();
    let calls = 0;
    const objective: Objective<TokenBatch> = {
      next: () => good.next(),
      state: () => good.state(),
      restore: (state) => good.restore(state),
      loss: (model, batch) => {
        const loss = good.loss(model, batch);
        return ++calls === 6 ? (mul(loss, Number.NaN) as Scalar) : loss;
      },
    };
    await assert.rejects(run('nan', { objective }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.exitCode, 1);
      assert.match(error.message, /step 6/);
      assert.match(error.message, /document-\d+/);
      assert.match(error.message, /step-000004\. Lower the learning rate/);
      return true;
    });
    assert.deepEqual(await readdir(pathOf('nan')), ['step-000004']);
    calls = 5;
    await assert.rejects(run('nan-at-once', { objective }), (error: unknown) => {
      assert.match((error as UserError).message, /step 1: .*No checkpoint was saved yet.*Look at those documents/);
      assert.doesNotMatch((error as UserError).message, /learning rate/i);
      return true;
    });
  });

  test('keeps the newest checkpoints only, and falls back over a damaged one', async () => {
    const { digest } = await run('keep', { steps: 12 });
    assert.deepEqual((await readdir(pathOf('keep'))).sort(), ['step-000008', 'step-000012']);
    await rm(pathOf('keep', 'step-000012', 'model.safetensors'));
    const reporter = recordingReporter();
    const again = await run('keep', { steps: 12, reporter });
    assert.equal(again.digest, digest);
    assert.ok(reporter.events.some((event) => event.type === 'note' && event.text.includes('damaged')));
  });
});
