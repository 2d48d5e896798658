// A step that spikes is undone: back to the last checkpoint, on with other data, and all of it on record.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import type { TokenBatch } from '../../src/data/types.js';
import { memory, mul, type Scalar } from '../../src/tensor/tf.js';
import type { Objective } from '../../src/train/objective.js';
import { type SpikeState, spikeOf, withStep } from '../../src/train/spikes.js';
import { countingObjective, trainConfig } from './tiny.js';
import { trainingWorld } from './world.js';

test('a spike is a loss or gradient norm far above the recent ones, or not a number', () => {
  let state: SpikeState = { recent: [], skipped: [] };
  assert.equal(spikeOf(state, [1e9, 1e9], 5), undefined, 'nothing to compare with');
  assert.match(spikeOf(state, [Number.NaN, 1], 5) ?? '', /loss is NaN/);
  for (let i = 0; i < 100; i++) state = withStep(state, [4 + 0.4 * Math.sin(i), 1 + 0.2 * Math.cos(i)]);
  assert.equal(state.recent.length, 64);
  assert.equal(spikeOf(state, [4.7, 1.3], 5), undefined);
  assert.match(spikeOf(state, [8, 1], 5) ?? '', /loss of 8\.00 is above [45]\.\d/);
  assert.match(spikeOf(state, [4, 9], 5) ?? '', /gradient norm of 9\.00 is above/);
  assert.equal(spikeOf(state, [0.1, 0.01], 5), undefined, 'falling is no spike');
});

describe('a training that is watched', () => {
  const { pathOf, attempt } = trainingWorld();

  /** 30 steps, a checkpoint every 4; the loss of the batches numbered in `bad` (from 1, as they are read) is not real. */
  async function run(name: string, { bad = [] as number[], factor = 40, stopAt = 1000, spikeLimit = 8 } = {}) {
    const good = countingObjective();
    let read = 0;
    const objective: Objective<TokenBatch & { number?: number }> = {
      next: async () => ({ ...(await good.next()), number: ++read }),
      state: () => ({ good: good.state(), read }),
      restore: (state) => {
        const before = state as { good: unknown; read: number };
        good.restore(before.good);
        read = before.read;
      },
      loss: (model, batch) => {
        const loss = good.loss(model, batch);
        return bad.includes(batch.number ?? 0) ? (mul(loss, factor) as Scalar) : loss;
      },
    };
    const config = trainConfig({ spikeLimit, checkpointEvery: 4, schedule: 'constant', clipNorm: 0 });
    const { outcome, steps, notes } = await attempt(name, { objective, config, steps: 30 }, stopAt);
    return {
      outcome: outcome as { digest: string; path: string },
      steps: steps.map(({ step }) => step),
      notes: notes.map(({ text }) => text),
    };
  }

  test('goes back to its checkpoint, leaves the data out, and says which documents they held', async () => {
    const { numTensors } = memory();
    const { outcome, steps, notes } = await run('one', { bad: [23] });
    assert.deepEqual(steps, [...range(1, 22), ...range(21, 30)]);
    assert.match(notes[0], /step 23 is a spike: its (loss|gradient norm) of .* Back to step 20, .*document-\d+/);
    const { skipped = [] } = (await openCheckpoint(outcome.path)).manifest;
    assert.deepEqual(
      skipped.map(({ step, backTo, documents }) => [step, backTo, documents]),
      [[23, 20, skipped[0].ids.length]],
    );
    assert.ok(skipped[0].ids.length >= 3 && skipped[0].ids.every((id) => id.startsWith('document-')));
    assert.equal(memory().numTensors, numTensors);
  });

  test('stopped and resumed it gives the digest of the uninterrupted run, before and after a spike', async () => {
    const whole = await run('whole', { bad: [22] });
    for (const stopAt of [18, 26]) {
      const name = `stopped-${stopAt}`;
      assert.ok((await run(name, { bad: [22], stopAt })).outcome instanceof Interrupted);
      assert.equal((await run(name, { bad: [22] })).outcome.digest, whole.outcome.digest);
    }
  });

  test('a loss that is not finite is one too; where it comes again and again, the training stops', async () => {
    const { steps } = await run('nan', { bad: [3], factor: Number.NaN });
    assert.deepEqual(steps, [1, 2, ...range(1, 30)]);
    const { outcome, notes } = await run('always', { bad: range(5, 60), factor: Number.NaN });
    assert.ok(outcome instanceof UserError && /step 5/.test(outcome.message), String(outcome));
    assert.equal(notes.length, 3);
  });

  test('without the watch the same training stops, and its checkpoints say nothing of spikes', async () => {
    const { outcome } = await run('off', { bad: [9], factor: Number.NaN, spikeLimit: 0 });
    assert.ok(outcome instanceof UserError);
    const state = await readFile(pathOf('off', 'step-000008', 'training', 'state.json'), 'utf8');
    assert.deepEqual(Object.keys(JSON.parse(state)), ['objective']);
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
