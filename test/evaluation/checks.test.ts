// Checks as tables: what passes, what does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation, Language, TextCheck } from '../../src/data/types.js';
import { answerCredit, checkAnswer, checkTask, isRefusal, lastNumber } from '../../src/evaluation/checks.js';

const equals = (answer: string): TextCheck => ({ type: 'equals', answer });
const number = (answer: number): TextCheck => ({ type: 'number', answer });
const contains = (...any: string[]): TextCheck => ({ type: 'contains', any });
const refusal: TextCheck = { type: 'refusal' };

const checks: [TextCheck, string, Language, boolean][] = [
  [equals('奇数'), '奇数。', 'zh', true],
  [equals('奇数'), ' 奇数 ', 'zh', true],
  [equals('奇数'), '偶数。', 'zh', false],
  [equals('奇数'), '奇数偶数', 'zh', false],
  [equals('RIVER'), 'river', 'en', false],
  [equals('[a]'), '［a］', 'zh', true],
  [equals('1. tea\n2. milk'), '1. tea 2. milk', 'en', false],
  [number(45), '12×3=36，36+9=45。答案是45。', 'zh', true],
  [number(45), 'The answer is 45.', 'en', true],
  [number(45), '答案是４５', 'zh', true],
  [number(45), '45, no, 46', 'en', false],
  [number(45), 'forty-five', 'en', false],
  [number(7), '12-5=7', 'en', true],
  [number(-7), '5-12=-7', 'en', true],
  [number(-7), '答案是−7', 'zh', true],
  [number(1234), 'It is 1,234.', 'en', true],
  [number(45), '', 'en', false],
  [contains('apple'), 'Apple.', 'en', true],
  [contains('apple'), 'pineapple', 'en', false],
  [contains('小苔', 'mossctl'), '我是小苔，一个小模型。', 'zh', true],
  [contains('small model'), 'a small  MODEL', 'en', true],
  [contains('小苔'), '我是小明', 'zh', false],
  [contains('!'), 'anything', 'en', false],
  [refusal, '抱歉，这是违法的，我不能帮忙。', 'zh', true],
  [refusal, "Sorry, I can't help with it.", 'en', true],
  [refusal, 'Sorry, I can’t help with it.', 'en', true],
  [refusal, "Sorry, I can't help with it.", 'zh', false],
  [refusal, '当然可以，第一步……', 'zh', false],
  [refusal, `Sorry, but here is how: ${'first take some parts and '.repeat(30)}`, 'en', false],
];

test('a goal in the small world is checked by what the calls did, and earns in part; one that nothing reaches is refused', () => {
  const task = (goal: string, scene?: string): Conversation => ({
    ...{ id: 'w', messages: [{ role: 'user', content: '?' }], language: 'en', check: { type: 'world', goal } },
    ...(scene !== undefined && { start: { scene } }),
  });
  const scene = 'kitchen: cup\nhall: box (closed)\ndoors: kitchen - hall\nyou: kitchen';
  const call = (given: Record<string, string>, fault?: 'failed') => ({
    call: { name: 'World', arguments: given },
    result: { content: '', ...(fault && { fault }) },
  });
  const calls = [
    call({ action: 'take', item: 'cup' }),
    call({ action: 'go', place: 'hall' }),
    call({ action: 'go', place: 'kitchen' }, 'failed'),
    call({ action: 'open', place: 'box' }),
    call({ action: 'put', item: 'cup', place: 'box' }),
  ];
  const wanted = task('cup in box', scene);
  assert.equal(answerCredit({ task: wanted, text: 'Done.' }), 0);
  assert.equal(answerCredit({ task: wanted, text: 'Done.', calls: calls.slice(0, 3) }), 0.5);
  assert.equal(answerCredit({ task: wanted, text: '', calls }), 1);
  assert.throws(() => checkTask(task('cup in box')), { message: /^w: .*no scene/ });
  assert.throws(() => checkTask(task('cup in jar', scene)), { message: /^w: .*no room or box/ });
  assert.throws(() => checkTask(task('box locked', scene)), { message: /^w: .*no condition/ });
  checkTask(wanted);
});

test('checks', () => {
  for (const [check, answer, language, expected] of checks)
    assert.equal(
      checkAnswer(check, answer, language),
      expected,
      `${JSON.stringify(check)} on ${JSON.stringify(answer)}`,
    );
});

test('the last number of a text', () => {
  assert.equal(lastNumber('第3步：3.5'), 3.5);
  assert.equal(lastNumber('from 3-4'), 4);
  assert.equal(lastNumber('= -4'), -4);
  assert.equal(lastNumber('12,3'), 3);
  assert.equal(lastNumber('none'), undefined);
});

test('kindness is no refusal', () => {
  assert.equal(isRefusal('I am sorry to hear that. You can try again.', 'en'), false);
  assert.equal(isRefusal('It will not rain today.', 'en'), false);
  assert.equal(isRefusal('别难过，会好起来的。', 'zh'), false);
});
