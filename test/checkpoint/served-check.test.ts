// A model that would be served otherwise than it was trained does not leave: twelve mismatches, each as other tools have had it,
// are planted into an exported folder, and each is found where it is.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { chatSamplesName, tokenizerConfigName, tokenizerJsonName } from '../../src/base/layout.js';
import { withoutGenerationTags } from '../../src/checkpoint/gguf-template.js';
import type { MetadataValue } from '../../src/checkpoint/gguf-write.js';
import { checkServed, checkServedGguf } from '../../src/checkpoint/served-check.js';
import { replayFault } from '../../src/tokenizer/chat-replay.js';
import { parseChatSamples } from '../../src/tokenizer/chat-samples.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { formerChatmlTemplate } from '../../src/tokenizer/chatml.js';
import { servingFiles } from '../../src/tokenizer/serving-files.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';

const scratch = await mkdtemp(join(tmpdir(), 'served-'));
after(() => rm(scratch, { recursive: true }));
const tools = [
  {
    name: 'Calculate',
    description: '计算',
    parameters: { type: 'object', properties: { expression: { type: 'string' } }, required: ['expression'] },
  },
];
const tokenizer = await templateTokenizer('chatml');
const files = { ...tokenizer.files(), ...servingFiles(new ChatTemplate(tokenizer), { tools, thoughts: true }, {}) };
const whole = join(scratch, 'whole');

interface Config {
  chat_template: string;
  response_template?: { fields: Record<string, Record<string, unknown>> };
}
interface Json {
  added_tokens: { id: number; content: string; special: boolean }[];
}

async function write(folder: string, texts: Record<string, string>): Promise<string> {
  await cp(whole, folder, { recursive: true }).catch(() => undefined);
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  return folder;
}

const inTemplate = (from: string, to: string) => (config: Config) => {
  assert.ok(config.chat_template.includes(from), from);
  config.chat_template = config.chat_template.replaceAll(from, to);
};
const inFields = (change: (fields: Record<string, Record<string, unknown>>) => void) => (config: Config) =>
  change(config.response_template?.fields ?? assert.fail());
const inJson = (change: (json: Json) => void) => (_: Config, json: Json) => change(json);
const special = (token: string) =>
  inJson(({ added_tokens }) => {
    for (const added of added_tokens) if (added.content === token) added.special = true;
  });

