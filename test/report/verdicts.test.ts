// The first sentences of a report on stages whose loss says nothing: what a reward model is worth, and what came of a round that sampled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../src/report/event.js';
import { rewardSection } from '../../src/report/reward-section.js';
import type { RunFacts } from '../../src/report/sections.js';
import { verdictsOf } from '../../src/report/verdicts.js';

const timed = (events: readonly Event[]) => events.map((event) => ({ ...event, time: 1 })) as RunFacts['events'];
const accuracy = { mean: 0.9, low: 0.8, high: 0.95 };
const gain = { mean: 0.3, low: 0.2, high: 0.4 };
const reward = (more: object): Event => ({
  ...{ type: 'reward', stage: 'rewardModel', isGranted: true, refusals: [], lengthCorrelation: 0, worst: [] },
  parts: [{ name: 'all pairs', pairs: 40, accuracy }],
  baselines: [{ name: 'length', accuracy, gain }],
  calibration: { error: 0.05, bound: 0.1, bins: [] },
  ...more,
});

test('a reward model: how often it is right, whether it may steer, and where that is seen to lead', () => {
  assert.deepEqual(verdictsOf(timed([reward({})]), 'rewardModel'), [
    'reward-model: right in 90.0 % of 40 held-out pairs.',
    'It has a licence to steer alignment.',
  ]);
  const refused = verdictsOf(
    timed([reward({ isGranted: false, refusals: ['it is late', 'it is long'] })]),
    'rewardModel',
  );
  assert.equal(refused[1], 'Its licence is refused: it is late; it is long.');
  const html = (more: object): string => rewardSection({ events: timed([reward(more)]) } as RunFacts);
  assert.match(html({}), /surely right more often than.*Where following it leads is not known/s);
  const bestOfN = {
    prompts: 12,
    points: [
      { n: 1, kl: 0, gold: 0.2 },
      { n: 2, kl: 0.2, gold: 0.5 },
    ],
    gain,
    turnsAt: 0.15,
  };
  assert.match(html({ bestOfN }), /\+30\.0 points \[\+20\.0, \+40\.0\].*makes answers better.*stop paying 0\.15 nats/s);
  const nothing = { ...bestOfN, gain: { mean: 0, low: -0.1, high: 0.1 }, turnsAt: undefined };
  assert.match(html({ isGranted: false, bestOfN: nothing }), /not seen to make answers better/);
});

test('a round that sampled: its reward, how many were right, and what the gate decided', () => {
  const steps = Array.from({ length: 8 }, (_, i): Event => {
    const metrics = { reward: i, frac_reward_zero_std: 0, 'rewards/right': 0.1 * i };
    const figures = { loss: 0, learningRate: 0, gradientNorm: 1, tokens: 1, tokensPerSecond: 1, round: 1, metrics };
    return { type: 'step', stage: 'align', step: i + 1, steps: 8, ...figures };
  });
  const gate = (alpha: number): Event => ({
    ...{ type: 'gate', stage: 'align', round: 1, alpha, metric: 'reward' },
    points: [{ alpha: 1, metrics: {}, gains: { reward: gain }, isWithin: true }],
  });
  const course = [
    'align, round 1: over 8 steps the reward of sampled answers went from 1.500 to 5.500.',
    'Of those with a check 15.0 % were right at first, and 55.0 % in the end.',
  ];
  const decided = (alpha: number): string[] => verdictsOf(timed([...steps, gate(alpha)]), 'align');
  assert.deepEqual(decided(0), [
    ...course,
    'Held-out tasks decided: nothing was promoted, and the earlier policy stays.',
  ]);
  assert.deepEqual(decided(1), [
    ...course,
    'Held-out tasks decided: promoted at 100.0 % of the way, where reward gained +0.300 [+0.200, +0.400].',
  ]);
  assert.deepEqual(verdictsOf(timed([]), 'align'), []);

  // Who judged stands before what came of it, once, under its own name.
  const judge = (more: object): Event =>
    reward({ stage: 'align', judge: { name: 'judge 0a1b', swayed: 0.1, first: 0.5, silent: 0 }, ...more });
  const unlicensed = judge({ isGranted: false, refusals: ['it is fickle'] });
  const worth = 'judge 0a1b: right in 90.0 % of 40 known pairs.';
  const judged = verdictsOf(timed([unlicensed, judge({}), ...steps, gate(0)]), 'align');
  assert.deepEqual(judged, [worth, 'It may steer alignment.', ...decided(0)]);
  assert.deepEqual(verdictsOf(timed([unlicensed]), 'align'), [
    worth,
    'It has not shown enough to steer alignment: it is fickle.',
  ]);
  const html = rewardSection({ events: timed([judge({})]) } as RunFacts);
  assert.match(html, /May steer alignment.*yes.*than the length of an answer alone\./s);
  const named = (name: string, model?: string): Event =>
    judge({ judge: { name, model, swayed: 0.1, first: 0.5, silent: 0 } });
  const titles = (...events: Event[]): string[] =>
    [...rewardSection({ events: timed(events) } as RunFacts).matchAll(/<h2[^>]*>(What [^<]*)/g)].map(
      ([, title]) => title,
    );
  const resumed: Event = { type: 'stage', stage: 'align', state: 'resumed' };
  assert.deepEqual(titles(named('judge a', 'qwen')), ['What the judge qwen is worth']);
  assert.deepEqual(titles(named('judge a', 'qwen'), named('judge b')), [
    'What qwen is worth as judge a',
    'What judge b is worth',
  ]);
  // Resumed with another judge, the first has nothing to do with what is made; what a stage of two judges said stays, resumed amid its steps.
  assert.deepEqual(titles(named('judge a', 'qwen'), resumed, named('judge b', 'glm'), resumed), [
    'What the judge glm is worth',
  ]);
  assert.doesNotMatch(html, /Licence|n-grams|counting characters|licence\.prompts|the model is better/);
});
