// From answers and documents to figures with intervals, and from two models' figures to what the one gained.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check, Conversation } from '../../src/data/types.js';
import {
  compare,
  figuresOf,
  measureAnswers,
  measureRewards,
  measureRewardsAndForm,
  measureSources,
  measureTexts,
  metricsOf,
} from '../../src/evaluation/measurements.js';
import { type Answer, splitHeldOut } from '../../src/evaluation/tasks.js';

const check: Check = { type: 'equals', answer: 'yes' };

function task(id: string, rest: Partial<Conversation> = {}): Conversation {
  return { id, messages: [{ role: 'user', content: id }], kind: 'parity', language: 'en', check, ...rest };
}

function answer(of: Conversation, text: string): Answer {
  return { task: of, promptTokens: [], tokens: [], text, ended: text !== '' };
}

test('answers to one task, and tasks of one group, are one unit; what has no check is not right or wrong', () => {
  const [a, b, c, d] = [
    task('a', { group: 'g' }),
    task('b', { group: 'g' }),
    task('c'),
    task('d', { check: undefined }),
  ];
  const answers = [
    ...[answer(a, 'Yes.'), answer(a, 'no'), answer(b, 'no')],
    ...[answer(c, 'yes'), answer(c, 'yes'), answer(d, '')],
  ];
  const measured = measureAnswers(answers);
  assert.deepEqual([...measured.keys()], ['correct', 'correct.parity', 'ended']);
  assert.deepEqual(measureRewards(answers, [1, 0.5, 0.25, 1, 0.75, 0]), [
    { id: 'g', value: 1.75, weight: 3 },
    { id: 'c', value: 1.75, weight: 2 },
    { id: 'd', value: 0, weight: 1 },
  ]);
  // What has no check is worth its form alone.
  const rewards = measureRewardsAndForm(answers, [1, 0.5, 0.25, 1, 0.75, 0.5]);
  assert.deepEqual(
    [...rewards].map(([metric, units]) => [metric, units.map(({ id }) => id)]),
    [
      ['form', ['d']],
      ['reward', ['g', 'c']],
    ],
  );
  // `equals` compares letters as they are: "Yes" is not "yes".
  assert.deepEqual(metricsOf(measured), {
    ended: 5 / 6,
    correct: 2 / 5,
    'correct.parity': 2 / 5,
  });
});

test('bits per byte: by language and over all, long documents weigh more', () => {
  const texts = [
    { id: 'x', source: 'a', language: 'zh', nats: 30 * Math.LN2, bytes: 10 },
    { id: 'y', source: 'a', language: 'en', nats: 40 * Math.LN2, bytes: 40 },
    { id: 'z', source: 'a', language: 'en', nats: 20 * Math.LN2, bytes: 10 },
  ];
  const { metrics, intervals } = figuresOf(measureTexts(texts));
  assert.deepEqual(Object.keys(metrics), ['bitsPerByte', 'bitsPerByte.en', 'bitsPerByte.zh']);
  for (const [name, expected] of Object.entries({ bitsPerByte: 1.5, 'bitsPerByte.en': 1.2, 'bitsPerByte.zh': 3 }))
    assert.ok(Math.abs(metrics[name] - expected) < 1e-12, name);
  assert.ok(intervals.bitsPerByte.low < 1.5 && intervals.bitsPerByte.high > 1.5);
  assert.equal(intervals['bitsPerByte.zh'], undefined, 'one document has no interval');
});

test('bits per byte by source: of the six with the most text, which together are the whole', () => {
  const texts = Array.from({ length: 40 }, (_, i) => ({
    ...{ id: `${i}`, source: `s${i % 5}`, language: 'en', nats: (i % 7) * Math.LN2, bytes: 1 + (i % 5) },
  }));
  const bySource = metricsOf(measureSources(texts));
  assert.deepEqual(
    Object.keys(bySource),
    [0, 1, 2, 3, 4].map((i) => `bitsPerByte.source.s${i}`),
  );
  const bits = (source: number): number => [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, k) => sum + ((source + 5 * k) % 7), 0);
  assert.equal(bySource['bitsPerByte.source.s3'], bits(3) / (8 * 4));
  const whole = Object.values(bySource).reduce((sum, value, i) => sum + value * (8 * (1 + i)), 0) / (8 * 15);
  assert.ok(Math.abs(whole - metricsOf(measureTexts(texts)).bitsPerByte) < 1e-12);

  const many = texts.map((text, i) => ({ ...text, source: `s${i % 10}`, bytes: 1 + (i % 10) }));
  const largest = [4, 5, 6, 7, 8, 9].map((i) => `bitsPerByte.source.s${i}`);
  assert.deepEqual(Object.keys(metricsOf(measureSources(many))), largest);
  assert.equal(measureSources(texts.filter(({ source }) => source === 's1')).size, 0, 'one source is the whole');
});

test('many wordings of one question widen the interval: they are one piece of evidence', () => {
  const answersOf = (group: (i: number) => string | undefined) =>
    Array.from({ length: 60 }, (_, i) => answer(task(`t${i}`, { group: group(i) }), i % 6 < 3 ? 'yes' : 'no'));
  const width = (answers: readonly Answer[]): number => {
    const { low, high } = figuresOf(measureAnswers(answers)).intervals.correct;
    return high - low;
  };
  const alone = width(answersOf(() => undefined));
  const grouped = width(answersOf((i) => `group-${i % 6}`));
  assert.ok(Math.abs(alone - 0.25) < 0.04, `${alone}`);
  assert.ok(grouped > 2 * alone, `${grouped} against ${alone}`);
});

test('a comparison pairs what both measured; the same model gains exactly nothing', () => {
  const tasks = Array.from({ length: 40 }, (_, i) => task(`t${i}`));
  const model = (label: string, right: (i: number) => boolean) => ({
    label,
    measurements: measureAnswers(tasks.map((each, i) => answer(each, right(i) ? 'yes' : 'no'))),
  });
  const [base, sft] = [model('base', (i) => i < 4), model('sft', (i) => i < 24)];
  const { from, to, differences } = compare(base, sft);
  assert.deepEqual([from, to], ['base', 'sft']);
  assert.equal(differences.correct.mean, 0.5);
  assert.ok(differences.correct.low > 0.3 && differences.correct.high < 0.7);
  const texts = measureTexts([{ id: 'x', source: 'a', language: 'en', nats: 1, bytes: 1 }]);
  assert.deepEqual(compare(base, { label: 'sft', measurements: texts }).differences, {});
  const same = compare(sft, { ...sft, label: 'align' });
  assert.deepEqual(same.differences.correct, { mean: 0, low: 0, high: 0 });
});

test('the halves of the held-out tasks share no task and no group', () => {
  const tasks = Array.from({ length: 90 }, (_, i) => task(`t${i}`, i < 60 ? { group: `group-${i % 7}` } : {}));
  const { validation, test: final } = splitHeldOut(tasks);
  assert.equal(validation.length + final.length, tasks.length);
  assert.ok(validation.length >= 45 && final.length >= 20, `${validation.length} and ${final.length}`);
  const groups = (half: readonly Conversation[]) => new Set(half.map(({ id, group }) => group ?? id));
  const shared = [...groups(validation)].filter((group) => groups(final).has(group));
  assert.deepEqual(shared, []);
  assert.deepEqual(splitHeldOut([...tasks].reverse()).validation.length, validation.length);
  assert.deepEqual(splitHeldOut([task('only')]).validation, []);
});
