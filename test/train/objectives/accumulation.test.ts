// However the rows of a step are cut into micro-batches, its loss, figures and gradient are the same: a mean over all of its
// tokens or pairs, not a mean of means.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { padSequences } from '../../../src/data/sequences.js';
import type { TokenBatch } from '../../../src/data/types.js';
import { disposeModel } from '../../../src/model/model.js';
import { openBackend } from '../../../src/tensor/backends.js';
import type { MicroBatch, Objective } from '../../../src/train/objective.js';
import { tokenObjective } from '../../../src/train/objectives/next-token.js';
import { pairBatch, preferenceObjective } from '../../../src/train/objectives/preference.js';
import { createOptimizer, disposeOptimizer } from '../../../src/train/optimizer.js';
import { trainStep } from '../../../src/train/step.js';
import { countingPairs, countingSequences, padId, preferenceOf, tinyModel, trainConfig } from '../tiny.js';
import { policyOf, sampledBatch, sampledObjective } from './sampled.js';

const rows = 8;
const cuts = [
  [1, 1, 1, 1, 1, 1, 1, 1],
  [3, 3, 2],
  [7, 1],
];

// Of each sequence another number of tokens counts, of one of them none.
const sequences = countingSequences(rows, 12).map((sequence, row) => ({
  ...sequence,
  loss: Array.from({ length: 12 }, (_, token) => Number(token > 2 && token < 3 + row)),
}));
const pairs = countingPairs(rows);

/** An objective, and its batch of the rows from `begin` to `end`. */
interface Case<Batch extends MicroBatch> {
  objective: Objective<Batch>;
  batch(begin: number, end: number): Batch;
}

function tokens(zLoss: number): Case<TokenBatch> {
  const supply = { next: () => Promise.reject(new Error('not asked')), state: null, restore: () => {} };
  return {
    objective: tokenObjective(supply, { zLoss }),
    batch: (begin, end) => padSequences(sequences.slice(begin, end), { padId }),
  };
}

/** One step over the micro-batches: what it gives, and its gradient by way of the optimizer's first moments. */
async function stepOver<Batch extends MicroBatch>({ objective, batch }: Case<Batch>, sizes: readonly number[]) {
  const model = tinyModel();
  const optimizer = createOptimizer(model);
  let begin = 0;
  const batches = sizes.map((size) => {
    begin += size;
    return batch(begin - size, begin);
  });
  const config = trainConfig({ clipNorm: 0 });
  const { loss, gradientNorm, figures } = await trainStep(model, optimizer, objective, batches, config, {
    step: 1,
    learningRate: 0.01,
  });
  const gradient = [...optimizer.moments.values()].flatMap(({ m }) => [...m.dataSync()]);
  disposeOptimizer(optimizer);
  disposeModel(model);
  return { numbers: [loss, gradientNorm, ...Object.values(figures)], gradient };
}

async function checkCuts<Batch extends MicroBatch>(one: Case<Batch>): Promise<void> {
  const whole = await stepOver(one, [rows]);
  const largest = Math.max(...whole.gradient.map(Math.abs));
  assert.ok(largest > 1e-3);
  for (const sizes of cuts) {
    const cut = await stepOver(one, sizes);
    whole.numbers.forEach((number, i) => {
      assert.ok(Math.abs(cut.numbers[i] - number) < 1e-5 * Math.max(1, Math.abs(number)), `${sizes}: number ${i}`);
    });
    const off = Math.max(...whole.gradient.map((slope, i) => Math.abs(cut.gradient[i] - slope)));
    assert.ok(off < 1e-5 * largest, `${sizes}: a gradient is off by ${off}, the largest is ${largest}`);
  }
}

describe('accumulation', async () => {
  await openBackend('wasm');
  test('next-token prediction', () => checkCuts(tokens(0)));
  test('next-token prediction with z-loss', () => checkCuts(tokens(0.1)));
  for (const policyLoss of ['dapo', 'grpo', 'dr_grpo', 'vespo'] as const) {
    test(`sampled answers, ${policyLoss}`, () => {
      const policy = policyOf({ policyLoss, klWeight: 0.1 });
      return checkCuts({
        objective: sampledObjective(policy),
        batch: (begin, end) => sampledBatch(begin, end, policy),
      });
    });
  }
  test('preferences', () => {
    const options = { preference: preferenceOf({ sftWeight: 0.2 }), batchSize: rows, padId, seed: 1 };
    return checkCuts({
      objective: preferenceObjective(pairs, options),
      batch: (begin, end) => pairBatch(pairs.slice(begin, end), padId),
    });
  });
});
