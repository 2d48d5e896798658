// Which token pads and which ones end an answer, where the files of a model disagree or keep silent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseForeignConfig } from '../../src/checkpoint/hf-config.js';
import { chooseTokens, readTokens } from '../../src/checkpoint/hf-tokens.js';
import { completeFiles } from '../../src/tokenizer/tokenizer-files.js';

interface Said {
  config?: { eos_token_id?: number | number[]; pad_token_id?: number; bos_token_id?: number };
  generation?: { eos?: number[]; pad?: number };
  /** Added special tokens, from id 10 on. */
  special?: string[];
  /** What config.json has as vocab_size, for the tokenizer. */
  rows?: number;
  eos?: unknown;
  type?: 'llama' | 'qwen2';
  pad?: unknown;
}

function choose({ config = {}, generation = {}, special = [], rows, eos, pad, type = 'qwen2' }: Said) {
  const read = parseForeignConfig(JSON.stringify({ model_type: type, vocab_size: 100, ...config }), 'config.json');
  const tokenizer = {
    added_tokens: special.map((content, i) => ({ id: 10 + i, content, special: true })),
    model: { vocab: { ...Object.fromEntries(['a', 'b', 'c', '#', 'Ă'].map((piece, id) => [piece, id])), '<end>': 9 } },
  };
  const files = {
    'tokenizer.json': JSON.stringify(tokenizer),
    'tokenizer_config.json': JSON.stringify({ eos_token: eos, pad_token: pad }),
  };
  const names = readTokens(completeFiles(files, { vocab_size: rows }, 'folder'), 'folder');
  return chooseTokens(read, { eos: generation.eos ?? [], pad: generation.pad }, names, 'folder');
}

test('config.json alone', () => {
  const chosen = choose({ config: { eos_token_id: 3, pad_token_id: 4 } });
  const { notes, ...ids } = chosen;
  assert.deepEqual(ids, { configEos: 3, eosTokenIds: [3], padTokenId: 4, bosTokenId: null });
  assert.match(notes.join(), /answers end with "#" \(3\), as config\.json says; that is an ordinary piece of text/);
});

test('generation_config.json says where answers end; the tokenizer says which end is the usual one', () => {
  const special = ['<|text_end|>', '<|turn_end|>', '<|x|>'];
  const chosen = choose({
    config: { eos_token_id: [10, 12] },
    generation: { eos: [10, 11, 12] },
    special,
    eos: '<|turn_end|>',
  });
  assert.deepEqual([chosen.configEos, chosen.eosTokenIds], [10, [11, 10, 12]]);
});

test('the tokenizer alone, as text or as an added token, in its vocabulary too', () => {
  assert.deepEqual(choose({ eos: { content: '<end>' } }).eosTokenIds, [9]);
  assert.deepEqual(choose({ eos: '<|e|>', special: ['<|e|>'] }).eosTokenIds, [10]);
  // As transformers: the role makes it the next token, where the embedding has a row for it.
  assert.deepEqual(choose({ eos: 'nowhere' }).eosTokenIds, [6]);
  assert.throws(() => choose({ eos: 'constructor', rows: 6 }), /nothing says which token ends/);
});

test('ids that no token has are named, and the next file that names one is asked', () => {
  const end = { special: ['<|end|>', '<|x|>'], eos: '<|end|>' };
  const stale = choose({
    ...end,
    config: { eos_token_id: 11, bos_token_id: 50256 },
    generation: { eos: [128001, 128009], pad: 77 },
  });
  assert.deepEqual([stale.configEos, stale.eosTokenIds, stale.bosTokenId, stale.padTokenId], [11, [11], null, 11]);
  assert.deepEqual(stale.notes, [
    'generation_config.json ends answers with 128001 and 128009, the model has 8 tokens: they are not used; answers end with <|x|> (11)',
    'config.json begins text with 50256, the model has 8 tokens: it is not used',
    'generation_config.json pads with 77, the model has 8 tokens: it is not used',
  ]);
  // 12 has a row, and no token.
  const over = choose({ ...end, config: { eos_token_id: [12, 11], pad_token_id: 99 }, generation: { eos: [12] } });
  assert.deepEqual([over.configEos, over.eosTokenIds], [11, [11]]);
  assert.equal(over.notes.length, 2);
  assert.match(
    over.notes[0],
    /generation_config\.json ends answers with 12.*; config\.json ends text with 12.*answers end with <\|x\|> \(11\)/,
  );
  assert.deepEqual(choose({ ...end, config: { eos_token_id: 500 } }).eosTokenIds, [10]);
  assert.throws(
    () => choose({ config: { eos_token_id: 500 } }),
    /nothing says.*ends text with 500, the model has 6 tokens/s,
  );
});

test("LlamaConfig's defaults count only where they are tokens that control something, or nothing else is named", () => {
  const llama = (said: Said) => choose({ ...said, type: 'llama' });
  const named = llama({ special: ['<|end|>'], eos: '<|end|>' });
  assert.deepEqual([named.configEos, named.eosTokenIds, named.bosTokenId, named.notes], [10, [10], null, []]);
  const unnamed = llama({ special: ['<|end|>'] });
  assert.deepEqual([unnamed.eosTokenIds, unnamed.padTokenId], [[2], 2]);
  assert.match(unnamed.notes.join(), /"c" \(2\), the default of LlamaConfig, where no file names one/);
  const bytes = choose({ config: { eos_token_id: 4 }, eos: '<end>' });
  assert.match(bytes.notes.join(), /answers end with 0x02 \(4\), as config\.json says/);
  assert.equal(bytes.padTokenId, 9, 'an ordinary piece pads nothing where the tokenizer names an end');
  assert.deepEqual(choose({ config: { eos_token_id: 9 }, eos: '<end>' }).notes, []);
});

const special = ['<|endoftext|>', '<|im_end|>', '<|reserved_0|>', '<|fim_pad|>'];
const pads: [string, Said, number][] = [
  [
    'config.json has the first word, even for the end token',
    { config: { pad_token_id: 10 }, eos: '<|endoftext|>' },
    10,
  ],
  ['-1 means none', { config: { pad_token_id: -1 }, pad: '<|reserved_0|>' }, 12],
  ['one that has no row does not count', { config: { pad_token_id: 100 }, pad: '<|reserved_0|>' }, 12],
  ['then generation_config.json', { generation: { pad: 12 }, pad: '<|fim_pad|>' }, 12],
  ['then the tokenizer', { eos: '<|im_end|>', pad: '<|endoftext|>' }, 10],
  ['a pad that is the end token gives way to a padding token', { eos: '<|endoftext|>', pad: '<|endoftext|>' }, 13],
  ['or to a reserved one', { special: special.slice(0, 3), eos: '<|endoftext|>' }, 12],
  ['never to another end', { special: ['<|pad_end|>', '<|unused|>'], generation: { eos: [3, 10] } }, 11],
  ['without any, the end token', { special: special.slice(0, 2), eos: '<|endoftext|>' }, 10],
];
for (const [title, said, expected] of pads) {
  test(`padding: ${title}`, () => {
    const needsEnd = said.eos === undefined && said.generation?.eos === undefined;
    const chosen = choose({ special, ...said, config: { ...(needsEnd ? { eos_token_id: 3 } : {}), ...said.config } });
    assert.equal(chosen.padTokenId, expected);
  });
}
