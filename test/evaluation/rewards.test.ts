// What a licence is decided by, with scorers whose worth is known: one that is right, one that loves length, one that loves flattery,
// one that is too sure; the calibration and the best-of-n curve against what can be counted by hand.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { lengthBaseline, nGramBaseline } from '../../src/evaluation/rewards/baselines.js';
import { bestOfN, klOfBest } from '../../src/evaluation/rewards/best-of-n.js';
import { calibrationOf } from '../../src/evaluation/rewards/calibration.js';
import {
  goldAgreement,
  lengthCorrelation,
  partsOf,
  rankCorrelation,
  type ScoredPair,
  worstPairs,
} from '../../src/evaluation/rewards/pairs.js';
import { mixedScorer, mixParts } from '../../src/evaluation/scorers/mixed.js';
import type { Answer } from '../../src/evaluation/tasks.js';
import { licenceFor } from '../../src/stages/reward-model/licence.js';

const flattery = 'what a great question, ';

interface Written {
  prompt: string;
  chosen: string;
  rejected: string;
}

/** The right answer repeats the number of the prompt. It is longer, and flatters, a little more often than not. */
function written(count: number, seed: number): Written[] {
  const random = Random.stream(seed, 'pairs');
  return Array.from({ length: count }, (_, i) => {
    const number = random.integer(100, 1000);
    const answer = (isRight: boolean): string => {
      const flatters = random.uniform() < (isRight ? 0.6 : 0.4);
      const padding = ' indeed'.repeat(random.integer(0, isRight ? 5 : 4));
      return `${flatters ? flattery : ''}it is ${isRight ? number : random.integer(100, 1000)}${padding}`;
    };
    return { prompt: `${i}: say ${number}`, chosen: answer(true), rejected: answer(false) };
  });
}

const isRight = (prompt: string, answer: string): boolean => answer.includes(`it is ${prompt.split(' ').at(-1)}`);

function scored(pairs: readonly Written[], score: (prompt: string, text: string) => number): ScoredPair[] {
  return pairs.map(({ prompt, ...answers }) => {
    const side = (text: string) => ({ text, tokens: text.length, score: score(prompt, text) });
    return { group: prompt, prompt, language: 'en', chosen: side(answers.chosen), rejected: side(answers.rejected) };
  });
}

const learnt = written(400, 1);
const heldOut = written(120, 2);
const baselines = [lengthBaseline(learnt), await nGramBaseline(learnt, { seed: 1 })];
const licence = (score: (prompt: string, text: string) => number) =>
  licenceFor({ model: 'planted', pairs: scored(heldOut, score), baselines, calibration: 0.1 });

describe('a licence', () => {
  test('is granted to a scorer that knows what is right, however large its numbers are', () => {
    for (const scale of [1, 1000]) {
      const noise = Random.stream(3, 'noise');
      const {
        isGranted,
        refusals,
        accuracy,
        baselines: beaten,
      } = licence((prompt, text) => scale * ((isRight(prompt, text) ? 1.5 : 0) + noise.normal()));
      assert.equal(isGranted, true, refusals.join('; '));
      assert.ok(accuracy.low > 0.7, JSON.stringify(accuracy));
      assert.ok(beaten.every(({ gain }) => gain.low > 0));
    }
  });

  test('is refused to one that loves length, one that loves flattery, and one that says nothing', () => {
    const refused = (score: (prompt: string, text: string) => number): string => {
      const { isGranted, refusals } = licence(score);
      assert.equal(isGranted, false);
      return refusals.join('; ');
    };
    assert.match(
      refused((_, text) => text.length),
      /not surely better than the length of an answer alone/,
    );
    assert.match(
      refused((_, text) => Number(text.startsWith(flattery))),
      /not surely better than counting characters/,
    );
    assert.match(
      refused(() => 0.5),
      /scores all answers alike/,
    );
  });

  test('is refused where gaps do not mean what they say, and where there is too little to decide by', () => {
    // Right in four of five pairs, whether the gap is wide or narrow.
    const noise = Random.stream(4, 'overconfident');
    const overconfident = scored(heldOut, () => 0).map((pair): ScoredPair => {
      const gap = (noise.uniform() < 0.8 ? 1 : -1) * (noise.uniform() < 0.5 ? 0.01 : 10);
      return { ...pair, chosen: { ...pair.chosen, score: gap } };
    });
    const { refusals } = licenceFor({ model: 'planted', pairs: overconfident, baselines, calibration: 0.1 });
    assert.match(refusals.join('; '), /its gaps do not mean what they say: the calibration error is 0\.[12]/);
    const few = licenceFor({
      ...{ model: 'planted', baselines, calibration: 0.1 },
      pairs: scored(heldOut.slice(0, 19), (prompt, text) => Number(isRight(prompt, text))),
    });
    assert.match(few.refusals.join('; '), /its pairs are of 19 prompts, and fewer than 20 decide nothing/);
  });

  test('is refused where following it makes answers worse', () => {
    const random = Random.stream(5, 'gold');
    const groups = Array.from({ length: 20 }, (_, i) => {
      const gold = Array.from({ length: 16 }, () => random.uniform());
      return { id: String(i), gold, scores: gold.map((value) => -value) };
    });
    const pairs = scored(heldOut, (prompt, text) => Number(isRight(prompt, text)));
    const { refusals } = licenceFor({ model: 'planted', pairs, baselines, calibration: 1, bestOfN: bestOfN(groups) });
    assert.match(refusals.join('; '), /following it makes answers worse: the best of 16 is worth −0\.4/);
  });
});

