// Batches at the edge of what the losses are made for.
import assert from 'node:assert/strict';
import { padSequences } from '../../../src/data/sequences.js';
import type { TokenBatch } from '../../../src/data/types.js';
import { forward, outputWeight } from '../../../src/model/forward.js';
import { disposeModel, type Model } from '../../../src/model/model.js';
import { valueAndGradients } from '../../../src/tensor/backward.js';
import { linear } from '../../../src/tensor/ops/linear.js';
import { add, dispose, memory, mul, tensor1d, tensor3d, tidy } from '../../../src/tensor/tf.js';
import { negativeLogLikelihood } from '../../../src/train/objectives/next-token.js';
import { sequenceLogProbabilities } from '../../../src/train/objectives/sequence-log-probabilities.js';
import { onEachBackend } from '../../conformance/backends.js';
import { padId, tinyModel } from '../tiny.js';

// A piece of a conversation in which the assistant does not speak.
const nothingCounts = padSequences([{ id: 'a', tokens: [2, 3, 4, 5], loss: [0, 0, 0, 0] }], { padId, columns: 8 });

await onEachBackend('a batch in which nothing counts', async (t) => {
  await t.test('has no loss and no gradient', () => {
    const { numTensors } = memory();
    const model = tinyModel();
    const weights = [...model.weights.values()];
    const { value, gradients } = valueAndGradients(() => negativeLogLikelihood(model, nothingCounts), weights);
    assert.equal(value.dataSync()[0], 0);
    for (const gradient of gradients) assert.ok(gradient.dataSync().every((slope) => slope === 0));
    const { logProbabilities, counts } = tidy(() => {
      const found = sequenceLogProbabilities(model, nothingCounts);
      return { counts: [...found.counts], logProbabilities: [...found.logProbabilities.dataSync()].map(Math.abs) };
    });
    assert.deepEqual([logProbabilities, counts], [[0], [0]]);
    dispose([value, ...gradients]);
    disposeModel(model);
    assert.equal(memory().numTensors, numTensors);
  });
});

await onEachBackend('z-loss', async (t) => {
  await t.test('adds (log Z)² of each counted position, and its gradient', () => {
    const { numTensors } = memory();
    const model = tinyModel();
    const weights = [...model.weights.values()];
    const rows = [
      { id: 'a', tokens: [2, 3, 4, 5], loss: [0, 1, 1, 0.5] },
      { id: 'b', tokens: [9, 8, 7], loss: [1, 1, 1] },
    ];
    const batch = padSequences(rows, { padId, columns: 8 });
    const zLoss = 0.3;
    const loss = () => valueAndGradients(() => negativeLogLikelihood(model, batch, { zLoss }), weights);
    const { value, gradients } = loss();
    const plain = tidy(() => negativeLogLikelihood(model, batch).dataSync()[0]);
    const wanted = plain + zLoss * squaredLogZ(model, batch);
    assert.ok(Math.abs(value.dataSync()[0] - wanted) < 1e-4 * wanted, `${value.dataSync()[0]}, not ${wanted}`);
    // Along the gradient itself the loss rises by its squared length.
    const step = 1e-4;
    const length = gradients.reduce(
      (total, g) => total + (g.dataSync() as Float32Array).reduce((a, x) => a + x * x, 0),
      0,
    );
    const moved = [-1, 1].map((sign) => {
      weights.forEach((weight, i) => {
        tidy(() => void weight.assign(add(weight, mul(gradients[i], (sign === 1 ? 2 : -1) * step))));
      });
      return tidy(() => negativeLogLikelihood(model, batch, { zLoss }).dataSync()[0]);
    });
    const slope = (moved[1] - moved[0]) / (2 * step);
    assert.ok(Math.abs(slope - length) < 0.02 * length, `${slope}, not ${length}`);
    dispose([value, ...gradients]);
    disposeModel(model);
    assert.equal(memory().numTensors, numTensors);
  });
});

/** Σ weight · (log Z)² in float64, from the logits. */
function squaredLogZ(model: Model, batch: TokenBatch): number {
  const { rows, columns } = batch;
  const scores = tidy(() => {
    const hidden = forward(model, {
      tokens: tensor1d(batch.tokens, 'int32'),
      positions: tensor1d(batch.positions, 'int32'),
      ranges: tensor3d(batch.ranges, [rows, columns, 2], 'int32'),
    });
    return linear(hidden, outputWeight(model)).arraySync();
  });
  return scores.reduce((total, row, at) => {
    const logZ = Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0));
    return total + batch.weights[at] * logZ * logZ;
  }, 0);
}
