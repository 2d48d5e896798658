// A policy that is still the one that sampled: the loss that knows its gradient before log π is the loss that does not, of every
// row of the table, in value, gradients and figures, on every backend.
import assert from 'node:assert/strict';
import { policyLossNames } from '../../../src/config/policy.js';
import { disposeModel, type Model } from '../../../src/model/model.js';
import { memory, type Scalar } from '../../../src/tensor/tf.js';
import type { LossContext } from '../../../src/train/objective.js';
import { isOnPolicy, onPolicyLoss } from '../../../src/train/objectives/on-policy-loss.js';
import { policyLoss, recordFigures } from '../../../src/train/objectives/policy-losses.js';
import { type OnlineBatch, onlineBatch } from '../../../src/train/objectives/sampled-batches.js';
import { tokenLogProbabilities } from '../../../src/train/objectives/sequence-log-probabilities.js';
import { onEachBackend } from '../../conformance/backends.js';
import { assertClose, gradientsOf } from '../../golden/fixtures.js';
import { countingSequences, padId, tinyModel } from '../tiny.js';
import { policyOf } from './sampled.js';

const samplesPerPrompt = 3;
const temperature = 0.8;

/** Two groups of three answers to a prompt that they share, and one that is not learnt from. */
const answers = countingSequences(2, 6).flatMap(({ tokens: prompt }, group) =>
  [3, 5, 2].map((length, i) => {
    const own = Array.from({ length }, (_, at) => 2 + ((7 * at + 11 * i + 3 * group) % 28));
    const tokens = [...Array.from(prompt), ...own];
    const answer = { id: `${group}#${i}`, tokens, loss: tokens.map((_, at) => +(at >= 6)), ended: true };
    return { answer, row: samplesPerPrompt * group + i };
  }),
);
const advantages = [1.5, -0.75, 0, -1, undefined, 0.5];

type Recorded = Map<string, number[]>;

function measured(model: Model, loss: (model: Model, context: LossContext) => Scalar) {
  const figures: Recorded = new Map();
  const record: LossContext['record'] = (name, values, how) => {
    const weights = Array.from(how?.weights ?? []);
    figures.set(name, [...(values.dataSync() as Float32Array), ...weights]);
  };
  return { ...gradientsOf(model, (own) => loss(own, { record })), figures };
}

await onEachBackend('a policy that has just sampled', async (t) => {
  const model = tinyModel();
  const held = memory().numTensors;
  // PPO's goes with a critic's: never alone.
  for (const policyLossName of policyLossNames.filter((name) => name !== 'ppo')) {
    for (const knobs of policyLossName === 'grpo' ? [{}, { ratioLevel: 'sequence' as const }] : [{}]) {
      const isOwn = policyLossName === 'rloo';
      const policy = isOwn ? policyOf({}, 'rloo') : policyOf({ policyLoss: policyLossName, ...knobs });
      await t.test(JSON.stringify({ policyLossName, ...knobs }), () => {
        const learnt = answers.filter((_, i) => advantages[i] !== undefined);
        const layout = { policy, maxNewTokens: 6, padId, samplesPerPrompt };
        const batch: OnlineBatch = onlineBatch(learnt, advantages, layout, {});
        assert.ok(isOnPolicy(batch, policy) && batch.keys !== undefined);
        const known = measured(model, (own, context) => onPolicyLoss(own, batch, { policy, temperature }, context));
        const asked = measured(model, (own, { record, ...pass }) => {
          const values = tokenLogProbabilities(own, batch, { ...pass, temperature });
          const { total, figures } = policyLoss(
            { ...values, advantages: batch.advantages, weight: batch.weight },
            policy,
          );
          recordFigures(record, figures);
          return total;
        });
        assertClose([known.loss], [asked.loss], 'loss', 1e-5);
        for (const [name, gradient] of asked.gradients) {
          assertClose(known.gradients.get(name) ?? [], gradient, `gradient of ${name}`, 1e-5);
        }
        assert.ok([...asked.gradients.values()].some((gradient) => gradient.some((value) => value !== 0)));
        assert.deepEqual([...known.figures.keys()].sort(), [...asked.figures.keys()].sort());
        for (const [name, values] of asked.figures) assertClose(known.figures.get(name) ?? [], values, name, 1e-5);
      });
    }
  }
  assert.equal(memory().numTensors, held, 'tensors are left behind');
  disposeModel(model);
});
