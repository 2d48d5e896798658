// A tokenizer with more tokens: old ids mean what they meant, no text takes more tokens, and Hugging Face's Rust and
// JavaScript libraries give the same ids for the file that we write.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Tokenizer as JavaScriptTokenizer } from '@huggingface/tokenizers';
import { Tokenizer as RustTokenizer } from 'tokenizers';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { extendTokenizer } from '../../src/tokenizer/extend.js';
import { PairCounts } from '../../src/tokenizer/pair-counts.js';
import { PieceTable } from '../../src/tokenizer/piece-table.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { adversarialText } from './adversarial.js';

const folder = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

interface Json {
  pre_tokenizer: unknown;
  added_tokens: { id: number; content: string }[];
  model: { vocab: Record<string, number>; merges: unknown[] };
}

const words = [
  '春天',
  '来了',
  '我们',
  '学习',
  '语言模型',
  '北京',
  '的',
  '是',
  '天气',
  '很好',
  'learning',
  'the',
  'model',
];
const random = Random.stream(1, 'extend');
const zh = Array.from({ length: 400 }, () =>
  Array.from({ length: 12 }, () => random.choose(words)).join(random.uniform() < 0.7 ? '' : ' '),
);
const mixed = [
  ...zh.slice(0, 40),
  ...Array.from({ length: 1500 }, () => adversarialText(random, 12)),
  ...Array.from({ length: 200 }, () => random.choose(words) + adversarialText(random, 3) + random.choose(words)),
  'The cat sat on the mat. It was 2024, 12345 of them.',
  '<|begin_of_text|>我们<|eot_id|><|endoftext|>学习<|im_end|>',
];

/** GPT-2's splitter, for which a sentence of Chinese is one word. */
async function gpt2(): Promise<Tokenizer> {
  const json = JSON.parse(await readFile(`${folder('interop/fixtures/llama-3.2')}/tokenizer.json`, 'utf8')) as Json;
  return Tokenizer.fromJson({ ...json, pre_tokenizer: byteLevel }, 'gpt-2');
}

const bases: Record<string, () => Promise<Tokenizer>> = {
  ours: () => Tokenizer.open(folder('golden/tokenizer')),
  'llama-3.2': () => Tokenizer.open(folder('interop/fixtures/llama-3.2')),
  'qwen2.5': () => Tokenizer.open(folder('interop/fixtures/qwen2.5')),
  'gpt-2': gpt2,
};

for (const [name, open] of Object.entries(bases)) {
  test(`${name}: an extended tokenizer gives the ids of both libraries, and never more of them`, async () => {
    const base = await open();
    const extended = await extendTokenizer(base, zh, { add: 60 });
    assert.equal(extended.vocabSize, base.vocabSize + 60);
    const json = JSON.parse(extended.files()['tokenizer.json']) as Json;
    const rust = RustTokenizer.fromString(JSON.stringify(json));
    const javaScript = new JavaScriptTokenizer(json as never, {});
    for (const text of mixed) {
      const ids = extended.encodeTrusted(text);
      const whole = [...extended.affixes.before, ...ids];
      assert.deepEqual(whole, (await rust.encode(text)).getIds(), `Rust: ${JSON.stringify(text)}`);
      assert.ok(extended.encode(text).length <= base.encode(text).length, JSON.stringify(text));
      assert.equal(extended.decode(ids), extended.decode(base.encodeTrusted(text)));
      // Where the JavaScript library differs from Rust: see foreign.test.ts.
      if (/\p{Surrogate}|[\u0085\ufeff]|(?![0-9])\p{N}/u.test(text)) continue;
      assert.deepEqual(whole, javaScript.encode(text).ids, `JavaScript: ${JSON.stringify(text)}`);
    }
    const total = (tokenizer: Tokenizer): number => zh.reduce((sum, text) => sum + tokenizer.encode(text).length, 0);
    assert.ok(total(extended) < 0.5 * total(base), `${total(base)} → ${total(extended)} tokens`);
  });

  test(`${name}: old ids, merges and added tokens are as they were, template and roles go along`, async () => {
    const base = await open();
    const extended = await extendTokenizer(base, zh, { add: 60 });
    for (let id = 0; id < base.vocabSize; id++) assert.deepEqual(extended.tokenBytes(id), base.tokenBytes(id));
    const [before, after] = [base.json as Json, extended.json as Json];
    assert.deepEqual(after.model.merges.slice(0, before.model.merges.length), before.model.merges);
    assert.equal(after.model.merges.length, before.model.merges.length + 60);
    assert.deepEqual(after.added_tokens, before.added_tokens);
    assert.deepEqual([extended.chatTemplate, extended.roles], [base.chatTemplate, base.roles]);
    assert.deepEqual(Object.keys(extended.files()).sort(), Object.keys(base.files()).sort());
    assert.equal(extended.documentStart, base.documentStart);
  });
}

test('learning resumes as if it had never stopped: the same merges as one training in two halves', async () => {
  const text = zh.join('');
  const pieces = new PieceTable();
  for (let at = 0; at < text.length; at += 16) pieces.add(text, at, Math.min(text.length, at + 16));
  const learn = (counts: PairCounts, from: number, to: number): string[] => {
    const learnt: string[] = [];
    for (let id = from; id < to; id++) {
      const best = counts.takeBest();
      if (best === undefined) break;
      learnt.push(`${best.left} ${best.right}`);
      counts.join(best, id);
    }
    return learnt;
  };
  const whole = learn(new PairCounts(pieces, { vocabSize: 400, minCount: 2 }), 256, 330);
  const half = whole.slice(0, 30).map((pair) => pair.split(' ').map(Number));
  const idsOf = (piece: Uint8Array): number[] => {
    let ids = [...piece];
    for (const [rank, [left, right]] of half.entries()) {
      const joined: number[] = [];
      for (let i = 0; i < ids.length; i++) {
        const isPair = ids[i] === left && ids[i + 1] === right;
        joined.push(isPair ? 256 + rank : ids[i]);
        if (isPair) i++;
      }
      ids = joined;
    }
    return ids;
  };
  assert.deepEqual(learn(new PairCounts(pieces, { idsOf, vocabSize: 400, minCount: 2 }), 286, 330), whole.slice(30));
});

test('what cannot be added is refused, and too little text gives fewer tokens', async () => {
  const base = await bases.ours();
  for (const add of [0, -1, 1.5, 1_000_000]) await assert.rejects(extendTokenizer(base, zh, { add }), UserError);
  await assert.rejects(extendTokenizer(base, ['', ''], { add: 5 }), UserError);
  const few = await extendTokenizer(base, ['龘龘龘龘'], { add: 500 });
  assert.ok(few.vocabSize > base.vocabSize && few.vocabSize < base.vocabSize + 10);
});
