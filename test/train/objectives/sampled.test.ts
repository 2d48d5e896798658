// The losses of sampled answers and of distillation through a model: what they push, at what temperature, and what is computed in
// chunks is what would be computed at once.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { packSequences } from '../../../src/data/sequences.js';
import { disposeModel, type Model, weight } from '../../../src/model/model.js';
import { openBackend } from '../../../src/tensor/backends.js';
import { valueAndGradients } from '../../../src/tensor/backward.js';
import {
  add,
  memory,
  mul,
  type Scalar,
  sum,
  type Tensor2D,
  tensor,
  tensor2d,
  tidy,
  variable,
} from '../../../src/tensor/tf.js';
import { distillationLoss } from '../../../src/train/objectives/distillation.js';
import { negativeLogLikelihood } from '../../../src/train/objectives/next-token.js';
import { policyLoss } from '../../../src/train/objectives/policy-losses.js';
import {
  sequenceLogProbabilities,
  tokenLogProbabilities,
} from '../../../src/train/objectives/sequence-log-probabilities.js';
import { tokenEntropies } from '../../../src/train/objectives/vocabulary.js';
import { assertClose, gradientsOf, norm } from '../../golden/fixtures.js';
import { padId, tinyModel } from '../tiny.js';
import { distillationObjective, policyOf, sampledBatch } from './sampled.js';

const policy = policyOf();
const batch = sampledBatch(0, 8, policy);
const all = ({ gradients }: ReturnType<typeof gradientsOf>): number[] => [...gradients.values()].flatMap((g) => [...g]);

function ofModel(body: (model: Model) => void): void {
  const held = memory().numTensors;
  const model = tinyModel();
  tidy(() => body(model));
  disposeModel(model);
  assert.equal(memory().numTensors, held);
}

describe('sampled answers through a model', () => {
  before(() => openBackend('wasm'));

  test('log π of the tokens adds up to that of the answers', () => {
    ofModel((model) => {
      const own = tokenLogProbabilities(model, batch);
      const whole = sequenceLogProbabilities(model, batch);
      const sums = new Array<number>(8).fill(0);
      own.logProbabilities.dataSync().forEach((value, i) => {
        sums[own.owners[i]] += value;
      });
      assertClose(sums, whole.logProbabilities.dataSync(), 'sums', 1e-5);
      assert.deepEqual([...own.counts], [...whole.counts]);
    });
  });

  test('where the policy is the one that sampled, the gradient is that of Σ A log π', () => {
    ofModel((model) => {
      const advantages = batch.weights.map((each, i) => each * (batch.advantages[batch.owners[i]] ?? 0));
      const plain = gradientsOf(model, (m) => negativeLogLikelihood(m, { ...batch, weights: advantages }));
      const own = gradientsOf(model, (m) => {
        const { advantages, weight } = batch;
        return policyLoss({ ...tokenLogProbabilities(m, batch), advantages, weight }, policy).total;
      });
      assertClose(all(own), all(plain), 'gradient', 1e-5);
    });
  });

  test('at the temperature that they were sampled at', () => {
    ofModel((model) => {
      const [plain, hot] = [1, 50].map((temperature) => tokenLogProbabilities(model, batch, { temperature }));
      const values = [...hot.logProbabilities.dataSync()];
      // Nearly uniform over 32 words.
      for (const value of values) assert.ok(Math.abs(value + Math.log(32)) < 0.02, `${value}`);
      assert.ok(Math.max(...plain.entropies.dataSync()) < Math.min(...hot.entropies.dataSync()));
    });
  });

  test('the entropy has the gradient that it rises by', () => {
    ofModel((model) => {
      const entropy = (m: Model) =>
        sum(tokenLogProbabilities(m, batch, { entropyGradient: true, temperature: 0.7 }).entropies) as Scalar;
      const found = gradientsOf(model, entropy);
      const plain = tokenLogProbabilities(model, batch, { temperature: 0.7 }).entropies;
      assertClose([found.loss], [sum(plain).dataSync()[0]], 'entropy', 1e-5);
      assertRises(model, found, entropy);
    });
  });

  test('chunks of a large vocabulary add up', () => {
    const vocabulary = 700_000; // two rows at a time
    const states = [[0.5], [-1], [2]];
    const held = memory().numTensors;
    const words = Float32Array.from({ length: vocabulary }, (_, i) => Math.sin(i));
    const projection = tidy(() => variable(tensor2d(words, [vocabulary, 1]))) as unknown as Tensor2D;
    const entropiesOf = (rows: number[][]) => {
      const hidden = tidy(() => variable(tensor2d(rows))) as unknown as Tensor2D;
      const { value, gradients } = valueAndGradients(
        () => sum(tokenEntropies({ hidden, weight: projection })) as Scalar,
        [hidden, projection],
      );
      const found = [value, ...gradients].map((tensor) => Float32Array.from(tensor.dataSync()));
      for (const tensor of [hidden, value, ...gradients]) tensor.dispose();
      return found;
    };
    const whole = entropiesOf(states);
    const single = states.map((row) => entropiesOf([row]));
    const added = (at: number) => single.map((found) => found[at]).reduce((a, b) => a.map((x, i) => x + b[i]));
    assertClose(whole[0], added(0), 'entropy', 1e-5);
    assertClose(
      whole[1],
      single.flatMap((found) => [...found[1]]),
      'gradient of the states',
      1e-4,
    );
    assertClose(whole[2], added(2), 'gradient of the projection', 1e-4);
    projection.dispose();
    assert.equal(memory().numTensors, held);
  });
});