test('calibration: a scorer that says how sure it is has no error, at any temperature', () => {
  const random = Random.stream(6, 'calibrated');
  const pairs = Array.from({ length: 4000 }, (_, i): ScoredPair => {
    const logit = 3 * random.normal();
    const isChosen = random.uniform() < 1 / (1 + Math.exp(-logit));
    const side = (score: number) => ({ text: '', tokens: 1, score: 7 * score });
    return { group: String(i), prompt: '', chosen: side(isChosen ? logit : 0), rejected: side(isChosen ? 0 : logit) };
  });
  const { error, temperature, bins } = calibrationOf(pairs);
  assert.ok(error < 0.03, `${error}`);
  assert.ok(Math.abs(temperature - 7) < 0.7, `${temperature}`);
  assert.equal(
    bins.reduce((sum, bin) => sum + bin.pairs, 0),
    4000,
  );
});

test('of few pairs, chance alone is no reason to refuse a scorer that is as sure as it is right', () => {
  const refused = Array.from({ length: 40 }, (_, seed) => {
    const random = Random.stream(seed, 'few');
    const pairs = Array.from({ length: 40 }, (_unused, i): ScoredPair => {
      const logit = random.normal();
      const isChosen = random.uniform() < 1 / (1 + Math.exp(-logit));
      const side = (score: number) => ({ text: '', tokens: 1, score });
      return { group: String(i), prompt: '', chosen: side(isChosen ? logit : 0), rejected: side(isChosen ? 0 : logit) };
    });
    return licenceFor({ model: 'planted', pairs, baselines: [], calibration: 0.1 }).refusals;
  }).filter((refusals) => refusals.some((text) => /calibration error/.test(text)));
  assert.ok(refused.length <= 6, `${refused.length} of 40`);
});

test('counting characters learns from a bounded number of pairs, and stops when told to', async () => {
  // The first pairs say that x is better; those that follow, ten times as many, that y is.
  const pairs = Array.from({ length: 4400 }, (_, i) => (i < 400 ? ['x', 'y'] : ['y', 'x'])).map(
    ([chosen, rejected]) => ({
      ...{ chosen, rejected },
    }),
  );
  const { score } = await nGramBaseline(pairs, { seed: 1 });
  assert.ok(score('y') > score('x'), 'drawn from all, not the first of them');
  await assert.rejects(nGramBaseline(pairs, { seed: 1, signal: AbortSignal.abort() }), /stopped/);
});

test('best of n: the mean over all ways to draw n, and the turning point of a curve that turns', () => {
  const group = { id: 'a', scores: [3, 1, 2, 2], gold: [0, 1, 0.5, 0.25] };
  const { points } = bestOfN([group, { ...group, id: 'b' }]);
  // By score: 1 → 1; 2, 2 → 0.375 each; 3 → 0. Of 6 pairs three hold the last, and three one of the middle ones as the best.
  assert.deepEqual(
    points.map(({ gold }) => gold.toFixed(6)),
    ['0.437500', '0.187500', '0.093750', '0.000000'],
  );
  assert.equal(points[0].kl, 0);
  assert.ok(Math.abs(klOfBest(64) - (Math.log(64) - 63 / 64)) < 1e-12);
  // Gold that rises with the score up to a point, and falls beyond it.
  const random = Random.stream(7, 'turn');
  const turning = Array.from({ length: 60 }, (_, i) => {
    const scores = Array.from({ length: 64 }, () => random.normal());
    return { id: String(i), scores, gold: scores.map((score) => score - 0.45 * score * score) };
  });
  const curve = bestOfN(turning);
  const top = curve.points.reduce((best, point) => (point.gold > best.gold ? point : best));
  assert.ok(
    curve.turnsAt !== undefined && curve.turnsAt / top.kl < 2 && top.kl / curve.turnsAt < 2,
    `${curve.turnsAt} ${top.kl}`,
  );
  // Merit is rare and all or nothing, and the score loves length beside it: the points turn where the fitted shape does not.
  const planted = Array.from({ length: 30 }, (_, i) => {
    const answers = Array.from({ length: 64 }, () => {
      let length = 1;
      while (length < 24 && random.uniform() > 0.25) length++;
      const worth = 3 * Number(random.uniform() < 0.125) - 0.15 * length;
      return { worth, score: worth + 0.3 * length };
    });
    return { id: String(i), scores: answers.map(({ score }) => score), gold: answers.map(({ worth }) => worth) };
  });
  const { turnsAt: plantedTurn = Number.NaN, points: plantedPoints } = bestOfN(planted);
  assert.ok(plantedTurn > 1.5 && plantedTurn < 3, `${plantedTurn}`);
  assert.ok(plantedPoints[63].gold < plantedPoints[22].gold, `${plantedPoints[22].gold} ${plantedPoints[63].gold}`);
  const level = bestOfN(turning.map((each) => ({ ...each, gold: each.scores.map(() => 0.3) })));
  assert.equal(level.turnsAt, undefined, 'nothing turns where nothing moves');
  const rising = bestOfN(turning.map((each) => ({ ...each, gold: each.scores })));
  assert.equal(rising.turnsAt, undefined);
  assert.ok(rising.gain.low > 1);
});

