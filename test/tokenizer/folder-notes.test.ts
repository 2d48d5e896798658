// What is said of a tokenizer's folder that other tools read otherwise, and what of it is refused by name.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { completeFiles, readTokenizerFiles } from '../../src/tokenizer/tokenizer-files.js';
import { bytesJson } from './foreign-world.js';

const json = bytesJson({ controls: [{ content: '<|endoftext|>', special: true }] });
const decoder = { 256: { content: '<|endoftext|>', special: true }, 257: { content: '<x>', special: true } };

async function notesOf(config: object, files: Record<string, unknown> = {}): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'mossctl-folder-'));
  const all = { 'tokenizer.json': json, 'tokenizer_config.json': config, ...files };
  for (const [name, value] of Object.entries(all)) await writeFile(join(directory, name), JSON.stringify(value));
  try {
    return (await readTokenizerFiles(directory)).notes();
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('each note says what, where and what counts', async () => {
  const cases: [config: object, files: Record<string, unknown>, RegExp[]][] = [
    [{}, {}, []],
    [{ eos_token: '<|endoftext|>' }, { 'special_tokens_map.json': { eos_token: '<|endoftext|>' } }, []],
    [
      { eos_token: '<|endoftext|>', added_tokens_decoder: decoder },
      { 'special_tokens_map.json': { eos_token: { content: '<x>' }, pad_token: '<x>' } },
      [/^special_tokens_map.json says eos_token "<x>", tokenizer_config.json "<\|endoftext\|>" \(and 1 more\)/],
    ],
    [
      { added_tokens_decoder: { ...decoder, 300: { content: '<y>' } } },
      {},
      [/^tokenizer_config.json gives "<y>" the id 300, by tokenizer.json it is 258: the latter counts/],
    ],
    [
      {},
      { 'added_tokens.json': { '<y>': 99 } },
      [/^added_tokens.json gives "<y>" the id 99, by tokenizer.json it is 257/],
    ],
    [
      { added_tokens_decoder: decoder, pad_token: '<pad>' },
      { 'config.json': { vocab_size: 258, model_type: 'llama' } },
      [/add "<pad>" as token 258, but the model has 258 rows: it stays ordinary text/],
    ],
    [{ auto_map: { AutoTokenizer: ['a.B', null] } }, {}, [/names Python code for its tokenizer \(auto_map\)/]],
    [{ fast_tokenizer_files: ['tokenizer.4.0.0.json', 'tokenizer.json'] }, {}, [/has fast_tokenizer_files/]],
    [
      { tokenizer_class: 'CohereTokenizerFast' },
      {},
      [/opens this folder with CohereTokenizer .*perhaps with other ids/],
    ],
    [{ tokenizer_class: 'GPT2Tokenizer', add_prefix_space: true }, {}, [/GPT2Tokenizer .*perhaps with other ids/]],
    [
      { tokenizer_class: 'Qwen2Tokenizer' },
      {},
      [
        /with Qwen2Tokenizer .*: \d+ of 37 texts tried get other ids there, .*"tokenizer_class": "PreTrainedTokenizerFast"/,
      ],
    ],
    [
      { tokenizer_class: 'PreTrainedTokenizerFast' },
      { 'config.json': { model_type: 'qwen2' } },
      [/with Qwen2Tokenizer \(model_type qwen2\).*no setting changes that/],
    ],
    [
      {
        chat_template: [
          { name: 'default', template: 'D' },
          { name: 'tool_use', template: 'T' },
        ],
      },
      {},
      [/a chat template tool_use, which transformers takes for conversations with tools/],
    ],
  ];
  for (const [config, files, expected] of cases) {
    const notes = await notesOf(config, files);
    assert.equal(notes.length, expected.length, JSON.stringify([config, notes]));
    for (const [i, pattern] of expected.entries()) assert.match(notes[i], pattern);
  }
});

test('malformed tables and names are refused by name', () => {
  const refusals: [texts: Record<string, unknown>, RegExp][] = [
    [{ 'tokenizer_config.json': { added_tokens_decoder: { x: { content: '<x>' } } } }, /table of added tokens/],
    [{ 'tokenizer_config.json': { added_tokens_decoder: { 257: '<x>' } } }, /added_tokens_decoder\.257/],
    [{ 'tokenizer_config.json': { added_tokens_decoder: { 257: { content: 'x'.repeat(300) } } } }, /table of added/],
    [{ 'added_tokens.json': { '<x>': 'y' } }, /added_tokens\.json\.<x>: this table of added tokens cannot be read/],
    [{ 'added_tokens.json': ['<x>'] }, /table of added tokens/],
    [{ 'tokenizer_config.json': { eos_token: 5 } }, /eos_token: this names no token/],
    [{ 'tokenizer_config.json': { extra_special_tokens: 'x' } }, /extra_special_tokens: this names no token/],
    [
      { 'special_tokens_map.json': { additional_special_tokens: [7] } },
      /additional_special_tokens: this names no token/,
    ],
  ];
  for (const [files, message] of refusals) {
    const texts = Object.fromEntries(
      Object.entries({ 'tokenizer.json': json, ...files }).map(([k, v]) => [k, JSON.stringify(v)]),
    );
    assert.throws(
      () => completeFiles(texts, {}, 'folder'),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        return true;
      },
    );
  }
});
