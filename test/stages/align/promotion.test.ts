// A point on the line is promoted when it looks better, chance cannot hide that it is worse by more than is tolerated, and it costs
// no more than its budgets; of those, the one whose gain is surest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../../src/base/random.js';
import type { Unit } from '../../../src/base/statistics.js';
import { budgetsSchema } from '../../../src/config/gate.js';
import type { Measurements } from '../../../src/evaluation/measurements.js';
import { decide, type Point } from '../../../src/stages/align/promotion.js';

const budgets = budgetsSchema.parse({});

function rewards(count: number, gain: number, noise: number, seed = 1): { before: Unit[]; after: Unit[] } {
  const random = Random.stream(seed, 'rewards');
  const before = Array.from({ length: count }, (_, i) => ({
    id: `t${i}`,
    value: 0.3 + 0.4 * random.uniform(),
    weight: 1,
  }));
  // Noise whose mean is exactly zero: every deviation comes with its opposite.
  const after = before.map((unit, i) => ({ ...unit, value: unit.value + gain + (i % 2 === 0 ? noise : -noise) }));
  return { before, after };
}

function decideAlone({ before, after }: { before: Unit[]; after: Unit[] }, tolerance: number) {
  const [policy, candidate] = [before, after].map((units): Measurements => new Map([['reward', units]]));
  const points = [{ alpha: 1, measurements: candidate }];
  return decide({ alpha: 0, measurements: policy }, points, policy, { metric: 'reward', tolerance, budgets });
}

test('clearly better is promoted, clearly worse and exactly alike are not', () => {
  const better = rewards(100, 0.05, 0.1);
  const { promoted, alpha, curve, text } = decideAlone(better, 0);
  assert.ok(promoted && alpha === 1);
  const { reward } = curve[1].gains;
  assert.ok(Math.abs(reward.mean - 0.05) < 1e-9 && reward.low > 0);
  assert.ok(Math.abs(curve[1].metrics.reward - curve[0].metrics.reward - 0.05) < 1e-9);
  assert.match(text, /^held-out reward 0\.\d{4} → 0\.\d{4}, \+0\.050 \[\+0\.0\d\d, \+0\.0\d\d\]: promoted: better/);
  const worse = decideAlone(rewards(100, -0.001, 0.001), 0.1);
  assert.equal(worse.promoted, false, 'within the tolerance, but not better');
  assert.match(worse.text, /: not better, so the earlier policy stays$/);
  assert.equal(decideAlone({ before: better.before, after: better.before }, 0.1).promoted, false);
});

test('a better mean is promoted only where a fall beyond the tolerance is ruled out', () => {
  const noisy = rewards(40, 0.01, 0.15); // standard error 0.024
  const few = decideAlone(noisy, 0.02);
  assert.equal(few.promoted, false);
  assert.match(few.text, /better, but a fall of more than 0\.02 is not ruled out, so the earlier policy stays$/);
  assert.ok(decideAlone(noisy, 0.05).promoted, 'more is tolerated');
  const many = rewards(1000, 0.01, 0.15); // standard error 0.0047
  assert.ok(decideAlone(many, 0.02).promoted, 'more tasks know better');
});

test('what people prefer has to have gained beyond chance: no small step falls by as much as is tolerated of a reward', () => {
  const decided = (gain: number) => {
    const { before, after } = rewards(100, gain, 1e-4); // standard error 1e-5
    const [policy, candidate] = [before, after].map((units): Measurements => new Map([['preference', units]]));
    const points = [{ alpha: 1, measurements: candidate }];
    return decide({ alpha: 0, measurements: policy }, points, policy, {
      metric: 'preference',
      tolerance: 0.02,
      budgets,
    });
  };
  const chance = decided(5.05e-4);
  assert.equal(chance.promoted, false);
  assert.match(chance.text, /better, but that may be chance, so the earlier policy stays$/);
  const sure = decided(1e-2);
  assert.ok(sure.promoted);
  assert.match(sure.text, /: promoted: better beyond chance$/);
});

test('two to five preferences that all gain alike promote nothing, six do', () => {
  for (let count = 2; count <= 7; count++) {
    const unitsOf = (value: number): Unit[] =>
      Array.from({ length: count }, (_, i) => ({ id: String(i), value: value + i * 1e-4, weight: 1 }));
    const [policy, candidate] = [0.5, 0.6].map((value): Measurements => new Map([['preference', unitsOf(value)]]));
    const settings = { metric: 'preference', tolerance: 0.02, budgets };
    const points = [{ alpha: 1, measurements: candidate }];
    const { promoted, text } = decide({ alpha: 0, measurements: policy }, points, policy, settings);
    assert.equal(promoted, count >= 6, `${count}: ${text}`);
    if (!promoted) assert.match(text, new RegExp(`all of ${count} preferences may gain by chance: at least 6 decide`));
  }
});

test('a figure that is none is within no budget', () => {
  const { before, after } = rewards(100, 0.05, 0.01);
  const texts = (value: number) => ['a', 'b', 'c'].map((id) => ({ id, value, weight: 1 }));
  const policy: Measurements = new Map([
    ['reward', before],
    ['bitsPerByte.en', texts(2)],
  ]);
  const broken: Measurements = new Map([
    ['reward', after],
    ['bitsPerByte.en', texts(Number.NaN)],
  ]);
  const points = [{ alpha: 1, measurements: broken }];
  const settings = { metric: 'reward', tolerance: 0.02, budgets };
  assert.equal(decide({ alpha: 0, measurements: policy }, points, policy, settings).promoted, false);
});

