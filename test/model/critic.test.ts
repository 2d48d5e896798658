// A critic beside a policy: one table and one set of weights, and two models that do not see one another.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { padSequences } from '../../src/data/sequences.js';
import { criticOf, policyOf, valuesOfStates, withCritic } from '../../src/model/critic.js';
import { forward, modelInput } from '../../src/model/forward.js';
import { disposeModel } from '../../src/model/model.js';
import { asRewardModel, rewardConfig } from '../../src/model/reward.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory, tidy } from '../../src/tensor/tf.js';
import { countingSequences, padId, tinyConfig, tinyModel } from '../train/tiny.js';

before(() => openBackend('wasm'));

test('each computes as it did alone, and takes nothing of the other; no weight is held twice', () => {
  const held = memory().numTensors;
  const input = modelInput(padSequences(countingSequences(2, 9), { padId }));
  const inputs = memory().numTensors;
  const states = (model: ReturnType<typeof tinyModel>) => tidy(() => forward(model, input).dataSync());
  const critic = asRewardModel(tinyModel(3), 5);
  const policy = tinyModel();
  const values = (model: typeof critic) => tidy(() => valuesOfStates(model, forward(model, input)).dataSync());
  const alone = { policy: states(policy), critic: values(critic) };
  const rows = [policy, critic].map(({ parameters }) => parameters.length);

  const both = withCritic(policy, critic);
  assert.equal(both.parameters.length, rows[0] + rows[1]);
  assert.equal(new Set(both.parameters.map(({ name }) => name)).size, both.weights.size);
  assert.deepEqual(policyOf(both).parameters, policy.parameters);
  assert.equal(policyOf(policy), policy);
  for (const model of [both, policyOf(both)]) {
    assert.deepEqual(states(model), alone.policy);
    assert.deepEqual(
      tidy(() => forward(model, input, { recompute: true }).dataSync()),
      alone.policy,
    );
  }
  const again = criticOf(both, rewardConfig(tinyConfig()));
  assert.deepEqual(values(again), alone.critic);
  assert.deepEqual([...again.weights.values()], [...critic.weights.values()]);
  assert.ok(
    alone.critic.some((value, i) => Math.abs(value - alone.critic[0]) > 1e-4 && i > 0),
    'a value for each token',
  );
  disposeModel(both);
  assert.equal(memory().numTensors, inputs);
  tidy(() => undefined);
  for (const tensor of Object.values(input)) tensor?.dispose();
  assert.equal(memory().numTensors, held);
});
