// What the seams are for: an objective whose batches are sampled from the model as it is, with a reward and advantages
// within groups, in the manner of GRPO (Shao et al. 2024). It needs no line of train/ or inference/ of its own.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sha256File } from '../../src/base/files.js';
import { samplingAt } from '../../src/config/sampling.js';
import { padSequences } from '../../src/data/sequences.js';
import type { TokenBatch } from '../../src/data/types.js';
import { Engine, type Generation } from '../../src/inference/engine.js';
import { alone } from '../../src/tensor/communicator.js';
import type { Objective } from '../../src/train/objective.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { padId, trainConfig } from './tiny.js';
import { trainingWorld } from './world.js';

const prompts = [
  [2, 3, 4],
  [9, 8],
  [20, 21, 22],
  [5, 30],
];
const samples = 16;
/** Put before the last two tokens of each answer: nothing is learnt of it. */
const forced = 7;

/** The share of an answer's sampled tokens that are even. */
function rewardOf({ emitted = [] }: Generation): number {
  const sampled = emitted.filter((each) => each.sampled);
  return sampled.filter(({ id }) => id % 2 === 0).length / sampled.length;
}

function policyObjective(seed: number): Objective<TokenBatch> {
  let drawn = 0;
  const rewardsOf = new WeakMap<TokenBatch, number>();
  return {
    async next({ model, step, communicator: { rank, size } = alone }) {
      const engine = new Engine(model);
      const tokens = prompts[(drawn++ * size + rank) % prompts.length];
      const force = (generated: readonly number[]) => (generated.length === 4 ? [forced] : []);
      const request = {
        tokens,
        samples,
        maxNewTokens: 7,
        sampling: samplingAt(1),
        stopIds: [],
        logProbabilities: true,
      };
      const group = await engine.submit({ ...request, seed: seed + step, force });
      await engine.dispose();
      const rewards = group.map(rewardOf);
      const mean = rewards.reduce((sum, reward) => sum + reward, 0) / samples;
      const rows = group.map(({ emitted = [] }, i) => ({
        id: `${tokens}#${i}`,
        tokens: [...tokens, ...emitted.map(({ id }) => id)],
        loss: [...tokens.map(() => 0), ...emitted.map(({ sampled }) => Number(sampled))],
      }));
      const batch = padSequences(rows, { padId });
      const advantages = batch.weights.map((weight, at) => weight * (rewards[batch.owners[at]] - mean));
      const weighted = { ...batch, weights: advantages };
      rewardsOf.set(weighted, mean);
      return weighted;
    },
    state: () => ({ drawn }),
    restore: (state) => {
      drawn = (state as { drawn: number }).drawn;
    },
    // Each sample is used once, while the policy is still the one that drew it: the ratio of the two is 1, and the
    // gradient that of Σ advantage · log π.
    loss: (model, batch, { record, ...pass }) => {
      const loss = negativeLogLikelihood(model, batch, pass);
      record('reward', loss, { each: () => batch.weight * (rewardsOf.get(batch) ?? 0) });
      return loss;
    },
  };
}

describe('an objective that samples from the current model', () => {
  const world = trainingWorld();
  const config = trainConfig({ learningRate: 0.02, checkpointEvery: 10 });
  const own = () => ({ objective: policyObjective(5), steps: 40, config });

  test('raises its reward', async () => {
    const { steps } = await world.attempt('rewards', own());
    const rewards = steps.map(({ metrics }) => metrics?.reward ?? 0);
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    const [first, last] = [mean(rewards.slice(0, 8)), mean(rewards.slice(-8))];
    assert.equal(rewards.length, 40);
    assert.ok(first > 0.35 && first < 0.65, `reward ${first} at first`);
    assert.ok(last > 0.9, `reward ${first} → ${last}`);
  });

  test('resumes to the same bits: what it samples follows from the seed, the step and the weights', async () => {
    const whole = await world.run('whole', own());
    const { outcome, directory } = await world.attempt('stopped', own(), 13);
    assert.match(String(outcome), /Interrupted/);
    const resumed = await world.run('stopped', { ...own(), directory });
    assert.equal(resumed.digest, whole.digest);
    assert.equal(
      await sha256File(`${resumed.path}/model.safetensors`),
      await sha256File(`${whole.path}/model.safetensors`),
    );
  });
});
