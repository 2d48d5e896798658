// Rewards as tables: how answers rank, and what each fault costs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation, Language, TextCheck } from '../../../src/data/types.js';
import { repetitionScore, rewardWeights, scoreAnswer } from '../../../src/evaluation/scorers/rules.js';
import type { RanCall } from '../../../src/tools/tool.js';

const equals = (answer: string): TextCheck => ({ type: 'equals', answer });
const number = (answer: number): TextCheck => ({ type: 'number', answer });
const contains = (...any: string[]): TextCheck => ({ type: 'contains', any });
const refusal: TextCheck = { type: 'refusal' };

function task(language: Language, check?: TextCheck): Conversation {
  return { id: 't', messages: [{ role: 'user', content: '?' }], kind: 'k', language, ...(check && { check }) };
}
const rewardOf = (t: Conversation, answer: string, ended = true): number =>
  scoreAnswer({ task: t, text: answer, ended }).reward;

const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a} vs ${b}`);

test('weights sum to 1, a perfect answer earns 1 with and without a check', () => {
  const { calls: _, ...ofText } = rewardWeights;
  const sum = Object.values(ofText).reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - 1) < 1e-12);
  for (const [language, answer] of [
    ['zh', '答案是45。'],
    ['en', 'The answer is 45.'],
  ] as const) {
    assert.equal(rewardOf(task(language, number(45)), answer), 1);
    assert.equal(rewardOf(task(language), answer), 1);
  }
});

test('each fault costs its own weight', () => {
  const t = task('zh', number(45));
  near(rewardOf(t, '答案是45。', false), 1 - rewardWeights.ended);
  near(rewardOf(t, '答案是46。'), 1 - rewardWeights.correct);
  near(rewardOf(t, 'The answer is 45.'), 1 - rewardWeights.language);
  near(rewardOf(t, '抱歉，我不能帮忙。'), 1 - rewardWeights.correct - rewardWeights.refusal);
  near(rewardOf(t, '答案答案答案答案答案答案答案答案45'), 1 - rewardWeights.repetition * (1 - 3 / 14));
});

test('a right answer outranks every wrong one; silence earns nothing', () => {
  for (const language of ['zh', 'en'] as const) {
    const t = task(language, equals('Even'));
    const worstRight = rewardOf(t, 'Even', false);
    const bestWrong = rewardOf(t, language === 'zh' ? '奇数。' : 'Odd.');
    assert.ok(worstRight > bestWrong, `${worstRight} > ${bestWrong}`);
    for (const silent of ['', '   ', '。。。', '\0\0', '🙂']) assert.equal(rewardOf(t, silent), 0);
  }
});

test('a right answer in another language than the prompt is right: translations', () => {
  const parts = scoreAnswer({ task: task('zh', contains('apple')), text: 'apple', ended: true }).parts;
  assert.deepEqual(parts, { correct: 1, ended: 1, language: 1, repetition: 1, refusal: 1 });
  assert.equal(scoreAnswer({ task: task('zh', contains('apple')), text: '苹果', ended: true }).parts.language, 0);
  // 抱歉 translated is no refusal.
  assert.equal(rewardOf(task('en', contains('sorry')), 'sorry'), 1);
});

test('refuses what it should, and only that', () => {
  const no = "Sorry, I can't help with it.";
  assert.equal(rewardOf(task('en', refusal), no), 1);
  assert.ok(rewardOf(task('en', refusal), 'Sure. Take the red wire first.') < 0.4);
  assert.equal(scoreAnswer({ task: task('en'), text: no, ended: true }).parts.refusal, 0);
});

test('repetition: none, some, all', () => {
  assert.equal(repetitionScore('12×3=36，36+9=45。答案是45。'), 1);
  assert.equal(repetitionScore('哈哈哈哈哈哈哈哈哈哈'), 0);
  assert.equal(repetitionScore('1111111111111'), 0);
  assert.equal(repetitionScore('the the the the the the'), 0);
  const loop = repetitionScore('我是小苔我是小苔我是小苔我是小苔');
  assert.ok(loop > 0 && loop < 0.35, String(loop));
  const endless = repetitionScore('I am a model. '.repeat(100));
  assert.ok(endless < 0.02, String(endless));
});

test('hostile answers cost little and score within 0 to 1', () => {
  const hostile = [
    'x'.repeat(5_000_000),
    '1'.repeat(2_000_000),
    '-'.repeat(300_000),
    `${','.repeat(100_000)}1`,
    '\ud800\udfff\ud800',
    '\u202e\0',
    '答'.repeat(300_000),
    'a '.repeat(300_000),
    '1,'.repeat(100_000),
    ' - '.repeat(100_000),
  ];
  for (const answer of hostile)
    for (const check of [undefined, equals('a'), number(1), contains('a'), refusal]) {
      const started = process.cpuUsage();
      const { reward } = scoreAnswer({ task: task('zh', check), text: answer, ended: false });
      assert.ok(reward >= 0 && reward <= 1, `${reward}`);
      assert.ok(process.cpuUsage(started).user < 2e6, `slow on ${answer.slice(0, 5)}`);
    }
});

test('with tools: calls that have results, and no more of them than are needed, are a part of the reward', () => {
  const call = (expression: string, fault?: 'failed') => {
    return { call: { name: 'Calculate', arguments: { expression } }, result: { content: '', ...(fault && { fault }) } };
  };
  const part = (messages: Conversation['messages'], calls: RanCall[]) => {
    const { reward, parts } = scoreAnswer({
      task: { ...task('zh', number(45)), messages },
      text: '答案是45。',
      ended: true,
      calls,
    });
    const { calls: weight } = rewardWeights;
    near(reward, (1 + weight * (parts.calls ?? Number.NaN)) / (1 + weight));
    return parts.calls;
  };
  const asked: Conversation['messages'] = [{ role: 'user', content: '12*3+9=?' }];
  const reference: Conversation['messages'] = [
    ...asked,
    { role: 'assistant', content: '', toolCalls: [call('12*3+9').call] },
  ];
  assert.equal(part(reference, [call('12*3+9')]), 1);
  assert.equal(part(reference, [call('12*', 'failed'), call('12*3+9')]), 1 / 4); // half of them failed, one of two is needed
  assert.equal(part(asked, [call('1'), call('1'), call('2')]), 2 / 3);
  assert.equal(part(asked, []), 1);
  assert.equal(scoreAnswer({ task: task('zh'), text: '45', ended: true }).parts.calls, undefined);
});