test('a gain whose digits are all zeros is none, however even it is', () => {
  for (const metric of ['preference', 'reward']) {
    const unitsOf = (value: number): Unit[] => [1, 2, 3].map((id) => ({ id: String(id), value, weight: 1 }));
    const [policy, candidate] = [0.5, 0.500004].map((value): Measurements => new Map([[metric, unitsOf(value)]]));
    const points = [0.75, 1].map((alpha) => ({ alpha, measurements: candidate }));
    const decision = decide({ alpha: 0, measurements: policy }, points, policy, { metric, tolerance: 0.02, budgets });
    assert.deepEqual([decision.promoted, decision.alpha], [false, 0], decision.text);
    assert.match(decision.text, /not better, so the earlier policy stays$/);
  }
});

test('one task proves nothing', () => {
  const { promoted, text } = decideAlone(rewards(1, 0.5, 0), 1);
  assert.equal(promoted, false);
  assert.doesNotMatch(text, /NaN/);
});

/** A point whose figures are those of the policy plus these, in every unit alike. */
function pointAt(alpha: number, changes: Record<string, number>, noise = 0.01): Point {
  const random = Random.stream(2, 'units');
  const metrics = ['reward', 'bitsPerByte.zh', 'bitsPerByte.en', 'correct.parity', 'correct.refusal', 'reward.zh'];
  const measurements = metrics.map((metric): [string, Unit[]] => {
    const units = Array.from({ length: 24 }, (_, i) => {
      const deviation = alpha === 0 ? 0 : i % 2 === 0 ? noise : -noise;
      return { id: `u${i}`, value: 0.2 + random.uniform() + (changes[metric] ?? 0) + deviation, weight: 1 };
    });
    return [metric, units];
  });
  return { alpha, measurements: new Map(measurements) };
}
const policy = pointAt(0, {});
const settings = { metric: 'reward', tolerance: 0.02, budgets };

test('the surest gain within the budgets: what forgets too much of one language is not promoted for the other', () => {
  const points = [
    pointAt(0.25, { reward: 0.02, 'bitsPerByte.zh': 0.01, 'bitsPerByte.en': -0.02 }),
    pointAt(0.5, { reward: 0.04, 'bitsPerByte.zh': 0.06, 'bitsPerByte.en': -0.02 }),
    pointAt(0.75, { reward: 0.06, 'bitsPerByte.zh': 0.12, 'bitsPerByte.en': -0.1 }),
    pointAt(1, { reward: 0.08, 'bitsPerByte.zh': 0.2, 'bitsPerByte.en': 0.3, 'correct.parity': -0.2 }),
  ];
  const { promoted, alpha, text, curve } = decide(policy, points, policy.measurements, settings);
  assert.deepEqual([promoted, alpha], [true, 0.5]);
  assert.deepEqual(
    curve.map(({ isWithin }) => isWithin),
    [true, true, true, false, false],
  );
  assert.match(text, /\+0\.040 \[.*\]: promoted at α = 0\.5: better, and a fall of more than 0\.02 is ruled out \(/);
  assert.match(text, /α = 0\.75: bitsPerByte\.zh \+0\.120 is over its budget of 0\.100\. α = 1: /);
  // The worst part of each budget, and each budget that is exceeded.
  assert.match(
    curve[4].why ?? '',
    /^correct\.parity −20\.0 points is over its budget of 5\.0%; bitsPerByte\.en \+0\.300 is over its budget of 0\.100$/,
  );
  // Noise counts: the same mean with less of it between the tasks is the better choice.
  const unsure = [pointAt(0.5, { reward: 0.04 }, 0.001), pointAt(1, { reward: 0.041 }, 0.3)];
  assert.equal(decide(policy, unsure, policy.measurements, settings).alpha, 0.5);
  const loose = budgetsSchema.parse({ bitsPerByte: 8, correct: 1 });
  assert.equal(decide(policy, points, policy.measurements, { ...settings, budgets: loose }).alpha, 1);
});

test('budgets count from where alignment began, and a fall by chance is none', () => {
  const start = pointAt(0, { 'bitsPerByte.zh': -0.08 }).measurements;
  const points = [pointAt(1, { reward: 0.05, 'bitsPerByte.zh': 0.04 })];
  assert.equal(decide(policy, points, policy.measurements, settings).promoted, true);
  const second = decide(policy, points, start, settings);
  assert.equal(second.promoted, false, '0.04 more on the 0.08 of the rounds before');
  assert.match(second.text, /bitsPerByte\.zh \+0\.120 is over its budget of 0\.100, so the earlier policy stays$/);
  const noisy = pointAt(1, { reward: 0.2, 'correct.refusal': -0.06 }, 0.3);
  assert.equal(decide(policy, [noisy], policy.measurements, settings).promoted, true);
  const sure = pointAt(1, { reward: 0.1, 'correct.refusal': -0.06 });
  assert.equal(decide(policy, [sure], policy.measurements, settings).promoted, false);
});

test('where nothing may be promoted, each point says why; an alarm is one of the reasons', () => {
  const points: Point[] = [
    pointAt(0.25, { reward: -0.01 }),
    pointAt(0.5, { reward: -0.02 }),
    { ...pointAt(1, { reward: 0.1 }), alarms: ['answers repeat themselves: 1.0 % → 40.0 %'] },
  ];
  const { promoted, alpha, text } = decide(policy, points, policy.measurements, settings);
  assert.deepEqual([promoted, alpha], [false, 0]);
  assert.equal(
    text,
    'α = 0.25, 0.5: not better. α = 1: answers repeat themselves: 1.0 % → 40.0 %, so the earlier policy stays',
  );
});