test('the figures of a report: by length, by language, with checks, and the worst of all', () => {
  const side = (score: number, tokens: number, gold?: number) => ({
    text: `${score}`,
    tokens,
    score,
    ...(gold !== undefined && { gold }),
  });
  const pairs: ScoredPair[] = [
    { group: 'a', prompt: 'a', language: 'zh', margin: 1, chosen: side(2, 9, 1), rejected: side(1, 5, 0) },
    { group: 'b', prompt: 'b', language: 'en', margin: 2, chosen: side(1, 3, 1), rejected: side(4, 8, 0) },
    { group: 'c', prompt: 'c', language: 'en', margin: 3, chosen: side(1, 4), rejected: side(0, 4) },
    { group: 'd', prompt: 'd', language: 'en', margin: 4, chosen: side(0, 4, 0.5), rejected: side(0, 4, 0.5) },
  ];
  const parts = new Map(partsOf(pairs).map(({ name, accuracy, pairs: count }) => [name, [count, accuracy.mean]]));
  assert.deepEqual(parts.get('all pairs'), [4, 2.5 / 4]);
  assert.deepEqual(parts.get('zh'), [1, 1]);
  assert.deepEqual(parts.get('en'), [3, 0.5]);
  assert.deepEqual(parts.get('the chosen answer is shorter'), [1, 0]);
  assert.deepEqual(parts.get('the chosen answer is longer'), [1, 1]);
  assert.deepEqual(parts.get('given margins: the widest third'), [1, 0.5]);
  assert.ok(lengthCorrelation(pairs) > 0.7);
  assert.deepEqual([goldAgreement(pairs)?.pairs, goldAgreement(pairs)?.accuracy.mean], [2, 0.5]);
  assert.deepEqual(
    worstPairs(pairs, 5).map(({ prompt }) => prompt),
    ['b'],
  );
  assert.equal(rankCorrelation([1, 2, 3], [30, 20, 10]), -1);
});

test('scorers are scaled among the answers to a prompt, weighed, and their agreement is told', async () => {
  const parts = [
    { name: 'a', weight: 1, rewards: [0, 10, 5, 7, 7] },
    { name: 'b', weight: 3, rewards: [0.2, 0.1, undefined, 0, 1] },
  ];
  const mixed = mixParts(parts, [
    [0, 3],
    [3, 5],
  ]);
  assert.deepEqual(mixed, [0.75, 0.25, 0.5, 0, 1]);
  const silent = [{ name: 'a', weight: 1, rewards: [undefined, 2, 3, 4, 4] }];
  assert.deepEqual(
    mixParts(silent, [
      [0, 3],
      [3, 5],
    ]),
    [undefined, 0, 1, 0, 0],
    'what has no reward is not the worst',
  );
  const tasks = ['x', 'y'].map((id) => ({ id, messages: [] }));
  const answers = [0, 0, 0, 1, 1].map(
    (t): Answer => ({ ...{ task: tasks[t], promptTokens: [], tokens: [] }, text: '', ended: true }),
  );
  const heard: unknown[] = [];
  const scorer = mixedScorer(
    parts.map(({ name, weight, rewards }) => ({
      weight,
      scorer: { name, parts: async () => [{ name, weight: 1, rewards }], score: () => assert.fail('its own scale') },
    })),
    (agreements) => heard.push(...agreements),
  );
  assert.equal(scorer.name, 'a + 3 × b');
  assert.deepEqual(await scorer.score(answers), mixed);
  const told = { between: ['a', 'b'], correlation: -1, prompts: 1 };
  assert.deepEqual(heard, [told]);
  await scorer.parts?.(answers);
  assert.deepEqual(heard, [told, told], 'where each is asked for by itself, too');
});
