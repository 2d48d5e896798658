// Batches at the edge of what the losses are made for.
import assert from 'node:assert/strict';
import { padSequences } from '../../src/data/sequences.js';
import { disposeModel } from '../../src/model/parameters.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { dispose, memory, tidy } from '../../src/tensor/tf.js';
import { negativeLogLikelihood, sequenceLogProbabilities } from '../../src/train/losses.js';
import { onEachBackend } from '../conformance/backends.js';
import { padId, tinyModel } from './tiny.js';

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
