import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Compression } from '../../src/tokenizer/compression.js';
import { type Encoder, openPublished, publishedNames } from '../../src/tokenizer/published.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';

const golden = await Tokenizer.open(fileURLToPath(new URL('../golden/tokenizer', import.meta.url)));

/** Cuts UTF-8 at these lengths, over and over. */
function cutter(vocabSize: number, lengths: readonly number[]): Encoder {
  const tokens: Buffer[] = [];
  return {
    vocabSize,
    encode(text) {
      const bytes = Buffer.from(text);
      const ids: number[] = [];
      for (let at = 0, i = 0; at < bytes.length; at += lengths[i++ % lengths.length]) {
        ids.push(tokens.push(bytes.subarray(at, at + lengths[i % lengths.length])) - 1);
      }
      return ids;
    },
    tokenBytes: (id) => tokens[id],
  };
}

test('figures of a cut that can be counted by hand', () => {
  const sum = new Compression(cutter(1024, [3, 1, 2]));
  // 明 | first byte of 月 | its other two | ", a" | "b" | " c" | "d"
  sum.add('明月, ab cd');
  const { bytes, tokens, bytesPerToken, tokensPerHan, bitsPerHan, tokensPerWord, partialShare } = sum.figures();
  assert.deepEqual({ bytes, tokens, bytesPerToken }, { bytes: 13, tokens: 7, bytesPerToken: 13 / 7 });
  assert.equal(tokensPerHan, 1.5);
  assert.equal(bitsPerHan, 15);
  assert.equal(tokensPerWord, 2);
  assert.equal(partialShare, 2 / 7);
});

test('what a text has none of is null, not a division by zero', () => {
  const sum = new Compression(golden);
  assert.equal(sum.figures().bytesPerToken, 0);
  sum.add('1 + 1 = 2');
  const { tokensPerHan, bitsPerHan, tokensPerWord, partialShare } = sum.figures();
  assert.deepEqual(
    { tokensPerHan, bitsPerHan, tokensPerWord, partialShare },
    {
      tokensPerHan: null,
      bitsPerHan: null,
      tokensPerWord: null,
      partialShare: 0,
    },
  );
});

test('published vocabularies give the ids that they are known for, and their tokens spell the text', async () => {
  const expected = { gpt2: 50_257, cl100k: 100_264, o200k: 200_006 };
  for (const name of publishedNames) {
    const encoder = await openPublished(name);
    assert.equal(encoder.vocabSize, expected[name]);
    const text = 'hello world, 床前明月光 <|endoftext|> 😀';
    const ids = Array.from(encoder.encode(text));
    assert.equal(Buffer.concat(ids.map((id) => encoder.tokenBytes(id))).toString(), text, name);
    const sum = new Compression(encoder);
    sum.add(text);
    assert.equal(sum.figures().tokens, ids.length);
  }
  assert.deepEqual((await openPublished('gpt2')).encode('hello world'), [31373, 995]);
  assert.deepEqual((await openPublished('cl100k')).encode('hello world'), [15339, 1917]);
  assert.deepEqual((await openPublished('o200k')).encode('hello world'), [24912, 2375]);
});
