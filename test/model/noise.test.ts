// What a training pass draws: NEFTune's noise is bounded by each sequence's own length, dropout's mask is the same wherever it
// is drawn again, another in the next step, and nowhere outside of adapters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adaptableKinds, withAdapters } from '../../src/architecture/adapters.js';
import { isTrained } from '../../src/architecture/parameters.js';
import { BatchBuilder } from '../../src/data/sequences.js';
import { disposeModel, initModel, type Model, weight } from '../../src/model/model.js';
import { embeddingNoise, type Noise } from '../../src/model/noise.js';
import { openBackend } from '../../src/tensor/backends.js';
import { zerosLike } from '../../src/tensor/tf.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { trainedGradientsOf } from '../golden/fixtures.js';
import { padId, tinyConfig, tinyModel } from '../train/tiny.js';

const noise: Noise = { dropout: 0, neftune: 5, seed: 1, pass: 'step 1, micro-batch 0' };

/** Sequences of 3 and 6 inputs in a row of 12, and one of 12 in the next. */
function packed() {
  const builder = new BatchBuilder({ rows: 2, columns: 12, padId });
  const sequence = (id: string, length: number) => ({
    id,
    tokens: Array.from({ length: length + 1 }, (_, i) => 2 + ((3 * i + length) % 9)),
  });
  builder.place(sequence('a', 3), { row: 0, column: 0, from: 0, count: 3 });
  builder.place(sequence('b', 6), { row: 0, column: 3, from: 0, count: 6 });
  builder.place(sequence('c', 12), { row: 1, column: 0, from: 0, count: 12 });
  return builder.finish();
}

test("noise on embeddings is uniform within α/√(L·d) of each sequence's own length, and padding gets none", async () => {
  await openBackend('wasm');
  const width = 400;
  const drawn = embeddingNoise(packed(), width, noise);
  const values = drawn.dataSync() as Float32Array;
  drawn.dispose();
  const part = (from: number, count: number): Float32Array => values.subarray(from * width, (from + count) * width);
  for (const [from, count] of [
    [0, 3],
    [3, 6],
    [12, 12],
  ]) {
    const own = part(from, count);
    const bound = 5 / Math.sqrt(count * width);
    const largest = own.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    assert.ok(largest <= bound && largest > 0.99 * bound, `${largest} of ${bound}`);
    const mean = own.reduce((total, x) => total + x, 0) / own.length;
    const deviation = Math.sqrt(own.reduce((total, x) => total + x * x, 0) / own.length);
    assert.ok(Math.abs(mean) < 0.06 * bound, `a mean of ${mean}`); // 3.6 standard errors of 1,200
    assert.ok(Math.abs(deviation - bound / Math.sqrt(3)) < 0.03 * bound, `a deviation of ${deviation}`);
  }
  assert.ok(part(9, 3).every((x) => x === 0));
});

test('a pass draws the same again, recomputed too, and another pass something else', async () => {
  await openBackend('wasm');
  const base = tinyModel();
  const shape = { rank: 4, alpha: 8, rslora: false, rankPattern: {}, alphaPattern: {} };
  const rows = withAdapters(base.parameters, { ...shape, targets: adaptableKinds(base.parameters) });
  // B is not zero, so that A's gradients are not either.
  const model = initModel(tinyConfig(), 3, {
    rows: rows.map((row) => (row.scale === undefined ? row : { ...row, init: { std: 0.1 } })),
  });
  disposeModel(base);
  const of = (one: Noise | undefined, recompute = false) =>
    trainedGradientsOf(model, (m: Model) => negativeLogLikelihood(m, packed(), { noise: one, recompute }));
  const without = of(undefined);
  for (const kind of [
    { dropout: 0.5, neftune: 0 },
    { dropout: 0, neftune: 5 },
  ]) {
    const one = { ...noise, ...kind };
    const first = of(one);
    assert.deepEqual(of(one), first);
    assert.deepEqual(of(one, true), first, 'recomputed');
    assert.notEqual(first.loss, without.loss);
    assert.notEqual(of({ ...one, pass: 'step 2, micro-batch 0' }).loss, first.loss);
    assert.notEqual(of({ ...one, seed: 2 }).loss, first.loss);
  }
  assert.deepEqual(of({ ...noise, neftune: 0 }), without, 'both off');
  // Dropout stands before adapters only: where their product is nothing, it changes nothing.
  for (const { name } of model.parameters.filter((row) => isTrained(row) && row.scale !== undefined)) {
    const nothing = zerosLike(weight(model, name));
    weight(model, name).assign(nothing);
    nothing.dispose();
  }
  assert.equal(of({ ...noise, neftune: 0, dropout: 0.5 }).loss, of(undefined).loss);
  disposeModel(model);
});
