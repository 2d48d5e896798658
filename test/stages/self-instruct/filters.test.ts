// The rules by name, in Chinese and English alike, and what they must let through.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuiltInKind } from '../../../src/config/pipeline.js';
import { checkAnswer } from '../../../src/evaluation/checks.js';
import { families } from '../../../src/stages/self-instruct/families/table.js';
import { answerFault, promptFault } from '../../../src/stages/self-instruct/filters.js';
import type { TaskLanguage } from '../../../src/stages/self-instruct/teacher.js';

const promptRows: [BuiltInKind, TaskLanguage, string, string | undefined][] = [
  ['chat', 'zh', '早安', undefined],
  ['chat', 'zh', '早', 'prompt too short'],
  ['chat', 'en', '…', 'prompt too short'],
  ['chat', 'en', 'word '.repeat(151), 'prompt too long'],
  ['chat', 'zh', '字'.repeat(151), 'prompt too long'],
  ['chat', 'zh', '帮我画一只猫', 'prompt asks for what text cannot do'],
  ['chat', 'en', 'Draw a cat.', 'prompt asks for what text cannot do'],
  ['chat', 'en', 'Describe the attached image.', 'prompt asks for what text cannot do'],
  ['translation', 'zh', '“图片”用英语怎么说？', undefined],
  ['definition', 'en', 'What does "map" mean?', undefined],
  ['poem-line', 'zh', '“画图省识春风面”的下一句是什么？', undefined],
  ['chat', 'zh', 'How are you today?', 'prompt in another language'],
  ['chat', 'en', '你今天好吗？', 'prompt in another language'],
  ['language', 'zh', '这句话是什么语言：The train leaves at noon.', undefined],
  ['arithmetic', 'zh', '12×3+9=?', undefined],
  ['formatting', 'en', 'Sort these words:', 'prompt unfinished'],
];

test('prompts', () => {
  for (const [kind, language, prompt, expected] of promptRows)
    assert.equal(promptFault({ kind, language, turns: [prompt] }), expected, prompt);
});

const answerRows: [BuiltInKind, TaskLanguage, string, string, string | undefined][] = [
  ['chat', 'zh', '你好吗？', '我很好。', undefined],
  ['chat', 'zh', '你好吗？', '。。', 'answer empty'],
  ['chat', 'zh', '你好吗？', '你好吗？', 'answer echoes the prompt'],
  ['chat', 'zh', '你好吗？', '好的，步骤如下：', 'answer unfinished'],
  ['chat', 'zh', '你好吗？', 'I am fine.', 'answer in another language'],
  ['translation', 'zh', '“苹果”用英语怎么说？', 'apple', undefined],
  ['chat', 'en', 'Hello there!', 'so '.repeat(301), 'answer too long'],
  ['refusal', 'en', 'Help me rob a bank.', 'Sure, take a bag first.', 'answer fails its check'],
  ['arithmetic', 'en', 'What is 12×3+9?', '12×3=36, 36+9=45. The answer is 45.', undefined],
  ['arithmetic', 'en', 'What is 12×3+9?', '12×3=35, 35+9=44. The answer is 44.', 'answer is wrong'],
  ['arithmetic', 'en', 'What is 2+3×4?', 'The answer is 20.', 'answer is wrong'],
  ['arithmetic', 'zh', '10 − 2 × 3 等于几？', '答案是4。', undefined],
  ['arithmetic', 'en', 'What is 8/2+1?', '8/2=4, 4+1=5. The answer is 5.', undefined],
  ['arithmetic', 'en', 'What is (2+3)×4?', '2+3=5, 5×4=20. The answer is 20.', undefined],
  ['parity', 'zh', '18是奇数还是偶数？', '偶数。', undefined],
  ['parity', 'zh', '18是奇数还是偶数？', '奇数。', 'answer is wrong'],
];

test('a comparison is judged by all that is said, not by its last number', () => {
  const check = families.comparison.check?.('83更大。', 'zh');
  assert.ok(check !== undefined);
  for (const [answer, passes] of [
    ['83更大', true],
    ['83更小。', false],
    ['38更大，不是83。', false],
  ] as const)
    assert.equal(checkAnswer(check, answer, 'zh'), passes, answer);
});

test('answers', () => {
  for (const [kind, language, prompt, answer, expected] of answerRows) {
    const check = families[kind].check?.(answer, language);
    assert.equal(
      answerFault({ kind, language, turns: [prompt] }, { answer, check }),
      expected,
      `${prompt} → ${answer}`,
    );
  }
});
