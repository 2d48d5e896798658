import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meanAccumulation } from '../../src/config/train.js';
import { accumulationAt, learningRateAt } from '../../src/train/schedule.js';
import { trainConfig } from './tiny.js';

const close = (actual: number, expected: number): void => {
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
};

test('cosine: linear warm-up to the peak, half way between peak and end in the middle, the final ratio at the end', () => {
  const config = trainConfig({ learningRate: 1, schedule: 'cosine', warmup: 0.1, finalRatio: 0.2 });
  close(learningRateAt(1, 100, config), 0.1);
  close(learningRateAt(10, 100, config), 1);
  close(learningRateAt(55, 100, config), 0.6);
  close(learningRateAt(100, 100, config), 0.2);
});

test('wsd: stable until the decay, then linear to the final ratio', () => {
  const config = trainConfig({ learningRate: 1, schedule: 'wsd', warmup: 0, decay: 0.2, finalRatio: 0 });
  close(learningRateAt(1, 100, config), 1);
  close(learningRateAt(80, 100, config), 1);
  close(learningRateAt(90, 100, config), 0.5);
  close(learningRateAt(100, 100, config), 0);
});

test('constant: stays at the peak, and no warm-up means none', () => {
  const config = trainConfig({ learningRate: 0.5, schedule: 'constant', warmup: 0 });
  close(learningRateAt(1, 3, config), 0.5);
  close(learningRateAt(3, 3, config), 0.5);
});

test('batch size: evenly from one micro-batch to all of them, and none of it where none is asked for', () => {
  const config = trainConfig({ accumulation: 4, batchWarmup: 0.4 });
  const counts = Array.from({ length: 20 }, (_, i) => accumulationAt(i + 1, 20, config));
  assert.deepEqual(counts, [1, 1, 2, 2, 3, 3, 4, 4, ...Array.from({ length: 12 }, () => 4)]);
  const total = (steps: number): number => {
    let sum = 0;
    for (let step = 1; step <= steps; step++) sum += accumulationAt(step, steps, config);
    return sum;
  };
  assert.ok(Math.abs(total(1000) / 1000 - meanAccumulation(config)) < 0.002);
  const constant = trainConfig({ accumulation: 3 });
  assert.deepEqual([accumulationAt(1, 9, constant), meanAccumulation(constant)], [3, 3]);
});
