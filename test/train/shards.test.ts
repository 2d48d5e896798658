// Who keeps which moments: every number has one owner, the owners have equal shares, and a training of several ranks that keep a
// share each is, step after step, that of one that keeps all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { decoderTable } from '../../src/architecture/parameters.js';
import type { HostTensor } from '../../src/base/host-tensor.js';
import { sizeOf } from '../../src/base/host-tensor.js';
import { modelSchema } from '../../src/config/model.js';
import { disposeModel } from '../../src/model/model.js';
import { alone, type Communicator } from '../../src/tensor/communicator.js';
import { read } from '../../src/tensor/host.js';
import { memory } from '../../src/tensor/tf.js';
import { collectMoments } from '../../src/train/exchange.js';
import { createOptimizer, disposeOptimizer, optimizerTensors, restoreOptimizer } from '../../src/train/optimizer.js';
import { bucketsOf, countsOf, isByMuon, isWhole, parametersOf } from '../../src/train/shards.js';
import { trainStep } from '../../src/train/step.js';
import { onBackend } from '../conformance/backends.js';
import { memoryRanks } from './memory-ranks.js';
import { countingObjective, tinyConfig, tinyModel, trainConfig } from './tiny.js';

type Kind = 'adamw' | 'muon';

test('every number of a model has one owner, and owners have equal shares of memory and of work', () => {
  for (const name of ['7m', '34m', '124m'] as const) {
    const settings = modelSchema.parse({ size: name, contextLength: 256 });
    const rows = decoderTable(modelConfig(settings, { vocabSize: 16_384, endOfText: 0, pad: 1 }));
    for (const [kind, size] of [
      ...[1, 2, 3, 8].map((size) => ['adamw', size] as const),
      ...[2, 4, 8].map((size) => ['muon', size] as const),
    ]) {
      const buckets = bucketsOf(rows, { kind, size });
      const ends = new Map<string, number>();
      const moments = new Array<number>(size).fill(0);
      const work = new Array<number>(size).fill(0);
      for (const { row, rank, from, to } of buckets.flat()) {
        assert.equal(from, ends.get(row.name) ?? 0); // behind what came before, in order
        ends.set(row.name, to);
        const muon = isByMuon(row, kind);
        moments[rank] += (muon ? 1 : 2) * (to - from);
        if (muon) work[rank] += Math.min(...row.shape) * (to - from);
        assert.ok(!muon || (from === 0 && to === sizeOf(row.shape)), `${row.name} is cut`);
      }
      for (const row of rows) assert.equal(ends.get(row.name), sizeOf(row.shape), row.name);
      const excess = (of: number[]) => (Math.max(...of) * size) / of.reduce((sum, each) => sum + each, 0) - 1;
      assert.ok(excess(moments) < (kind === 'muon' ? 0.04 : 1e-5), `${name} ${kind} ${size}: ${moments.join()}`);
      if (kind === 'muon') assert.ok(excess(work) < 0.05, `${name} ${size}: ${work.join()}`);
    }
  }
});

test('a bucket lies by rank, with each of its parameters in one piece of memory', () => {
  const rows = decoderTable(tinyConfig());
  for (const kind of ['adamw', 'muon'] as const) {
    for (const bucket of bucketsOf(rows, { kind, size: 3 })) {
      const ranks = bucket.map(({ rank }) => rank);
      assert.deepEqual(ranks, [...ranks].sort());
      const counts = countsOf(bucket, 3);
      const parameters = parametersOf(bucket);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        parameters.reduce((sum, { size }) => sum + size, 0),
      );
      let at = 0;
      for (const parameter of parameters) {
        assert.equal(parameter.at, at);
        at += parameter.size;
      }
      // Of what a step does not learn nothing is sent, and the rest lies as before.
      const some = bucket.filter(({ row }) => row.decay);
      assert.deepEqual(
        parametersOf(some).map(({ row }) => row),
        parameters.map(({ row }) => row).filter((row) => row.decay),
      );
    }
  }
});

