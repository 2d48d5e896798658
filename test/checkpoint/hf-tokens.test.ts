// Which token pads and which ones end an answer, where the files of a model disagree or keep silent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseForeignConfig } from '../../src/checkpoint/hf-config.js';
import { chooseTokens, readTokens } from '../../src/checkpoint/hf-tokens.js';

interface Said {
  config?: { eos_token_id?: number | number[]; pad_token_id?: number; bos_token_id?: number };
  generation?: { eos?: number[]; pad?: number };
  /** Added special tokens, from id 10 on. */
  special?: string[];
  eos?: unknown;
  pad?: unknown;
}

function choose({ config = {}, generation = {}, special = [], eos, pad }: Said) {
  const read = parseForeignConfig(JSON.stringify({ model_type: 'qwen2', vocab_size: 100, ...config }), 'config.json');
  const tokenizer = {
    added_tokens: special.map((content, i) => ({ id: 10 + i, content, special: true })),
    model: { vocab: { a: 0, '<end>': 9 } },
  };
  const files = {
    'tokenizer.json': JSON.stringify(tokenizer),
    'tokenizer_config.json': JSON.stringify({ eos_token: eos, pad_token: pad }),
  };
  const names = readTokens(files, 'folder');
  return chooseTokens(read, { eos: generation.eos ?? [], pad: generation.pad }, names, 'folder');
}

test('config.json alone', () => {
  const chosen = choose({ config: { eos_token_id: 3, pad_token_id: 4 } });
  assert.deepEqual(chosen, { configEos: 3, eosTokenIds: [3], padTokenId: 4 });
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
  assert.throws(() => choose({ eos: 'nowhere' }), /nothing says which token ends/);
  assert.throws(() => choose({ eos: 'constructor' }), /nothing says which token ends/);
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