describe('distillation through a model', () => {
  before(() => openBackend('wasm'));
  const context = { record: () => undefined };

  test('a teacher that is the student itself has nothing to teach', () => {
    ofModel((model) => {
      for (const beta of [0, 0.5, 1]) {
        const found = gradientsOf(model, (m) => distillationLoss(m, model, batch, { beta, temperature: 1 }, context));
        assert.ok(
          Math.abs(found.loss) < 1e-4 && norm(all(found)) < 1e-4,
          `${beta}: ${found.loss}, ${norm(all(found))}`,
        );
      }
    });
  });

  test('the gradient is that of the divergence, and the teacher stays as it is', () => {
    const teacher = tinyModel(3);
    const before = Float32Array.from(weight(teacher, 'model.norm.weight').dataSync());
    ofModel((model) => {
      for (const beta of [0, 0.5, 1]) {
        const loss = (m: Model) => distillationLoss(m, teacher, batch, { beta, temperature: 0.8 }, context);
        const found = gradientsOf(model, loss);
        assert.ok(found.loss > 0.01);
        assertRises(model, found, loss);
      }
    });
    assert.deepEqual(Float32Array.from(weight(teacher, 'model.norm.weight').dataSync()), before);
    disposeModel(teacher);
  });

  test('counts only the tokens of answers', () => {
    const teacher = tinyModel(3);
    ofModel((model) => {
      const whole = distillationObjective(teacher, 1).loss(model, batch, context).dataSync()[0];
      const rows = [0, 1].map((i) => sampledBatch(4 * i, 4 * i + 4, policy));
      const parts = rows.map((part) => distillationObjective(teacher, 1).loss(model, part, context).dataSync()[0]);
      assertClose([parts[0] + parts[1]], [whole], 'sum', 1e-5);
      const silent = packSequences([{ id: 'a', tokens: [2, 3, 4], loss: [0, 0, 0] }], { padId });
      assert.equal(distillationObjective(teacher, 1).loss(model, silent, context).dataSync()[0], 0);
    });
    disposeModel(teacher);
  });
});

/** Along its gradient it rises by the gradient's squared length. Leaves the model as it was. */
function assertRises(
  model: Model,
  { gradients }: ReturnType<typeof gradientsOf>,
  loss: (model: Model) => Scalar,
): void {
  const squared = norm([...gradients.values()].flatMap((gradient) => [...gradient])) ** 2;
  const step = 1e-3 / Math.sqrt(squared);
  const move = (factor: number): void => {
    for (const [name, gradient] of gradients) {
      const own = weight(model, name);
      tidy(() => void own.assign(add(own, mul(tensor(gradient, own.shape), factor * step))));
    }
  };
  const at = (factor: number): number => {
    move(factor);
    return loss(model).dataSync()[0];
  };
  const slope = (at(1) - at(-2)) / (2 * step);
  move(1);
  assert.ok(Math.abs(slope - squared) < 0.02 * squared, `${slope}, not ${squared}`);
}