/** What somebody's tool did, as a change of the folder, and where it must be found. */
const planted: Record<string, [(config: Config, json: Json) => void, RegExp]> = {
  'the list of tools is another than the one trained': [
    inTemplate('Tools:', 'Functions:'),
    /sample 4 of 8 \(tools, and no call\): token \d+ is .* and was .* in training \(after/,
  ],
  'tools stand after the system text, which is cut': [
    inTemplate("{{- content -}}{%- if tools and content -%}{{- '\\n\\n' -}}{%- endif -%}", ''),
    /sample 2 of 8/,
  ],
  'arguments are encoded as JSON twice': [
    inTemplate('{{- call.arguments | tojson -}}', '{{- call.arguments | tojson | tojson -}}'),
    /sample 5 of 8 \(a call\): token \d+/,
  ],
  'slashes are escaped, as some JSON writers do': [
    inTemplate('{{- call.arguments | tojson -}}', "{{- call.arguments | tojson | replace('/', '\\\\/') -}}"),
    /sample 7 of 8 \(text, and two calls with odd arguments\): token \d+/,
  ],
  'earlier thoughts are dropped': [
    inTemplate('{%- set thought = message.reasoning_content or message.thinking -%}', "{%- set thought = '' -%}"),
    /sample 3 of 8 \(a thought\): token \d+/,
  ],
  'text before a call is lost': [
    inTemplate(
      '{{- content -}}\n{%- if message.tool_calls -%}',
      '{%- if not message.tool_calls -%}{{- content -}}{%- endif -%}{%- if message.tool_calls -%}',
    ),
    /sample 7 of 8/,
  ],
  'a beginning of text is written before the first turn': [
    (config) => {
      config.chat_template = `{{- bos_token -}}${config.chat_template}`;
    },
    /sample 1 of 8 \(two turns\): token 1 is "<\|endoftext\|>" \(0\), and was "<\|im_start\|>" \(2\) in training/,
  ],
  'the prompt ends otherwise than turns begin': [
    inTemplate(
      "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}",
      "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n<think>\\n' -}}",
    ),
    /sample 1 of 8 \(two turns\): the prompt of message 2: token \d+ is "<think>"/,
  ],
  'results stand in a turn of their own': [
    inTemplate("{{- '<|im_start|>user' -}}{%- endif -%}", "{{- '<|im_start|>tool' -}}{%- endif -%}"),
    /sample 5 of 8 \(a call\): token \d+/,
  ],
  'marks of calls are special, so that decoders drop them': [
    special('<tool_call>'),
    /sample 5 of 8 \(a call\): message 2: without special tokens a Hermes parser reads/,
  ],
  'nothing says how answers are read': [
    (config) => {
      delete config.response_template;
    },
    /tokenizer_config\.json has no response_template/,
  ],
  'calls replace the text before them when they are read': [
    inFields((fields) => {
      fields.tool_calls.close_pattern = '</tool_call>';
    }),
    /response_template reads/,
  ],
};

test('an exported folder is held to its samples; twelve mismatches are each found in their place', async () => {
  await write(whole, { ...files, 'generation_config.json': '{"eos_token_id": [3, 0]}' });
  await checkServed(whole, 'whole');
  assert.equal(Object.keys(planted).length, 12);
  const samples = parseChatSamples(files[chatSamplesName], '');
  for (const [name, [change, where]] of Object.entries(planted)) {
    const config = JSON.parse(files[tokenizerConfigName]) as Config;
    const json = JSON.parse(files[tokenizerJsonName]) as Json;
    change(config, json);
    const changed = Tokenizer.fromJson(json, name, { chatTemplate: config.chat_template, afterAnswer: '<|im_end|>' });
    const served = { tokenizer: changed, eosTokenIds: [3, 0], responseTemplate: config.response_template };
    assert.match(replayFault(samples, served) ?? assert.fail(`${name} is not found`), where, name);
  }
});

test('an end that does not stop, a post-processor, and two templates that differ are found; without samples nothing is', async () => {
  const folder = join(scratch, 'more');
  await write(folder, { 'generation_config.json': '{"eos_token_id": 0}' });
  await assert.rejects(
    checkServed(folder, 'folder'),
    /"<\|im_end\|>" \(3\) ends the answer, and generation does not stop there/,
  );
  await write(folder, { 'generation_config.json': '{"eos_token_id": 3}', 'chat_template.jinja': formerChatmlTemplate });
  await assert.rejects(checkServed(folder, 'folder'), /has another chat_template than the one beside it/);
  await rm(join(folder, chatSamplesName));
  await checkServed(folder, 'folder');
});

test('a GGUF with another template, or that decodes a mark to nothing, is refused; with none of both it is written', async () => {
  const samples = await readFile(join(whole, chatSamplesName), 'utf8');
  const texts = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.decode([id]));
  const entries = (template: string, kind: number): [string, MetadataValue][] => [
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: texts }],
    [
      'tokenizer.ggml.token_type',
      { type: 'array', of: 'int32', value: texts.map((_, id) => (id < 4 ? 3 : id < 10 ? kind : 1)) },
    ],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: 3 }],
    ['tokenizer.ggml.eot_token_id', { type: 'uint32', value: 3 }],
    ['tokenizer.chat_template', { type: 'string', value: template }],
  ];
  const plain = withoutGenerationTags(tokenizer.chatTemplate);
  const check = (template: string, kind: number) =>
    checkServedGguf(entries(template, kind), { samples, tokenizer, where: 'x.gguf' });
  check(plain, 4);
  assert.throws(
    () => check(plain, 3),
    /x\.gguf: this model would not be served as it was trained\. <\/tool_response> would be decoded to nothing/,
  );
  assert.throws(() => check(plain.replace('Tools:', 'Functions:'), 4), /Sample 4 of 8/);
});
