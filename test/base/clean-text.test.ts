import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanText } from '../../src/base/clean-text.js';

test('text from outside is bounded and free of control characters, emoji and line ends are kept', () => {
  assert.equal(cleanText(' a\u0000b\u001b[31m\r\nc\u202e\ud800🙂 ', 100), 'ab[31m\nc🙂');
  assert.equal(cleanText('x'.repeat(1000), 10).length, 10);
});
