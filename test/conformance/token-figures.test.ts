// What the cross-entropy of a token says beside its loss, on every backend that runs here, against plain TypeScript: the
// entropy of the distribution, the mean of its logits, and whether the token was the likeliest; beside a sum of losses, too.
import assert from 'node:assert/strict';
import { Random } from '../../src/base/random.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { crossEntropyWithFigures } from '../../src/tensor/ops/cross-entropy.js';
import { crossEntropySumWithFigures } from '../../src/tensor/ops/cross-entropy-sum.js';
import { dispose, memory, ones, type Tensor1D, tensor1d, tensor2d, tidy, variable } from '../../src/tensor/tf.js';
import { onEachBackend } from './backends.js';

const shapes = [
  { n: 3, d: 1, vocabulary: 2, scale: 1 },
  { n: 65, d: 9, vocabulary: 700, scale: 1 }, // several blocks of the vocabulary, of which the last is short
  { n: 7, d: 5, vocabulary: 333, scale: 6 }, // logits in the hundreds
];

function logitsOf(hidden: Float32Array, weight: Float32Array, row: number, d: number): number[] {
  return Array.from({ length: weight.length / d }, (_, word) => {
    let sum = 0;
    for (let i = 0; i < d; i++) sum += hidden[row * d + i] * weight[word * d + i];
    return sum;
  });
}

await onEachBackend('figures of tokens', async (t) => {
  for (const { n, d, vocabulary, scale } of shapes) {
    await t.test(`[${n}, ${d}], vocabulary ${vocabulary}, values near ${scale}`, () => {
      const random = Random.stream(3, 'figures');
      const normals = (size: number) => Float32Array.from({ length: size }, () => scale * random.normal());
      const [hidden, weight] = [normals(n * d), normals(vocabulary * d)];
      const rows = Array.from({ length: n }, (_, row) => logitsOf(hidden, weight, row, d));
      const likeliest = rows.map((logits) => logits.indexOf(Math.max(...logits)));
      const targets = Int32Array.from(likeliest, (word, row) => (row % 3 === 0 ? word : (word + row) % vocabulary));
      const wanted = rows.map((logits, row) => {
        const top = logits[likeliest[row]];
        const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
        const logTotal = Math.log(total);
        const entropy = logits.reduce((sum, logit) => {
          const logShare = logit - top - logTotal;
          return sum - Math.exp(logShare) * logShare;
        }, 0);
        return { entropy, mean: logits.reduce((sum, logit) => sum + logit, 0) / vocabulary };
      });
      const held = memory().numTensors;
      const figures = tidy(() => {
        const words = tensor1d(targets, 'int32');
        const all = crossEntropyWithFigures(tensor2d(hidden, [n, d]), tensor2d(weight, [vocabulary, d]), words);
        return all.figures.dataSync();
      });
      check(figures);
      for (const isTrained of [true, false]) {
        const [start, states] = [tensor2d(weight, [vocabulary, d]), tensor2d(hidden, [n, d])];
        const weights = variable(start, isTrained);
        const { value, gradients } = valueAndGradients(() => {
          const words = tensor1d(targets, 'int32');
          const all = crossEntropySumWithFigures(states, weights, words, ones([n]) as Tensor1D);
          check(all.figures.dataSync());
          return all.total;
        }, [states]);
        dispose([value, states, start, weights, ...gradients]);
      }
      assert.equal(memory().numTensors, held);

      function check(figures: ArrayLike<number>): void {
        wanted.forEach(({ entropy, mean }, row) => {
          assert.ok(
            Math.abs(figures[row] - entropy) < 2e-5 * Math.max(1, scale ** 2),
            `${figures[row]}, not ${entropy}`,
          );
          assert.ok(
            Math.abs(figures[n + row] - mean) < 1e-5 * Math.max(1, scale ** 2),
            `${figures[n + row]}, not ${mean}`,
          );
          assert.equal(figures[2 * n + row], Number(targets[row] === likeliest[row]));
        });
      }
    });
  }
});
