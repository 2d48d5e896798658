// Units of comparison: what counts as one word in Chinese, English and between them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsOf } from '../../src/base/words.js';

test('units: a Chinese character, a lower-cased word, a whole number', () => {
  assert.deepEqual(wordsOf('请把“Hello World”翻译成中文，123次！'), [
    ...'请把',
    'hello',
    'world',
    ...'翻译成中文',
    '123',
    '次',
  ]);
  assert.deepEqual(wordsOf('１２×3+9=?'), ['12', '3', '9']);
  assert.deepEqual(wordsOf('カタカナとかな'), [...'カタカナとかな']);
  assert.deepEqual(wordsOf('…！？\0'), []);
});
