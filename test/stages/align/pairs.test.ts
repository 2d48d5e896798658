// Pairs follow the scorer: the same answers under two scorers make other pairs, and stay what they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation } from '../../../src/data/types.js';
import { type Scorer, scoreAnswers } from '../../../src/evaluation/scorer.js';
import { rules } from '../../../src/evaluation/scorers/rules.js';
import type { Answer } from '../../../src/evaluation/tasks.js';
import { bestAnswer, makePairs, recordOf } from '../../../src/stages/align/pairs.js';

const task: Conversation = {
  ...{ id: 'sum', messages: [{ role: 'user', content: '12+33=?' }], language: 'en' },
  check: { type: 'number', answer: 45 },
};
const answer = (text: string, token: number, ended = true): Answer =>
  Object.freeze({ task, promptTokens: [1], tokens: [token], text, ended });
const answers = [answer('45', 2), answer('It is 46.', 3), answer('The answer is 45', 4, false), answer('It is 46.', 3)];
const byLength: Scorer = {
  name: 'length',
  score: async (scored) => scored.map(({ text }) => text.length),
};
const options = { minMargin: 0.1, pairsPerPrompt: 4, endToken: 9 };

async function textsOfPairs(scorer: Scorer, chosen = options): Promise<[string, string][]> {
  const pairs = makePairs(await scoreAnswers(scorer, answers), chosen);
  return pairs.map((pair) => [pair.chosen.text, pair.rejected.text]);
}

test('best against worst, each answer once, by whichever scorer is asked', async () => {
  assert.deepEqual(await textsOfPairs(rules), [['45', 'It is 46.']]);
  assert.deepEqual(await textsOfPairs(byLength), [['The answer is 45', '45']]);
  assert.ok(answers.every((each) => !('reward' in each)));
});

test('rewards of the pair are the scorer’s own; a narrow gap makes no pair', async () => {
  const [pair] = makePairs(await scoreAnswers(byLength, answers), options);
  assert.deepEqual([pair.chosen.reward, pair.rejected.reward], [16, 2]);
  assert.deepEqual([pair.chosen.tokens, pair.rejected.tokens], [[4], [2, 9]]);
  assert.deepEqual(await textsOfPairs(byLength, { ...options, minMargin: 15 }), []);
});

test('rejection sampling keeps the best of answers that differ', async () => {
  const scored = await scoreAnswers(byLength, answers);
  const rows = bestAnswer(scored, options);
  assert.deepEqual(rows, [
    {
      ...{ id: 'sum', prompt: [1], isGood: true },
      answer: { tokens: [4], text: 'The answer is 45', reward: 16 },
    },
  ]);
  assert.deepEqual(bestAnswer(scored, { ...options, minMargin: 15 }), []);
  assert.deepEqual(bestAnswer([], options), []);
});

test('a row names the record that it was judged in, or that its prompt came from', () => {
  const id = 'feedback:00000000000000aa';
  assert.deepEqual(recordOf({ id: `${id}#0` }), ['00000000000000aa']);
  assert.deepEqual(recordOf({ id: `${id}#0#chosen` }), ['00000000000000aa']);
  assert.deepEqual(recordOf({ id, source: 'pairs.jsonl' }), []);
  assert.deepEqual(recordOf({ id, source: 'feedback', feedback: '00000000000000bb' }), ['00000000000000bb']);
  assert.deepEqual(recordOf({ id: 'sum#0' }), []);
});
