// PPO's credit of tokens, its two losses with their gradients, and what is logged, against TRL 1.12's own lines
// (scripts/golden/make_ppo.py): answers of several lengths and of one, ratios and values beyond their bounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolvedPpo, type WrittenPpo } from '../../src/config/ppo.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { add, memory, type Scalar, type Tensor1D, tensor1d, tidy, variable } from '../../src/tensor/tf.js';
import { creditOf, noRewards, samplingCredit, scaledReward, scaleWith } from '../../src/train/objectives/credit.js';
import { valueLoss } from '../../src/train/objectives/critic.js';
import { movedFigures, type PolicyFigure, policyLoss } from '../../src/train/objectives/policy-losses.js';
import { onEachBackend } from '../conformance/backends.js';
import { policyOf } from '../train/objectives/sampled.js';
import { assertClose, readJson } from './fixtures.js';

type Rows = number[][];
type Answers = Record<'old' | 'now' | 'reference' | 'values' | 'valuesNow', Rows> & { scores: number[] };
interface Case extends Record<'advantages' | 'returns' | 'gradients' | 'valueGradients', Rows> {
  knobs: WrittenPpo & { klWeight?: number; clipLow?: number };
  answers: string;
  loss: number;
  logged: Record<string, number>;
}

const expected = await readJson<{ answers: Record<string, Answers>; cases: Case[] }>('ppo.json');

/** TRL scales no rewards. */
const knobsOf = ({ klWeight = 0.05, clipLow = 0.2, ...ppo }: Case['knobs']) => ({
  ppo: resolvedPpo({ ...ppo, normaliseReward: false }),
  policy: policyOf({ klWeight, clipLow }, 'ppo'),
});

function checkCase({ knobs, answers: name, ...wanted }: Case): void {
  const { old, now, reference, values, valuesNow, scores } = expected.answers[name];
  const { ppo, policy } = knobsOf(knobs);
  const steps = old.map((sampled, i) => ({
    ...{ reward: scores[i], sampled, reference: reference[i], values: values[i] },
  }));
  const credit = creditOf(steps, { klWeight: policy.klWeight, ppo });
  assertClose(credit.advantages.flat(), wanted.advantages.flat(), 'advantages', 1e-5);
  assertClose(credit.returns.flat(), wanted.returns.flat(), 'returns', 1e-5);

  const held = memory().numTensors;
  const owners = now.flatMap((row, i) => row.map(() => i));
  const isCounted = new Float32Array(owners.length).fill(1);
  const leaves = [now, valuesNow].map((rows) => tidy(() => variable(tensor1d(rows.flat()))));
  const [logProbabilities, own] = leaves as unknown as Tensor1D[];
  const logged: Record<string, number> = { ...credit.figures };
  const { value, gradients } = valueAndGradients(() => {
    const of = {
      ...{ logProbabilities, old: tensor1d(old.flat()), owners, counts: now.map(({ length }) => length) },
      ...{ advantages: [], tokenAdvantages: credit.advantages.flat(), weight: owners.length },
    };
    const { total, figures } = policyLoss(of, policy);
    const foreseen = { values: Float32Array.from(values.flat()), returns: Float32Array.from(credit.returns.flat()) };
    const critic = valueLoss(own, foreseen, ppo, isCounted);
    logged['loss/policy_avg'] = total.dataSync()[0] / owners.length;
    for (const [key, figure] of Object.entries({ ...figures, ...critic.figures, ...movedFigures(of) })) {
      logged[key] = meanOf(figure);
    }
    return add(total, critic.total) as Scalar;
  }, leaves);
  const perToken = (values: ArrayLike<number>) => Array.from(values, (x) => x / owners.length);
  assertClose(perToken(value.dataSync()), [wanted.loss], 'loss', 1e-5);
  assertClose(perToken(gradients[0].dataSync()), wanted.gradients.flat(), 'gradient of the policy', 1e-5);
  assertClose(perToken(gradients[1].dataSync()), wanted.valueGradients.flat(), 'gradient of the critic', 1e-5);
  for (const [key, figure] of Object.entries(wanted.logged)) {
    assert.ok(Math.abs(logged[key] - figure) < 1e-5, `${key}: ${logged[key]}, not ${figure}`);
  }
  for (const tensor of [value, ...gradients, ...leaves]) tensor.dispose();
  assert.equal(memory().numTensors, held);
}

/** Every token counts as often as another here. */
function meanOf({ value, how: { each = Number } = {} }: PolicyFigure): number {
  const values = Array.from(
    tidy(() => value.dataSync()),
    each,
  );
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

await onEachBackend('PPO', async (t) => {
  for (const one of expected.cases) await t.test(`${one.answers} ${JSON.stringify(one.knobs)}`, () => checkCase(one));
});

test('rewards are scaled by all before them and their own, and bounded', () => {
  const scale = scaleWith([3, 5], scaleWith([1, 7], noRewards));
  assert.deepEqual([scale.count, scale.mean, scale.squares], [4, 4, 20]);
  const knobs = { normaliseReward: true, rewardClip: 1 };
  const deviation = Math.sqrt(20 / 3) + 1e-4;
  assert.equal(scaledReward(5, scale, knobs), 1 / deviation);
  assert.equal(scaledReward(-20, scale, knobs), -1);
  assert.equal(scaledReward(0.5, noRewards, { normaliseReward: false, rewardClip: 0.25 }), 0.25);
  assert.equal(scaledReward(2, scaleWith([2], noRewards), knobs), 0, 'the first of all is no better than itself');
});

test('a row that nothing is learnt from has no part in the others, whatever order they come in', () => {
  const { ppo, policy } = knobsOf({});
  const { old: sampled, reference, values, scores } = expected.answers.short;
  const knobs = { ppo, klWeight: policy.klWeight, scale: noRewards };
  const rewards = scores.map((score, row) => (row === 2 ? undefined : score));
  const own = samplingCredit({ rows: [3, 0, 1], rewards, sampled, reference, values }, knobs);
  const without = <T>(rows: readonly T[]): T[] => rows.filter((_, row) => row !== 2);
  const others = [sampled, reference, values].map(without);
  const alone = samplingCredit(
    { rows: [0, 1, 2], rewards: without(rewards), sampled: others[0], reference: others[1], values: others[2] },
    knobs,
  );
  assert.deepEqual(without(own.advantages), alone.advantages);
  assert.deepEqual(own.advantages[2], []);
  assert.equal(own.scale.count, 3);
});
