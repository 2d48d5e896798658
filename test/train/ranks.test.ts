// Several ranks that take a step together take the step that one takes alone, whatever is cut: micro-batches, rows of them, or
// fewer of both than there are ranks.
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { TrainConfig } from '../../src/config/train.js';
import { rowsOf } from '../../src/data/sequences.js';
import type { TokenBatch } from '../../src/data/types.js';
import { disposeModel } from '../../src/model/model.js';
import { alone, anyRank, byFirstRank, type Communicator } from '../../src/tensor/communicator.js';
import { read } from '../../src/tensor/host.js';
import { memory } from '../../src/tensor/tf.js';
import { collectMoments } from '../../src/train/exchange.js';
import type { Objective } from '../../src/train/objective.js';
import { preferenceObjective } from '../../src/train/objectives/preference.js';
import { replayedObjective } from '../../src/train/objectives/replayed.js';
import { createOptimizer, disposeOptimizer, optimizerTensors } from '../../src/train/optimizer.js';
import { checkShares, ownParts } from '../../src/train/ranks.js';
import { type StepResult, trainStep } from '../../src/train/step.js';
import { onBackend } from '../conformance/backends.js';
import { memoryRanks } from './memory-ranks.js';
import {
  countingObjective,
  countingPairs,
  padId,
  preferenceOf,
  recordingReporter,
  tinyModel,
  trainConfig,
} from './tiny.js';
import { trainingWorld } from './world.js';

interface Taken extends StepResult {
  /** First moments, of the first rank: the mean gradient, clipped. */
  moments: number[];
  /** Numbers in the moments of this rank. */
  own: number;
  weights: number[];
}

async function stepOf(communicator: Communicator, count: number, kind: TrainConfig['optimizer']): Promise<Taken> {
  const model = tinyModel();
  const optimizer = createOptimizer(model, kind, communicator);
  const objective = countingObjective();
  const batches: TokenBatch[] = [];
  while (batches.length < count) batches.push(await objective.next());
  const config = trainConfig({ beta1: 0, momentum: 0, clipNorm: 0.5 });
  const figured: Objective<TokenBatch> = {
    ...objective,
    loss: (on, batch, { record, ...pass }) => {
      const loss = objective.loss(on, batch, pass);
      record('mean', loss);
      record('most', loss, { extreme: 'max' });
      return loss;
    },
  };
  const taken = await trainStep(model, optimizer, figured, batches, config, {
    ...{ step: 1, learningRate: 0.01, communicator },
  });
  const collected = await collectMoments(communicator, optimizer, (_, size) => new Float32Array(size));
  const moments = collected.flatMap(({ name, data }) => (name.startsWith('m.') ? [...data] : []));
  const own = optimizerTensors(optimizer).reduce((sum, [, { size }]) => sum + size, 0);
  const weights: number[] = [];
  for (const value of model.weights.values()) weights.push(...(await read(value)));
  disposeOptimizer(optimizer);
  disposeModel(model);
  return { ...taken, moments, own, weights };
}

for (const backend of ['native', 'wasm'] as const) {
  await onBackend('a step of several ranks is that of one', backend, {}, async () => {
    const before = memory().numTensors;
    for (const [size, count, kind] of [
      [2, 3, 'muon'],
      [3, 1, 'adamw'],
    ] as const) {
      const one = await stepOf(alone, count, kind);
      const ranks = await Promise.all(memoryRanks(size).map((communicator) => stepOf(communicator, count, kind)));
      const held = ranks.map(({ own }) => own);
      assert.equal(
        held.reduce((sum, own) => sum + own, 0),
        one.own,
      );
      assert.ok(Math.max(...held) <= one.own / size + (kind === 'muon' ? 600 : 2), `${held.join()} of ${one.own}`);
      const largest = Math.max(...one.moments.map(Math.abs));
      assert.ok(largest > 0.01, String(largest));
      const off = Math.max(...one.moments.map((value, i) => Math.abs(value - ranks[0].moments[i])));
      assert.ok(off <= 1e-6 * Math.max(largest, 0.1), `${size} ranks: off by ${off} of ${largest}`);
      for (const each of ranks) {
        const what = `${size} ranks, ${count} micro-batches, ${kind}`;
        assert.deepEqual(each.weights, ranks[0].weights, what); // the same bits on all
        for (const key of ['loss', 'gradientNorm'] as const) {
          assert.ok(Math.abs(each[key] - one[key]) <= 1e-6 * one[key], `${what}: ${key} ${each[key]}, ${one[key]}`);
        }
        assert.ok(Math.abs(each.figures.mean - one.figures.mean) <= 1e-6 * one.figures.mean, what);
      }
    }
    assert.equal(memory().numTensors, before);
  });
}

test('every row of a step is computed by one rank', async () => {
  const objective = countingObjective();
  const batches = [await objective.next(), await objective.next(), await objective.next()];
  for (const size of [1, 2, 3, 4, 6, 8]) {
    const parts = Array.from({ length: size }, (_, rank) =>
      ownParts(objective, batches, { rank, size }, { isWhole: false }).map(({ batch }) => batch),
    );
    const rows = parts.map((own) => own.reduce((sum, batch) => sum + batch.rows, 0));
    assert.ok(Math.max(...rows) - Math.min(...rows) <= 1, rows.join());
    const tokens = parts.flat().flatMap((batch) => [...batch.tokens]);
    assert.deepEqual(
      tokens,
      batches.flatMap((batch) => [...batch.tokens]),
    );
  }
  const wholes = [0, 1].map((rank) => ownParts(objective, batches, { rank, size: 2 }, { isWhole: true }));
  assert.deepEqual(
    wholes.map((own) => own.map(({ index }) => index)),
    [[0], [1, 2]],
  );
  const undividable: Pick<Objective<TokenBatch>, 'division'> = {};
  assert.throws(() => ownParts(undividable, batches, { rank: 0, size: 2 }, { isWhole: false }), /cannot be divided/);
});