interface Trained {
  losses: number[];
  weights: Float32Array[];
  moments: HostTensor[];
}

/** @param from moments of a training before, to begin with. */
async function trained(
  communicator: Communicator,
  kind: Kind,
  { steps, from }: { steps: number; from?: ReadonlyMap<string, HostTensor> },
): Promise<Trained> {
  const model = tinyModel();
  const optimizer = createOptimizer(model, kind, communicator);
  if (from !== undefined) restoreOptimizer(optimizer, from, 'memory');
  const objective = countingObjective();
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const batches = [await objective.next(), await objective.next()];
    const at = { step, learningRate: 0.01, communicator };
    losses.push((await trainStep(model, optimizer, objective, batches, trainConfig(), at)).loss);
  }
  const moments = await collectMoments(communicator, optimizer, (_, size) => new Float32Array(size));
  const weights: Float32Array[] = [];
  for (const value of model.weights.values()) weights.push(await read(value));
  disposeOptimizer(optimizer);
  disposeModel(model);
  return { losses, weights, moments };
}

await onBackend('trainings of 1, 2 and 4 ranks have the same losses', 'wasm', {}, async () => {
  const before = memory().numTensors;
  const steps = 10;
  for (const kind of ['adamw', 'muon'] as const) {
    const one = await trained(alone, kind, { steps });
    assert.ok(one.losses[steps - 1] < 0.95 * one.losses[0], one.losses.join());
    for (const size of [2, 4]) {
      const ranks = await Promise.all(memoryRanks(size).map((each) => trained(each, kind, { steps })));
      for (const [rank, { losses, weights, moments }] of ranks.entries()) {
        assert.deepEqual(weights, ranks[0].weights); // the same bits
        assert.equal(moments.length, rank === 0 ? one.moments.length : 0);
        for (const [i, loss] of one.losses.entries()) {
          assert.ok(Math.abs(losses[i] - loss) < 1e-4 * loss, `${kind}, ${size}, step ${i + 1}: ${losses[i]}, ${loss}`);
        }
      }
      assert.deepEqual(
        ranks[0].moments.map(({ name, shape }) => [name, shape]),
        one.moments.map(({ name, shape }) => [name, shape]),
      );
    }
  }
  assert.equal(memory().numTensors, before);
});

await onBackend('moments that one number of ranks saved, another restores to the bit', 'wasm', {}, async () => {
  for (const kind of ['adamw', 'muon'] as const) {
    const [first] = await Promise.all(memoryRanks(2).map((each) => trained(each, kind, { steps: 3 })));
    const from = new Map(first.moments.map((moment) => [moment.name, moment]));
    for (const size of [1, 3, 4]) {
      const [again] = await Promise.all(memoryRanks(size).map((each) => trained(each, kind, { steps: 0, from })));
      assert.deepEqual(again.moments, first.moments);
    }
  }
});

await onBackend(
  'a rank of three holds a third of the moments, and of a cut one only its part',
  'wasm',
  {},
  async () => {
    const model = tinyModel();
    const all = createOptimizer(model);
    const [, second] = memoryRanks(3);
    const own = createOptimizer(model, 'adamw', second);
    const bytes = (of: typeof all) => optimizerTensors(of).reduce((sum, [, { size }]) => sum + 4 * size, 0);
    assert.ok(Math.abs(bytes(own) - bytes(all) / 3) <= 8, `${bytes(own)} of ${bytes(all)}`);
    const cut = [...own.pieces.values()].filter((piece) => !isWhole(piece));
    assert.ok(cut.length > 0);
    for (const { row, from, to } of cut) assert.deepEqual(own.moments.get(row.name)?.m.shape, [to - from]);
    disposeOptimizer(own);
    disposeOptimizer(all);
    disposeModel(model);
  },
);
