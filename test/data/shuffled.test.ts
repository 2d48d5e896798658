// Rows in a shuffled order: each once an epoch, in another order each time, and exactly the same ones after a restore.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { shuffledBatches } from '../../src/data/shuffled.js';

const rows = [...'abcdefg'];
const options = { size: 3, seed: 5, name: 'pairs' };

test('each row once an epoch, in the order of that epoch’s stream', () => {
  const batches = shuffledBatches(rows, options);
  const read = Array.from({ length: 7 }, () => batches.next()).flat();
  const epochs = [0, 1, 2].map((epoch) => Random.stream(5, `pairs-${epoch}`).shuffle([...rows]));
  assert.deepEqual(read, epochs.flat());
  assert.notDeepEqual(epochs[0], epochs[1]);
});

test('restored at any place, the same rows follow', () => {
  const straight = shuffledBatches(rows, options);
  for (let batch = 0; batch < 8; batch++) {
    const resumed = shuffledBatches(rows, options);
    resumed.restore(JSON.parse(JSON.stringify(straight.state())));
    const next = straight.next();
    assert.deepEqual(resumed.next(), next);
    assert.deepEqual(resumed.state(), straight.state());
  }
  // The end of an epoch is a place in it: what is saved there was written so before.
  const whole = shuffledBatches(rows, { ...options, size: 7 });
  whole.next();
  assert.deepEqual(whole.state(), { epoch: 0, index: 7 });
});

test('fewer rows than a batch: all of them', () => {
  assert.equal(shuffledBatches(rows, { ...options, size: 100 }).next().length, 7);
});

test('a place that other rows had is refused', () => {
  for (const state of [null, { epoch: 0, index: 8 }, { epoch: 0.5, index: 0 }, { index: 0 }]) {
    assert.throws(() => shuffledBatches(rows, options).restore(state), UserError);
  }
});
