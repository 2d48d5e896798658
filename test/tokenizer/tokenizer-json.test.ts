// A tokenizer.json from outside: broken, contradictory, or made for another kind of tokenizer.
import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';

interface Json {
  [key: string]: unknown;
  added_tokens: Record<string, unknown>[];
  pre_tokenizer: { pretokenizers: Record<string, unknown>[] };
  model: { [key: string]: unknown; vocab: Record<string, number>; merges: unknown[] };
}

const trained = await trainTokenizer(['the cat and the hat and the bat'.repeat(3)], { vocabSize: 270 });
const broken = (change: (json: Json) => void): Json => {
  const json = structuredClone(trained.json) as Json;
  change(json);
  return json;
};

const cases: [string, (json: Json) => void, RegExp][] = [
  ['a missing model', (json) => Reflect.deleteProperty(json, 'model'), /file\.json: model/],
  ['vocab of another type', (json) => Object.assign(json.model, { vocab: 7 }), /model\.vocab/],
  ['an id that is no integer', (json) => Object.assign(json.model.vocab, { a: 1.5 }), /model\.vocab\.a/],
  ['an id used twice', (json) => Object.assign(json.model.vocab, { a: 100 }), /two tokens have the id 100/i],
  ['a gap in the ids', (json) => Object.assign(json.model.vocab, { zz: 5000 }), /none with the id 270/],
  ['a byte without a token', (json) => delete json.model.vocab.Ġ, /no token for byte 32|none with the id/],
  ['a token outside the alphabet', (json) => Object.assign(json.model.vocab, { 中: 270 }), /outside the byte alphabet/],
  ['a merge of an unknown token', (json) => json.model.merges.push('a qq'), /needs token "qq"/],
  ['a merge without a result', (json) => json.model.merges.push(['a', 'b']), /needs token "ab"/],
  ['a merge twice', (json) => json.model.merges.push(json.model.merges[0]), /comes twice/],
  ['a merge of three', (json) => json.model.merges.push('a b c'), /is no pair/],
  ['two ids of a special token', (json) => Object.assign(json.added_tokens[0], { id: 270 }), /has the ids 270 and 0/],
  ['a special token twice', (json) => json.added_tokens.push(json.added_tokens[0]), /same content/],
  ['a normalizer', (json) => Object.assign(json, { normalizer: { type: 'NFKC' } }), /this normalizer is not supported/],
  ['another model', (json) => Object.assign(json.model, { type: 'Unigram' }), /only BPE models/],
  ['byte fallback', (json) => Object.assign(json.model, { byte_fallback: true }), /byte_fallback is not supported/],
  ['dropout', (json) => Object.assign(json.model, { dropout: 0.1 }), /dropout is not supported/],
  [
    'another decoder',
    (json) => Object.assign(json, { decoder: { type: 'Metaspace' } }),
    /this decoder is not supported/,
  ],
  ['a post_processor', (json) => Object.assign(json, { post_processor: { type: 'Template' } }), /this post_processor/],
  [
    'added tokens out of order',
    ({ added_tokens, model: { vocab } }) => {
      const next = Object.keys(vocab).length;
      added_tokens.push(...['<b>', '<a>'].map((content, i) => ({ ...added_tokens[0], content, id: next + 1 - i })));
    },
    /not in the order of their ids: "<a>"/,
  ],
  [
    'two added tokens that normalization makes one',
    (json) => {
      const next = Object.keys(json.model.vocab).length;
      const twins = ['<é>', '<e\u0301>'].map((content, i) => ({ id: next + i, content, normalized: true }));
      Object.assign(json, { normalizer: { type: 'NFC' }, added_tokens: [...json.added_tokens, ...twins] });
    },
    /are one text once normalized/,
  ],
  ['other cuts', (json) => json.pre_tokenizer.pretokenizers.shift(), /this pre_tokenizer is not supported/],
];

for (const [name, change, message] of cases) {
  test(`${name} is refused by name`, () => {
    const json = broken(change);
    assert.throws(
      () => Tokenizer.fromJson(json, 'file.json'),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        assert.match(error.message, /^file\.json/);
        return true;
      },
    );
  });
}

test('truncation and padding, which fine-tunes leave behind, change no ids', () => {
  const left = { truncation: { max_length: 2, stride: 0 }, padding: { strategy: { Fixed: 64 }, pad_id: 1 } };
  const text = 'the cat and the hat';
  const opened = Tokenizer.fromJson({ ...(trained.json as Json), ...left }, 'file.json');
  assert.deepEqual(opened.encode(text), trained.encode(text));
});

test('merges as pairs or as strings, and absent optional fields, read the same', () => {
  const pairs = broken((json) => {
    json.model.merges = json.model.merges.map((merge) => String(merge).split(' '));
    for (const key of ['truncation', 'padding', 'normalizer', 'post_processor']) delete json[key];
    for (const key of ['type', 'dropout', 'unk_token', 'byte_fallback', 'ignore_merges']) delete json.model[key];
  });
  const text = 'the cat and the hat';
  assert.deepEqual(Tokenizer.fromJson(pairs, 'file.json').encode(text), trained.encode(text));
});

test('values that are no object at all', () => {
  for (const json of [null, 1, 'text', [], {}]) assert.throws(() => Tokenizer.fromJson(json, 'x'), UserError);
});

test('files that are missing, broken or huge', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  await assert.rejects(Tokenizer.open(directory), /tokenizer\.json: no such file/);
  await writeFile(join(directory, 'tokenizer.json'), '{"model": ');
  await assert.rejects(Tokenizer.open(directory), /tokenizer\.json: this is not valid JSON/);
  await writeFile(join(directory, 'tokenizer.json'), Buffer.alloc((64 << 20) + 1));
  await assert.rejects(Tokenizer.open(directory), /larger than 64 MiB/);
  await writeFile(join(directory, 'tokenizer.json'), trained.files()['tokenizer.json']);
  assert.equal((await Tokenizer.open(directory)).vocabSize, trained.vocabSize);
  await writeFile(join(directory, 'tokenizer_config.json'), '{"chat_template": [1]}');
  await assert.rejects(Tokenizer.open(directory), /chat_template is neither a string/);
});
