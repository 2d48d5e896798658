// The loss of reward models against TRL's RewardTrainer (scripts/golden/make_reward.py): with and without margins and centring, and
// its gradients through the whole model, the two answers of a pair in one packed row.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scoredSequence } from '../../src/data/scored.js';
import { scoreSequences } from '../../src/inference/rewards.js';
import { disposeModel, type Model } from '../../src/model/model.js';
import { memory } from '../../src/tensor/tf.js';
import { type RewardPair, rewardBatch, rewardObjective } from '../../src/train/objectives/reward.js';
import { batchTolerance, onEachBackend } from '../conformance/backends.js';
import { architectures, assertClose, gradientsOf, loadGolden, norm, readJson } from './fixtures.js';

interface Expected {
  prompts: number[][];
  chosen: number[][];
  rejected: number[][];
  margins: number[];
  cases: Record<string, Case>;
}

interface Case {
  hasMargin: boolean;
  centerWeight: number;
  loss: number;
  accuracy: number;
  margin: number;
  gradientNorms: Record<string, number>;
}

const padId = 0;

function pairsOf({ prompts, chosen, rejected, margins }: Expected, hasMargin: boolean): RewardPair[] {
  const side = (i: number, answer: number[]) =>
    scoredSequence({ id: `pair ${i}`, tokens: [...prompts[i], ...answer] }, padId);
  return prompts.map((_, i) => ({
    ...{ chosen: side(i, chosen[i]), rejected: side(i, rejected[i]) },
    ...(hasMargin && { margin: margins[i] }),
  }));
}

function checkCase(model: Model, expected: Expected, { hasMargin, centerWeight, ...wanted }: Case): void {
  const pairs = pairsOf(expected, hasMargin);
  const options = { centerWeight, lmWeight: 0, batchSize: 3, padId, seed: 1 };
  const batch = rewardBatch(pairs, padId);
  const figures: Record<string, number> = {};
  const { loss, gradients } = gradientsOf(model, (each) =>
    rewardObjective(pairs, options).loss(each, batch, {
      record: (name, value, { each: count = (element: number) => element } = {}) => {
        figures[name] = [...value.dataSync()].reduce((sum, element) => sum + count(element), 0) / 3;
      },
    }),
  );
  assertClose([loss / batch.weight], [wanted.loss], 'loss');
  assertClose([figures['rewards/margins']], [wanted.margin], 'margin');
  assert.ok(Math.abs(figures['rewards/accuracies'] - wanted.accuracy) < 1e-6);
  assert.deepEqual([...gradients.keys()].sort(), Object.keys(wanted.gradientNorms).sort());
  for (const [name, value] of Object.entries(wanted.gradientNorms)) {
    assertClose([norm(gradients.get(name) as Float32Array) / batch.weight], [value], `gradient of ${name}`);
  }
}

test('what two answers begin with alike is there once, and each is scored at its own end', () => {
  const sequence = (id: string, tokens: number[]) => scoredSequence({ id, tokens }, padId);
  const batch = rewardBatch([{ chosen: sequence('a', [5, 6, 7]), rejected: sequence('b', [5, 6, 8, 9]) }], padId);
  assert.equal(batch.tokenCount, 5);
  assert.equal(batch.weight, 1);
});

await onEachBackend('reward losses', async (t) => {
  for (const architecture of architectures) {
    const model = await loadGolden(`reward/${architecture}`);
    const expected = await readJson<Expected>(`reward/${architecture}/pairs.json`);
    for (const [name, each] of Object.entries(expected.cases)) {
      await t.test(`${architecture}: ${name}`, () => checkCase(model, expected, each));
    }
    await t.test(`${architecture}: alone as in any batch, bit for bit`, async () => {
      const held = memory().numTensors;
      const all = Array.from({ length: 19 }, (_, i) =>
        Array.from({ length: 1 + ((i * 7) % 23) }, (_, j) => 3 + ((i + j) % 28)),
      );
      const together = await scoreSequences(model, all);
      const assertSame = (found: Float32Array, wanted: readonly number[]): void => {
        assert.equal(found.length, wanted.length);
        found.forEach((score, i) => {
          assert.ok(Math.abs(score - wanted[i]) <= batchTolerance(), `${score}, not ${wanted[i]}`);
        });
      };
      for (const [i, one] of all.entries()) assertSame(await scoreSequences(model, [one]), [together[i]]);
      assertSame(await scoreSequences(model, [...all].reverse()), [...together].reverse());
      assert.equal(memory().numTensors, held, 'scoring leaves tensors behind');
    });
    disposeModel(model);
  }
});
