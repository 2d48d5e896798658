// tokenizer.json as Llama 3, Qwen, GPT-2 and SmolLM write it, in three libraries: ours, @huggingface/tokenizers
// (JavaScript) and tokenizers (Rust). The vocabularies are learnt without any cuts, so every wrong cut shows.
// Where the JavaScript library differs from Rust and us, the texts are skipped for it: a lone surrogate, which it cuts
// before it becomes U+FFFD, `ſ` after an apostrophe, which its contractions do not fold to s, and in ByteLevel's own
// regex U+0085 and U+FEFF, where JavaScript's \s is not Unicode's White_Space, and numerals other than 0-9.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Tokenizer as JavaScriptTokenizer } from '@huggingface/tokenizers';
import { Tokenizer as RustTokenizer } from 'tokenizers';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { PairCounts } from '../../src/tokenizer/pair-counts.js';
import { PieceTable } from '../../src/tokenizer/piece-table.js';
import { byteCharacters } from '../../src/tokenizer/pre-tokenizer.js';
import { findPreTokenizer, preTokenizerName } from '../../src/tokenizer/pre-tokenizers.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { fragments } from './adversarial.js';

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const rest = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const byteLevel = (use_regex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex,
});
const sequence = (...pretokenizers: object[]) => ({ type: 'Sequence', pretokenizers });

/** Exactly what the models' own tokenizer.json says. */
const families = {
  'llama-bpe': {
    pre_tokenizer: sequence(
      split(`${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${rest}`),
      byteLevel(false),
    ),
    normalizer: null,
    ignore_merges: true,
  },
  qwen2: {
    pre_tokenizer: sequence(split(`${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${rest}`), byteLevel(false)),
    normalizer: { type: 'NFC' },
    ignore_merges: false,
  },
  'gpt-2': {
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
    normalizer: null,
    ignore_merges: false,
  },
  smollm: {
    pre_tokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)),
    normalizer: null,
    ignore_merges: undefined,
  },
} as const;

const units = [
  "'s",
  "'S",
  "'ſ",
  "'ll",
  "'LL",
  "'Ll",
  "'re",
  "'RE",
  "'ve",
  "'d",
  "'t",
  "'M",
  "'l",
  "'x",
  '’s',
  '~',
  '\u212a',
];
const all = [...fragments, ...units];
/** Added tokens, and what normalization makes of others. */
const added = ['<|eot|>', '<|eo', 'Kö!', 'Ko\u0308!', '\u212aö!', '<|begin_of_text|>'];
const control = (id: number, content: string, special: boolean, normalized = false) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized,
  special,
});

const otherClasses = /[\u0085\ufeff]|(?![0-9])\p{N}/u;

interface Json {
  added_tokens: ReturnType<typeof control>[];
  post_processor: unknown;
  model: { vocab: Record<string, number>; merges: string[]; [key: string]: unknown };
  [key: string]: unknown;
}

/** Bytes, thousands of tokens that cross cuts, tokens no merge leads to, and added tokens of each kind at the end. */
function jsonOf(name: keyof typeof families): Json {
  const { pre_tokenizer, normalizer, ignore_merges } = families[name];
  const tokens = [...byteCharacters];
  const known = new Set(tokens);
  const merges: string[] = [];
  const pieces = new PieceTable();
  for (const piece of new Set(all.flatMap((a) => all.map((b) => a + b)))) pieces.add(piece, 0, piece.length);
  const counts = new PairCounts(pieces, { firstByteId: 0, vocabSize: 60_000, minCount: 1 });
  for (let best = counts.takeBest(); best !== undefined; best = counts.takeBest()) {
    const token = tokens[best.left] + tokens[best.right];
    if (known.has(token)) continue;
    known.add(token);
    merges.push(`${tokens[best.left]} ${tokens[best.right]}`);
    counts.join(best, tokens.push(token) - 1);
  }
  const spell = (text: string) => [...Buffer.from(text)].map((byte) => byteCharacters[byte]).join('');
  for (const text of ['aZa', '中文中', ' éé', '121', '!!!', 'ßaß', '  \n']) {
    if (known.has(spell(text))) continue;
    tokens.push(spell(text));
  }
  const id = tokens.length;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      control(id, '<|begin_of_text|>', true),
      control(id + 1, '<|eot|>', true),
      control(id + 2, '<|eo', false),
      control(id + 3, 'Kö!', false, true),
    ],
    normalizer,
    pre_tokenizer,
    post_processor: {
      type: 'Sequence',
      processors: [
        byteLevel(false),
        {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: '<|begin_of_text|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
          pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
          special_tokens: {
            '<|begin_of_text|>': { id: '<|begin_of_text|>', ids: [id], tokens: ['<|begin_of_text|>'] },
          },
        },
      ],
    },
    decoder: byteLevel(true),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ...(ignore_merges === undefined ? {} : { ignore_merges }),
      vocab: Object.fromEntries(tokens.map((token, i) => [token, i])),
      merges,
    },
  };
}

