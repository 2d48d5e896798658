// An objective of sampled answers, with answers that are given: what pairs are compared with however they are divided into micro-batches,
// what several scorers count together, and what is not logged where there is no reference.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { resolvedPolicy } from '../../../src/config/policy.js';
import { resolvedPpo } from '../../../src/config/ppo.js';
import { withCritic } from '../../../src/model/critic.js';
import { asRewardModel, rewardConfig } from '../../../src/model/reward.js';
import { openBackend } from '../../../src/tensor/backends.js';
import type { AnswerSource } from '../../../src/train/objectives/answer-source.js';
import { OnlineObjective } from '../../../src/train/objectives/online.js';
import { advantagesOf } from '../../../src/train/objectives/sampled-batches.js';
import { padId, preferenceOf, tinyConfig, tinyModel } from '../tiny.js';

const answersTo = (prompt: number) =>
  [0, 1].map((i) => ({ id: `${prompt}#${i}`, tokens: [2 + prompt, 3, 4 + i], loss: [0, 1, 1], ended: true }));

/** Two answers to each of four prompts. @param rewardsOf by scorer, of each answer. */
function given(rewardsOf: (prompt: number) => number[][], identity = 'given'): AnswerSource {
  return {
    ...{ identity, length: 4 },
    logProbabilities: (_, measure) => measure(),
    values: (_, measure) => measure(),
    draw: ({ prompts }) =>
      Promise.resolve(prompts.map((prompt) => ({ answers: answersTo(prompt), rewards: rewardsOf(prompt) }))),
  };
}

const shared = {
  ...{ samplesPerPrompt: 2, maxNewTokens: 4, padId, temperature: 1 },
  online: { promptsPerStep: 4, stepsPerSampling: 1, iterations: 1, resample: 0 },
};
const [one, two] = [[{ name: 'a', weight: 1 }], ['a', 'b'].map((name) => ({ name, weight: 1 }))];

before(() => openBackend('wasm'));

test('a pair has one log π_ref in micro-batches of one pair and of four, beside others that stand in for a pair', async () => {
  const model = tinyModel();
  const reference = tinyModel();
  const source = given((prompt) => [prompt < 2 ? [0, 1] : [1, 1]]); // of two prompts there is no pair
  const referencesBy = async (seed: number, batchSize: number): Promise<Map<string, number>> => {
    const objective = new OnlineObjective(source, {
      ...{ ...shared, method: 'online-dpo', policy: resolvedPolicy({}, 'grpo'), batchSize, seed, scorers: one },
      ...{ preference: preferenceOf({ method: 'online-dpo' }), reference },
    });
    const known = new Map<string, number>();
    for (let i = 0; i < 4 / batchSize; i++) {
      const { ids, references = [] } = await objective.next({ model, step: 1 });
      for (const [k, id] of ids.entries()) known.set(id, references[k]);
    }
    return known;
  };
  const all = await Promise.all(
    [1, 2, 3, 4].map((seed) => Promise.all([4, 1].map((size) => referencesBy(seed, size)))),
  );
  for (const [whole, parts] of all) {
    assert.equal(whole.size, 4);
    for (const [id, value] of whole) {
      assert.ok(value < 0 && Math.abs((parts.get(id) ?? 0) - value) < 1e-4, `${id}: ${parts.get(id)}, not ${value}`);
    }
  }
  assert.ok(
    all.some(([whole, parts]) => parts.size === whole.size),
    'an answer that stands in is in a pair elsewhere',
  );
});

const rewardsBy = (scale: number) => (prompt: number) => [
  [0, 1],
  [scale * (prompt % 2), scale * 0.5],
];

function critical(source: AnswerSource): OnlineObjective {
  return new OnlineObjective(source, {
    ...{
      ...shared,
      method: 'ppo',
      policy: resolvedPolicy({ klWeight: 0 }, 'ppo'),
      batchSize: 8,
      seed: 3,
      scorers: two,
    },
    critic: { knobs: resolvedPpo({}), config: rewardConfig(tinyConfig()), klWeight: 0 },
  });
}

test('of several scorers none counts more for its unit: PPO and RLOO', async () => {
  const model = withCritic(tinyModel(), asRewardModel(tinyModel(), 5));
  const objectives = [1, 1000].map((scale) => critical(given(rewardsBy(scale))));
  const [small, large] = await Promise.all(objectives.map((each) => each.next({ model, step: 1 })));
  assert.ok(small.credit?.advantages.some((each) => each > 0.1));
  assert.deepEqual(large.credit, small.credit);
  assert.deepEqual(objectives[0].tokens, { read: small.tokenCount, alone: small.tokenCount }, 'the critic warms up');
  const figures = Object.keys(objectives[0].summarize()).filter((name) => name.startsWith('objective/'));
  assert.deepEqual(figures.sort(), ['objective/entropy', 'objective/scores'], 'nothing was compared');

  const advantages = [1, 1000].map((scale) => {
    const groups = [0, 1].map((prompt) => ({ answers: answersTo(prompt), rewards: rewardsBy(scale)(prompt) }));
    const options = { ...shared, batchSize: 8, scorers: two };
    return advantagesOf(groups, { ...options, method: 'rloo', policy: resolvedPolicy({}, 'rloo') });
  });
  assert.deepEqual(advantages, [
    [-1, 1, 0, 0],
    [-1, 1, 0, 0],
  ]);
});

test('rewards of another scorer are no scale for those of this one', async () => {
  const model = withCritic(tinyModel(), asRewardModel(tinyModel(), 5));
  const before = critical(given(rewardsBy(1)));
  const { tokenCount } = await before.next({ model, step: 1 });
  const scaleAfter = (identity: string) => {
    const objective = critical(given(rewardsBy(1), identity));
    objective.restore(before.state());
    assert.deepEqual(objective.tokens, { read: tokenCount, alone: tokenCount });
    return objective.state().scale?.count;
  };
  assert.deepEqual([scaleAfter('given'), scaleAfter('other')], [8, 0]);
});