test('rows of a batch keep their own keys, weights and owners', () => {
  const batch: TokenBatch = {
    ...{ rows: 2, columns: 2, tokens: Int32Array.of(1, 2, 3, 4), targets: Int32Array.of(5, 6, 7, 8) },
    ...{ weights: Float32Array.of(1, 0.5, 0, 1), positions: Int32Array.of(0, 1, 0, 0) },
    ...{ ranges: Int32Array.of(0, 0, 0, 1, 0, 2, 1, 2), keys: Int32Array.of(0, 1, 1, 2, 3, 2) },
    ...{ owners: Int32Array.of(0, 0, 1, -1), ids: ['a', 'b'], weight: 2.5, tokenCount: 3 },
  };
  const second = rowsOf(batch, 1, 2);
  assert.deepEqual([...second.tokens], [3, 4]);
  assert.deepEqual([...second.ranges], [0, 2, 1, 2]);
  assert.deepEqual([...(second.keys ?? [])], [0, 1, 0]);
  assert.deepEqual([second.rows, second.weight, second.tokenCount], [1, 1, 1]);
});

describe('a training of two ranks', () => {
  const world = trainingWorld();

  test('has one set of files, and the losses of a training alone; a signal to one stops both, and any number resumes', async () => {
    const one = await world.attempt('alone');
    const [first, second] = memoryRanks(2);
    const both = await Promise.all([
      world.attempt('together', { communicator: first }),
      world.attempt('together', { communicator: second }, 5),
    ]);
    assert.match(String(both[0].outcome), /Interrupted: stopped at step 5 of 10/);
    assert.match(String(both[1].outcome), /Interrupted/);
    for (const name of ['on three', 'on one'])
      await cp(world.pathOf('together'), world.pathOf(name), { recursive: true });
    const [third, fourth] = memoryRanks(2);
    const resumed = await Promise.all(
      [third, fourth].map((communicator) => world.run('together', { communicator, reporter: recordingReporter() })),
    );
    assert.equal(resumed[0].digest, resumed[1].digest);
    const undisturbed = await Promise.all(
      memoryRanks(2).map((communicator) => world.run('undisturbed', { communicator })),
    );
    assert.equal(resumed[0].digest, undisturbed[0].digest);
    const [onThree] = await Promise.all(memoryRanks(3).map((communicator) => world.run('on three', { communicator })));
    const expected = one.steps.at(-1)?.loss ?? 0;
    for (const { metrics } of [undisturbed[0], onThree, await world.run('on one')]) {
      assert.ok(Math.abs(metrics.loss - expected) <= 1e-4 * expected, `${metrics.loss}, ${expected}`);
    }
  });

  test('that cannot continue on one rank ends on the other', async () => {
    const [first, second] = memoryRanks(2);
    const broken = { ...countingObjective(), next: () => Promise.reject(new Error('no more data')) };
    const ended = await Promise.allSettled([
      world.run('broken', { communicator: first }),
      world.run('broken', { communicator: second, objective: broken }).catch(async (error: unknown) => {
        await second.fail(String(error));
        throw error;
      }),
    ]);
    assert.deepEqual(
      ended.map((each) => each.status === 'rejected' && String(each.reason)),
      [
        'RankFailed: rank 1 of 2 failed. Error: no more data. The same command resumes from what was saved last.',
        'Error: no more data',
      ],
    );
  });
});

test('what the first rank does, the others learn: its value, or why it failed', async () => {
  const done = await Promise.all(memoryRanks(3).map((each) => byFirstRank(each, async () => ({ rank: each.rank }))));
  assert.deepEqual(done, [{ rank: 0 }, { rank: 0 }, { rank: 0 }]);
  const failed = await Promise.allSettled(
    memoryRanks(2).map((each) => byFirstRank(each, () => Promise.reject(new Error(`rank ${each.rank}`)))),
  );
  assert.ok(failed.every((each) => each.status === 'rejected' && /rank 0/.test(String(each.reason))));
  const flags = await Promise.all(memoryRanks(2).map((each) => anyRank(each, each.rank === 1)));
  assert.deepEqual(flags, [true, true]);
});

test('ranks that have nothing to compute are reported, and statistics of one rank alone are refused', () => {
  const said: string[] = [];
  const reporter = { note: (_: string, text: string) => void said.push(text) };
  const run = {
    objective: countingObjective(),
    reporter,
    manifest: { stage: 'sft' as const },
    noise: { dropout: 0.1, neftune: 0 },
  };
  const check = (more: object, of: object = run) =>
    checkShares({ ...run, ...of, config: trainConfig({ batchSize: 4, accumulation: 1, ...more }) }, { size: 2 });
  check({ accumulation: 2 });
  check({}, { noise: undefined });
  assert.deepEqual(said, []);
  check({});
  assert.match(said[0], /^only 1 of 2 processes .* set sft\.train\.accumulation to 2, or start fewer$/);
  // A loss that compares all of a micro-batch is one rank's, whatever is replayed beside it.
  const sorting = { preference: preferenceOf({ loss: 'aot' }), batchSize: 4, padId, seed: 3 };
  check(
    {},
    { ...run, noise: undefined, objective: replayedObjective(preferenceObjective(countingPairs(4), sorting), []) },
  );
  assert.match(said[1], /^only 1 of 2 processes /);
  assert.throws(() => check({ statisticsEvery: 5 }), /statistics of a step are not collected/);
});