for (const name of Object.keys(families) as (keyof typeof families)[]) {
  test(`${name}: ids equal those of both libraries where every wrong cut would show`, async () => {
    const json = jsonOf(name);
    const ours = Tokenizer.fromJson(json, name);
    const rust = RustTokenizer.fromString(JSON.stringify(json));
    const javaScript = new JavaScriptTokenizer(json as never, {});
    assert.equal(preTokenizerName(json.pre_tokenizer), name);
    const random = Random.stream(2, name);
    const draw = () =>
      Array.from({ length: random.integer(1, 9) }, () => random.choose(random.uniform() < 0.1 ? added : all)).join('');
    const pairs = all.flatMap((a) => all.map((b) => a + b));
    const triples = Array.from({ length: 3000 }, draw);
    const usesRegex = name === 'gpt-2' || name === 'smollm';
    let compared = 0;
    for (const text of [...pairs, ...triples, '', ' ', 'aZa 中文中 121', 'x'.repeat(1000), ' '.repeat(1000)]) {
      const ids = [...ours.affixes.before, ...ours.encodeTrusted(text)];
      assert.deepEqual(ids, (await rust.encode(text)).getIds(), `Rust: ${JSON.stringify(text)}`);
      if (/\p{Surrogate}|'ſ/u.test(text) || (usesRegex && otherClasses.test(text))) continue;
      assert.deepEqual(ids, javaScript.encode(text).ids, `JavaScript: ${JSON.stringify(text)}`);
      compared++;
    }
    assert.ok(compared > 5000, `${compared} texts`);
  });
}

test('rare bytes without a token, as in SmolLM2, are skipped as in the Rust library', async () => {
  const rare = [0x04, 0x06, 0x13, 0x14, 0x16, 0x1d, 0xc0, 0xc1, 0xf1, 0xf2, 0xff].map((byte) => byteCharacters[byte]);
  const json = structuredClone(small.smollm);
  const isLeft = (token: string): boolean => ![...token].some((character) => rare.includes(character));
  json.model.vocab = Object.fromEntries(
    Object.keys(json.model.vocab)
      .filter(isLeft)
      .map((token, i) => [token, i]),
  );
  json.model.merges = json.model.merges.filter(isLeft);
  const size = Object.keys(json.model.vocab).length;
  json.added_tokens = [control(size, '<|begin_of_text|>', true)];
  json.post_processor = null;
  const ours = Tokenizer.fromJson(json, 'smollm');
  const rust = RustTokenizer.fromString(JSON.stringify(json));
  const long = `${'the \u0004cat '.repeat(20)}`.replaceAll(' ', '');
  for (const text of [
    'a\u0004b',
    '\u0004',
    '\u{40000}',
    'x\u{80001} y',
    `${'a'.repeat(80)}\u001d${'b'.repeat(80)}`,
    long,
  ]) {
    assert.deepEqual(ours.encode(text), (await rust.encode(text)).getIds(), JSON.stringify(text));
  }
  assert.equal(ours.decode(ours.encode('a\u0004b 你好 😀')), 'ab 你好 😀');
  assert.deepEqual(ours.encodeBytes(Uint8Array.of(97, 0xff, 98)), [...ours.encode('a'), ...ours.encode('b')]);
});

const smallText = (name: keyof typeof families, change: (json: Json) => void = () => {}) => {
  const json = structuredClone(small[name]);
  change(json);
  return Tokenizer.fromJson(json, 'file.json');
};
const small = Object.fromEntries(
  (Object.keys(families) as (keyof typeof families)[]).map((name) => [name, jsonOf(name)]),
) as Record<keyof typeof families, Json>;

test('with ignore_merges a piece that is a token is that token, though no merge leads to it', () => {
  const llama = smallText('llama-bpe');
  assert.equal(llama.encode('aZa').length, 1);
  assert.equal(llama.decode(llama.encode('aZa')), 'aZa');
  const merged = smallText('llama-bpe', (json) => Object.assign(json.model, { ignore_merges: false }));
  assert.ok(merged.encode('aZa').length > 1);
});

test('a token that was added is never made of ordinary text, not even as a whole piece', () => {
  const thought = (special: boolean) => (json: Json) => {
    json.added_tokens.push(control(json.model.vocab.aZa ?? -1, 'aZa', special));
  };
  for (const special of [true, false]) {
    const llama = smallText('llama-bpe', thought(special));
    const id = llama.controlId('aZa') ?? -1;
    assert.ok(id > 0);
    assert.ok(!llama.encode('aZa').includes(id));
    assert.deepEqual(llama.encodeTrusted('aZa'), [id]);
    assert.equal(llama.isSpecial(id), special);
  }
});

test('normalization: NFC, a Sequence of it, and others by name', () => {
  const qwen = smallText('qwen2');
  assert.deepEqual(qwen.encode('e\u0301'), qwen.encode('é'));
  assert.notDeepEqual(smallText('llama-bpe').encode('e\u0301'), smallText('llama-bpe').encode('é'));
  const listed = smallText('qwen2', (json) => {
    json.normalizer = { type: 'Sequence', normalizers: [{ type: 'NFC' }] };
  });
  assert.deepEqual(listed.encode('e\u0301 ok'), qwen.encode('é ok'));
  for (const normalizer of [{ type: 'NFKC' }, { type: 'Sequence', normalizers: [{ type: 'Lowercase' }] }, 7, []]) {
    assert.throws(
      () => smallText('qwen2', (json) => Object.assign(json, { normalizer })),
      /this normalizer is not supported.*none, NFC/i,
    );
  }
});

test('cuts and post-processors that we do not know are refused, and the ones that we do are named', () => {
  const isNoSet = [
    null,
    7,
    { type: 'Whitespace' },
    { type: 'ByteLevel', add_prefix_space: true },
    { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
    sequence(split('(a+)+$'), byteLevel(false)),
    sequence(split("'s|'t"), byteLevel(true)),
    sequence(byteLevel(false), split('a')),
    { type: 'Sequence', pretokenizers: Array.from({ length: 1e5 }, () => byteLevel(false)) },
  ];
  for (const pre_tokenizer of isNoSet) {
    assert.equal(findPreTokenizer(pre_tokenizer), undefined);
    assert.throws(
      () => smallText('qwen2', (json) => Object.assign(json, { pre_tokenizer })),
      /this pre_tokenizer is not supported.*deepseek-v3, llama-bpe, qwen2, gpt-2, smollm/i,
    );
  }
  for (const post_processor of [{ type: 'BertProcessing' }, { type: 'TemplateProcessing', single: [] }, 1]) {
    assert.throws(
      () => smallText('qwen2', (json) => Object.assign(json, { post_processor })),
      /this post_processor is not supported/i,
    );
  }
});

test('a megabyte of one kind is cut in time that grows with it', () => {
  for (const name of Object.keys(families) as (keyof typeof families)[]) {
    const { pieceEnd } = findPreTokenizer(families[name].pre_tokenizer) ?? assert.fail();
    for (const unit of [' ', '\n', 'a', '7', '!', "'", ' \n', '\u3000', 'é', '😀', "'l", ' a']) {
      const text = unit.repeat(Math.ceil(1e6 / unit.length));
      const start = performance.now();
      for (let at = 0; at < text.length; at = pieceEnd(text, at));
      assert.ok(performance.now() - start < 20_000, `${name} ${JSON.stringify(unit)}`);
    }
  }
  const marks = `a${'\u0301\u0316'.repeat(200_000)}`;
  const start = performance.now();
  assert.ok(smallText('qwen2').encode(marks).length > 1000);
  assert.ok(performance.now() - start < 30_000, 'reordering marks takes quadratic time in the engine');
});

test('third-party files come back byte for byte, and their roles are read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  const files = {
    'tokenizer.json': `${JSON.stringify(small.qwen2, null, 3)}\n\n`,
    'tokenizer_config.json': JSON.stringify({ eos_token: { content: '<|eot|>', lstrip: false }, bos_token: null }),
    'special_tokens_map.json': '{"pad_token": "<|eo"}',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const opened = await Tokenizer.open(directory);
  assert.deepEqual(opened.files(), files);
  assert.deepEqual(opened.roles, { bos: undefined, eos: '<|eot|>', pad: '<|eo', unk: undefined });
  const id = small.qwen2.added_tokens[1].id;
  assert.deepEqual(
    (['endOfText', 'turnEnd', 'pad'] as const).map((name) => opened.specialId(name)),
    [id, id, id + 1],
  );
  assert.throws(() => opened.specialId('turnStart'), UserError);
  assert.deepEqual(opened.stopIds, [id]);
  assert.equal(await readFile(join(directory, 'tokenizer.json'), 'utf8'), opened.files()['tokenizer.json']);
});
