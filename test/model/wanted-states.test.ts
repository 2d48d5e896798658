// The last layer computes the positions alone that a loss reads: the same states to the bit, and the gradients of all.
import assert from 'node:assert/strict';
import { packSequences, padSequences } from '../../src/data/sequences.js';
import type { TokenBatch } from '../../src/data/types.js';
import { forward, modelInput, outputWeight } from '../../src/model/forward.js';
import { disposeModel, type Model } from '../../src/model/model.js';
import { crossEntropySum } from '../../src/tensor/ops/cross-entropy-sum.js';
import { embedding } from '../../src/tensor/ops/embedding.js';
import { memory, type Scalar, type Tensor2D, tensor1d, tidy } from '../../src/tensor/tf.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { batchTolerance, onEachBackend } from '../conformance/backends.js';
import { gradientsOf } from '../golden/fixtures.js';
import { countingSequences, padId, tinyModel } from '../train/tiny.js';

/** Answers of 2 to 6 tokens to two prompts: of one row more counts than of another. */
const sequences = countingSequences(6, 14).map(({ id, tokens }, i) => {
  const own = [...Array.from(tokens).slice(0, 8), ...Array.from(tokens).slice(8, 10 + (i % 5))];
  const prompt = Array.from(countingSequences(2, 14)[i % 2].tokens).slice(0, 8);
  return { id, tokens: [...prompt, ...own.slice(8)], loss: own.map((_, at) => +(at >= 8)) };
});
const batches: Record<string, TokenBatch> = {
  'a row each': padSequences(sequences, { padId }),
  packed: packSequences(sequences, { padId }),
  'beginnings shared': packSequences(sequences, {
    padId,
    groups: [
      [0, 2, 4],
      [1, 3, 5],
    ],
  }),
  'nothing counts': padSequences([{ ...sequences[0], loss: sequences[0].loss.map(() => 0) }], { padId }),
};

const countedOf = ({ weights }: TokenBatch): number[] => {
  const counted = [...weights.keys()].filter((i) => weights[i] !== 0);
  return counted.length === 0 ? [0] : counted;
};

function fromAllStates(model: Model, batch: TokenBatch): Scalar {
  const places = countedOf(batch);
  const hidden = embedding(forward(model, modelInput(batch)), tensor1d(places, 'int32'));
  const targets = places.map((place) => batch.targets[place]);
  const weights = places.map((place) => batch.weights[place]);
  return crossEntropySum(hidden, outputWeight(model), tensor1d(targets, 'int32'), tensor1d(weights));
}

await onEachBackend('states that are wanted', async (t) => {
  for (const [name, batch] of Object.entries(batches)) {
    await t.test(name, () => {
      const model = tinyModel();
      const held = memory().numTensors;
      const places = Int32Array.from(countedOf(batch));
      tidy(() => {
        const input = modelInput(batch, places);
        assert.ok(input.wanted?.queries, 'the last layer computes all');
        const own = forward(model, input);
        const all = embedding(forward(model, modelInput(batch)), tensor1d(places, 'int32')) as Tensor2D;
        assert.deepEqual(own.shape, all.shape);
        const [a, b] = [own.dataSync(), all.dataSync()];
        for (const [i, value] of a.entries()) assert.ok(Math.abs(value - b[i]) <= batchTolerance(), `state ${i}`);
      });
      const own = gradientsOf(model, (each) => negativeLogLikelihood(each, batch));
      const all = gradientsOf(model, (each) => fromAllStates(each, batch));
      assert.ok(Math.abs(own.loss - all.loss) <= 1e-6 * Math.abs(all.loss));
      for (const [parameter, gradient] of all.gradients) {
        const most = gradient.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
        const mine = own.gradients.get(parameter) ?? [];
        for (const [i, value] of gradient.entries()) {
          assert.ok(Math.abs(mine[i] - value) <= 2e-6 * most, `${parameter} ${i}: ${mine[i]}, ${value}`);
        }
      }
      assert.equal(memory().numTensors, held);
      disposeModel(model);
    });
  }
});
