import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { byteCharacters, byteOf, pieceEnd } from '../../src/tokenizer/pre-tokenizer.js';
import { specialTokenList } from '../../src/tokenizer/special-tokens.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { minVocabSize, type TrainProgress, trainTokenizer } from '../../src/tokenizer/train.js';
import { adversarialText } from './adversarial.js';

function modelOf(tokenizer: Tokenizer): { vocab: Record<string, number>; merges: string[] } {
  return (tokenizer.json as { model: { vocab: Record<string, number>; merges: string[] } }).model;
}

/** BPE training as the paper writes it: count all pairs anew before every merge. */
function trainSlowly(text: string, vocabSize: number): string[] {
  const counts = new Map<string, number>();
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    const piece = text.slice(start, end);
    const parts = /^\p{N}/u.test(piece) ? [...piece] : (piece.match(/.{1,16}/gsu) ?? []);
    for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1);
    start = end;
  }
  const tokens = [...specialTokenList, ...byteCharacters];
  const words = [...counts].map(([part, count]) => ({ ids: [...Buffer.from(part)].map((byte) => byte + 4), count }));
  const merges: string[] = [];
  while (tokens.length < vocabSize) {
    const pairs = new Map<string, number>();
    for (const { ids, count } of words) {
      for (let i = 0; i + 1 < ids.length; i++) {
        const pair = `${ids[i]} ${ids[i + 1]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    }
    const ranked = [...pairs]
      .map(([pair, count]) => ({ ids: pair.split(' ').map(Number), count }))
      .filter(({ ids, count }) => count >= 2 && !tokens.includes(tokens[ids[0]] + tokens[ids[1]]))
      .sort((a, b) => b.count - a.count || a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1]);
    if (ranked.length === 0) break;
    const [left, right] = ranked[0].ids;
    merges.push(`${tokens[left]} ${tokens[right]}`);
    const id = tokens.push(tokens[left] + tokens[right]) - 1;
    for (const { ids } of words) {
      for (let i = 0; i + 1 < ids.length; i++) if (ids[i] === left && ids[i + 1] === right) ids.splice(i, 2, id);
    }
  }
  return merges;
}

test('the trainer equals a slow one that counts everything anew', async () => {
  const random = Random.stream(3, 'train');
  const parts = Array.from({ length: 400 }, () => adversarialText(random, 6).replace(/\p{Surrogate}/gu, '\ufffd'));
  const runs = 'aaaa aaa aaaaaaa abababab bababa abcabcabc bcbcbc 明明月明明月月 ';
  const text = `${runs.repeat(4)}${parts.join('')} internationalization internationalization`;
  const merges = trainSlowly(text, 1000);
  assert.ok(merges.length > 150 && merges.length < 740, 'until no pair is left');
  assert.deepEqual(modelOf(await trainTokenizer([text], { vocabSize: 1000 })).merges, merges);
});

test('the same text gives the same vocabulary, however it is cut into an async stream of documents', async () => {
  const documents = ['床前明月光，疑是地上霜。\n', 'the cat sat on the mat\n', 'the hat\n'];
  async function* stream(): AsyncGenerator<string> {
    yield* documents;
  }
  const first = await trainTokenizer(documents, { vocabSize: 290 });
  const second = await trainTokenizer(stream(), { vocabSize: 290 });
  assert.deepEqual(first.json, second.json);
});

test('special tokens come first, then the bytes, and no token holds two numerals', async () => {
  const text = '12 1212 2024年２０２４ ２０２０ ⅫⅫ 12.12 ½½ a12 12a '.repeat(20);
  const tokenizer = await trainTokenizer([text], { vocabSize: 400 });
  const { vocab } = modelOf(tokenizer);
  assert.deepEqual(
    specialTokenList.map((token) => vocab[token]),
    [0, 1, 2, 3],
  );
  for (const [byte, character] of byteCharacters.entries()) assert.equal(vocab[character], 4 + byte);
  assert.equal(tokenizer.encode('12345').length, 5);
  assert.equal(tokenizer.encode('２０２４').length, 4, 'each full-width digit became one token');
  for (const token of Object.keys(vocab).slice(4)) {
    const content = Buffer.from([...token].map((character) => byteOf(character.charCodeAt(0)))).toString();
    assert.ok((content.match(/\p{N}/gu) ?? []).length < 2, content);
  }
});

test('a text with too few pairs gives a smaller vocabulary, and says so', async () => {
  const tokenizer = await trainTokenizer(['abab'], { vocabSize: 1000 });
  assert.equal(tokenizer.vocabSize, minVocabSize + 1);
  assert.deepEqual(modelOf(tokenizer).merges, ['a b']);
  const bytesOnly = await trainTokenizer(['abab'], { vocabSize: minVocabSize });
  assert.equal(bytesOnly.vocabSize, 260);
});

test('text after maxBytes is not read, and progress ends at the vocabulary size', async () => {
  const progress: TrainProgress[] = [];
  let read = 0;
  function* texts(): Generator<string> {
    for (const text of ['xyxy', 'zwzwzw', 'never']) {
      read++;
      yield text;
    }
  }
  const tokenizer = await trainTokenizer(texts(), { vocabSize: 300, maxBytes: 6, onProgress: (p) => progress.push(p) });
  assert.deepEqual(modelOf(tokenizer).merges, ['x y']);
  assert.equal(read, 2);
  assert.deepEqual(progress.at(-1), { phase: 'merging', done: 261, total: 300 });
});

test('no text and impossible sizes are user errors', async () => {
  await assert.rejects(trainTokenizer([], { vocabSize: 300 }), UserError);
  await assert.rejects(trainTokenizer(['', ''], { vocabSize: 300 }), /no text to train a tokenizer on/);
  for (const vocabSize of [259, 0, -1, 300.5, Number.NaN, 1e9]) {
    await assert.rejects(trainTokenizer(['text'], { vocabSize }), /is not possible.*from 260 to 1000000/);
  }
});
