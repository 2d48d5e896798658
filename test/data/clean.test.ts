import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectLanguage, normalise } from '../../src/data/clean.js';

test('equal text has one form', () => {
  assert.deepEqual(normalise('cafe\u0301\r\nline\rend  \n\n\n\nlast\t\n'), {
    text: 'café\nline\nend\n\nlast',
    removed: 0,
  });
  assert.deepEqual(normalise('a\u0000b\u0007c\u200bd\ufeff\u0085e\tf'), { text: 'abc\u200bde\tf', removed: 4 });
  assert.deepEqual(normalise('cafe\0\u0301'), { text: 'café', removed: 1 });
});

test('long runs of spaces cost no more than other text', () => {
  const start = performance.now();
  const spaces = ' '.repeat(300_000);
  assert.equal(normalise(`a${spaces}b${spaces}\n${spaces}c`).text, `a${spaces}b\n${spaces}c`);
  // It was quadratic: minutes at this length.
  assert.ok(performance.now() - start < 20_000);
});

test('a lone surrogate is removed, a pair is kept', () => {
  assert.deepEqual(normalise('x\ud83dy😀'), { text: 'xy😀', removed: 1 });
});

test('the language of a document follows from its script', () => {
  assert.equal(detectLanguage('床前明月光，疑是地上霜。'), 'zh');
  assert.equal(detectLanguage('用 Node 写'), 'other');
  assert.equal(detectLanguage('我喜欢用 Node 写一些程序'), 'zh');
  assert.equal(detectLanguage('It is a truth — universally acknowledged…'), 'en');
  assert.equal(detectLanguage('12×3+9=45'), 'other');
  assert.equal(detectLanguage('Это не английский text'), 'other');
});
