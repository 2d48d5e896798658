// Statistics of a step: right, asked for or not without a changed bit, and nothing left behind.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { disposeModel } from '../../src/model/model.js';
import type { Event } from '../../src/report/event.js';
import { statisticsHtml } from '../../src/report/statistics.js';
import { memory, type Tensor } from '../../src/tensor/tf.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { StepStatistics } from '../../src/train/statistics.js';
import { trainStep } from '../../src/train/step.js';
import type { TrainingResult } from '../../src/train/trainer.js';
import { modelTensors } from '../model-tensors.js';
import { countingObjective, tinyModel, trainConfig } from './tiny.js';
import { trainingWorld } from './world.js';

type Statistics = Event & { type: 'statistics' };

describe('statistics', () => {
  const { attempt } = trainingWorld();

  async function run(name: string, config: Parameters<typeof trainConfig>[0]) {
    const { outcome, events } = await attempt(name, { config: trainConfig(config), steps: 6 });
    const statistics = events.filter((event): event is Statistics => event.type === 'statistics');
    return { digest: (outcome as TrainingResult).digest, statistics };
  }

  test('asked for every third step, they change no bit; a recomputed layer is seen as it is', async () => {
    const plain = await run('plain', {});
    assert.equal(plain.statistics.length, 0);
    const watched = await run('watched', { statisticsEvery: 3 });
    assert.equal(watched.digest, plain.digest);
    assert.deepEqual(
      watched.statistics.map(({ step }) => step),
      [3, 6],
    );
    const recomputed = await run('recomputed', { statisticsEvery: 3, recompute: true });
    assert.deepEqual(
      recomputed.statistics[0].parts.map(({ part, values }) => [part, values.max, values.logitBound]),
      watched.statistics[0].parts.map(({ part, values }) => [part, values.max, values.logitBound]),
    );
    assert.deepEqual(
      watched.statistics[0].parts.map(({ part, values }) => [part, Object.keys(values).sort().join(' ')]),
      [
        ['embedding', 'gradientNorm updateRatio'],
        ...[0, 1].flatMap((layer) => [
          [`layer ${layer} attention`, 'gradientNorm logitBound max rms updateRatio'],
          [`layer ${layer} mlp`, 'gradientNorm max rms updateRatio'],
        ]),
        ['last norm', 'gradientNorm updateRatio'],
      ],
    );
    const html = statisticsHtml(watched.statistics);
    assert.match(html, /step 6/);
    assert.equal([...html.matchAll(/<tr>/g)].length, 1 + 6);
    assert.equal(statisticsHtml([]), '');
  });

  test('the figures are those of the step; no tensor is left', async () => {
    const model = tinyModel();
    const optimizer = createOptimizer(model);
    const objective = countingObjective();
    const config = trainConfig();
    const seen: number[][] = [];
    const step = async (number: number) => {
      const statistics = await StepStatistics.of(model);
      const { observe } = statistics;
      Object.assign(statistics, {
        observe: (layer: number, what: Parameters<typeof observe>[1], states: Tensor): void => {
          observe(layer, what, states);
          if (layer === 1 && what === 'mlp') seen.push([...(states.dataSync() as Float32Array)]);
        },
      });
      const batches = [await objective.next(), await objective.next()];
      const weights = new Map(modelTensors(model).map(({ name, data }) => [name, data]));
      const at = { step: number, learningRate: 0.01, statistics };
      const { gradientNorm } = await trainStep(model, optimizer, objective, batches, config, at);
      return {
        gradientNorm,
        weights,
        parts: new Map((await statistics.event()).parts.map(({ part, values }) => [part, values])),
      };
    };
    const close = (actual: number, expected: number): void =>
      assert.ok(Math.abs(actual - expected) <= 1e-5 * Math.abs(expected), `${actual}, not ${expected}`);

    const { gradientNorm, weights, parts } = await step(1);
    const norms = [...parts.values()].map((values) => values.gradientNorm);
    close(Math.hypot(...norms), gradientNorm);
    const states = seen.flat();
    close(parts.get('layer 1 mlp')?.rms ?? 0, Math.hypot(...states) / Math.sqrt(states.length));
    close(parts.get('layer 1 mlp')?.max ?? 0, Math.max(...states.map(Math.abs)));
    const name = 'model.embed_tokens.weight';
    const [old, now] = [weights.get(name), modelTensors(model).find((one) => one.name === name)?.data];
    assert.ok(old && now);
    close(parts.get('embedding')?.updateRatio ?? 0, Math.hypot(...now.map((x, i) => x - old[i])) / Math.hypot(...old));
    // Queries and keys are normalised: at first both are √D long at most, so that no logit exceeds √D (D = 8).
    close(parts.get('layer 0 attention')?.logitBound ?? 0, Math.sqrt(8));

    const { numTensors, numBytes } = memory();
    await step(2);
    assert.deepEqual([memory().numTensors, memory().numBytes], [numTensors, numBytes]);
    disposeModel(model);
    disposeOptimizer(optimizer);
  });
});
