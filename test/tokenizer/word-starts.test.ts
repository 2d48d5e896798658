// A vocabulary that is easy to copy with: words alike with and without a space before them, frequent characters whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';

const random = Random.stream(5, 'word starts');
const syllables = ['wh', 'ist', 'le', 'gar', 'den', 'ward', 'robe', 'ca', 't', 'S', 'é', 'an'];
const words = Array.from({ length: 300 }, () =>
  Array.from({ length: random.integer(1, 4) }, () => random.choose(syllables)).join(''),
);
const joints = [' ', ' ', ' ', ' ', ', ', '. ', ' "', '\n', "'", '-', ' (', '\t', '  ', ' 2', '  2 '];
const english = Array.from({ length: 4000 }, () => random.choose(words) + random.choose(joints)).join('');
const hanzi = Array.from('春眠不觉晓处闻啼鸟夜来风雨声花落知多少明月光疑是地上霜举头望低思故乡');
const chinese = Array.from({ length: 6000 }, () => hanzi[Math.min(random.integer(0, 33), random.integer(0, 33))]).join(
  '',
);

const piecesOf = (tokenizer: Tokenizer, text: string): string[] =>
  Array.from(tokenizer.encode(text), (id) => Buffer.from(tokenizer.decode([id])).toString());

test('with spaces last, a word is the same pieces wherever it stands, but for the space of the first', async () => {
  const [early, last] = await Promise.all(
    (['early', 'last'] as const).map((spaces) => trainTokenizer([english], { vocabSize: 600, spaces })),
  );
  let twins = 0;
  const unlike = { early: 0, last: 0 };
  for (const word of words) {
    for (const [name, tokenizer] of Object.entries({ early, last }) as ['early' | 'last', Tokenizer][]) {
      const bare = piecesOf(tokenizer, word);
      const [first, ...rest] = piecesOf(tokenizer, ` ${word}`);
      const isAlike =
        first === ' ' ? rest.join('|') === bare.join('|') : [first.slice(1), ...rest].join('|') === bare.join('|');
      if (!isAlike) unlike[name]++;
      if (name === 'last' && first !== ' ') twins++;
      // In quotation marks too: no mark is ever part of a word. (The splitter cuts after a mark and ASCII letters.)
      if (name === 'last' && !word.includes('é'))
        assert.deepEqual(piecesOf(tokenizer, `"${word}"`), ['"', ...bare, '"']);
    }
    assert.equal(last.decode(last.encode(`a ${word}"${word}`)), `a ${word}"${word}`);
  }
  assert.equal(unlike.last, 0);
  assert.ok(unlike.early > 30, `${unlike.early} of ${words.length} unlike where spaces join early`);
  assert.ok(twins > words.length / 2, `${twins} words have a first piece with a space`);
});

test('twins and merges share the vocabulary by how often they are seen, and it is filled to the last token', async () => {
  for (const vocabSize of [300, 400, 600]) {
    const tokenizer = await trainTokenizer([english], { vocabSize, spaces: 'last' });
    const { merges } = (tokenizer.json as { model: { merges: string[] } }).model;
    const isTwin = (merge: string): boolean => /^Ġ [^Ġ]/.test(merge);
    const first = merges.findIndex(isTwin);
    assert.ok(first > 0 && merges.slice(first).every(isTwin), 'every twin comes after every other merge');
    assert.ok(tokenizer.vocabSize === vocabSize || vocabSize === 600, `${tokenizer.vocabSize}`);
  }
});

test('the most frequent characters are whole before anything else', async () => {
  const counts = new Map<string, number>();
  for (const each of chinese) counts.set(each, (counts.get(each) ?? 0) + 1);
  const ranked = [...counts].sort((a, b) => b[1] - a[1]);
  const tokenizer = await trainTokenizer([chinese], { vocabSize: 330, characterCoverage: 0.8 });
  let covered = 0;
  let wanted = 0;
  for (const [character, count] of ranked) {
    if (covered < 0.8 * chinese.length) {
      assert.equal(tokenizer.encode(character).length, 1, character);
      wanted++;
    }
    covered += count;
  }
  const { merges } = (tokenizer.json as { model: { merges: string[] } }).model;
  assert.ok(wanted > 10 && merges.length > wanted, `${wanted} characters, ${merges.length} merges`);
  assert.equal(tokenizer.decode(tokenizer.encode(chinese)), chinese);
});

test('more characters than the vocabulary has room for are an error that says what to change', async () => {
  await assert.rejects(
    trainTokenizer([chinese], { vocabSize: 280, characterCoverage: 1 }),
    (error) => error instanceof UserError && /characterCoverage/.test(error.message + JSON.stringify(error)),
  );
});
