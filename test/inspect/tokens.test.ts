// What the token view says of templates that teach nothing, or never teach to stop, and how it shows what cannot be seen.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tokensText } from '../../src/cli/tokens-text.js';
import type { ChatFormat } from '../../src/inference/chat-format.js';
import { rowTokens, textTokens } from '../../src/inspect/tokens.js';
import { visibleBytes } from '../../src/inspect/visible.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { formerChatmlTemplate as chatmlTemplate } from '../../src/tokenizer/chatml.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-tokens-'));
after(() => rm(folder, { recursive: true }));
const tokenizer = await Tokenizer.open(fileURLToPath(new URL('../golden/tokenizer', import.meta.url)));

const speechWith = (template: string, changes: Partial<ChatFormat> = {}): ChatFormat => ({
  ...{
    tokenizer,
    template: new ChatTemplate(tokenizer, template),
    isBase: false,
    contextLength: 128,
    eosTokenIds: [3],
  },
  ...changes,
});
const conversation = [
  { role: 'user', content: 'a' },
  { role: 'assistant', content: 'b' },
  { role: 'user', content: 'c' },
  { role: 'assistant', content: 'd' },
];
const rows = join(folder, 'rows.jsonl');
await writeFile(
  rows,
  [
    { messages: conversation },
    { messages: conversation.slice(0, 1) },
    { messages: [conversation[0], conversation[0]] },
    { instruction: 'a', output: 'b' }, // Alpaca
    { messages: conversation.map((message, i) => (i === 1 ? { ...message, weight: 0.5 } : message)) },
  ]
    .map((row) => JSON.stringify(row))
    .join('\n'),
);

test('the chat format of ours: answers and their ends are learnt, and nothing is wrong', async () => {
  const report = await rowTokens(speechWith(chatmlTemplate), rows, 1);
  const shown = tokensText(report, { colours: false, columns: 80 });
  assert.match(shown, /⟦b <\|im_end\|>⟧ ↵\n/);
  assert.match(shown, /⟦d <\|im_end\|>⟧ ↵\n/);
  assert.deepEqual([report.withLoss, report.warnings], [4, []]);
  const weighed = tokensText(await rowTokens(speechWith(chatmlTemplate), rows, 5), { colours: false });
  assert.match(weighed, /⟦b <\|im_end\|>⟧×0\.5 ↵\n/);
  assert.match(weighed, /⟦d <\|im_end\|>⟧ ↵\n/);
  const all = await rowTokens(speechWith(chatmlTemplate), rows, 1, 'all');
  assert.deepEqual([all.withLoss, all.warnings], [all.tokens - 1, []]);
  const foreign = await rowTokens(speechWith(chatmlTemplate), rows, 4);
  assert.deepEqual([foreign.what.endsWith(':4, 2 messages: user, assistant'), foreign.withLoss], [true, 2]);
});

test("in MOSS's format more than answers is learnt, and where that ends is nobody's end of an answer", async () => {
  const moss = await templateTokenizer('moss');
  const speech = { tokenizer: moss, template: new ChatTemplate(moss), contextLength: 1000 };
  const format = { ...speech, isBase: false, eosTokenIds: [moss.specialId('turnEnd')] };
  assert.deepEqual((await rowTokens(format, rows, 1)).warnings, []);
});

test('each way to learn nothing, or not to stop, is said', async () => {
  const bare = chatmlTemplate.replace('{%- generation -%}', '').replace('{%- endgeneration -%}', '');
  const open = chatmlTemplate.replace(
    "{{- message.content + '<|im_end|>' -}}{%- endgeneration -%}",
    "{{- message.content -}}{%- endgeneration -%}{{- '<|im_end|>' -}}",
  );
  assert.notEqual(open, chatmlTemplate);
  const endless = chatmlTemplate
    .replaceAll("message.content + '<|im_end|>'", 'message.content')
    .replaceAll("'\\n'", "''");
  const nowhere = bare.replaceAll("'<|im_end|>'", "''");
  const elsewhere = bare.replace('{%- endfor -%}', '{%- generation -%}{%- endgeneration -%}{%- endfor -%}');
  const warnings = async (template: string, line = 1, changes: Partial<ChatFormat> = {}) =>
    (await rowTokens(speechWith(template, changes), rows, line)).warnings.join('; ');
  assert.equal(await warnings(bare), '', 'answers are found by their turns');
  assert.match(
    await warnings(nowhere),
    /^training refuses this row: the chat template writes no token after an answer$/,
  );
  assert.match(await warnings(elsewhere), /^training refuses this row: the chat template marks no answer to learn$/);
  assert.equal(
    await warnings(open),
    "this row has an answer whose end the template's marks omit: the token that ends it is learnt all the same",
  );
  assert.match(
    await warnings(endless),
    /^training refuses this row: the chat template writes no token after an answer$/,
  );
  assert.match(
    await warnings(chatmlTemplate, 1, { eosTokenIds: [0] }),
    /^answers end with <\|im_end\|>, but generation stops at <\|endoftext\|>/,
  );
  assert.equal(await warnings(chatmlTemplate, 1, { eosTokenIds: [0], isBase: true }), '', 'a fine-tune moves the end');
  const lastOnly = chatmlTemplate.replace("role == 'assistant'", "role == 'assistant' and loop.last");
  assert.equal(await warnings(lastOnly), 'only 1 of 2 answers carry loss');
  assert.match(await warnings(chatmlTemplate, 2), /^training skips this row: no assistant turn to learn from$/);
  assert.match(
    await warnings(chatmlTemplate, 3),
    /^training skips this row: a message of the user where assistant was expected/,
  );
  const whole = (await rowTokens(speechWith(chatmlTemplate), rows, 1)).tokens;
  assert.match(
    await warnings(chatmlTemplate, 1, { contextLength: whole - 2 }),
    /^training keeps \d+ of \d+ tokens and loses 1 answer: the context holds \d+$/,
  );
  assert.match(
    await warnings(chatmlTemplate, 1, { contextLength: 4 }),
    /^training skips this row: its first exchange takes more than 4 tokens/,
  );
});

test('what a row has that is not read, not learnt or not written is said of the one row', async () => {
  const path = join(folder, 'fields.jsonl');
  const [user, assistant] = conversation;
  const row = {
    messages: [user, { ...assistant, weight: 0 }, user, { ...assistant, reasoning: 'hm', content: '<|im_end|>' }],
    ...{ id: 'x', source: 'y', images: ['z'] },
  };
  await writeFile(
    path,
    `${JSON.stringify(row)}\n${JSON.stringify({ messages: [{ role: 'narrator', content: 'x' }] })}\n`,
  );
  const { warnings, withLoss } = await rowTokens(speechWith(chatmlTemplate), path, 1);
  assert.deepEqual(warnings, [
    'this row has the field images, which is not read',
    'this row has reasoning_content, which the chat template does not write: it is not learnt',
    'this row has <|im_end|> spelt inside an answer: it stays text',
    'fields that are not read: source',
  ]);
  assert.equal(withLoss, tokenizer.encode('<|im_end|>').length + 1, 'the second answer and its end alone');
  await assert.rejects(rowTokens(speechWith(chatmlTemplate), path, 2), /:2, message 1: .*has the role "narrator"/);
});

test('what was decided about the file is said, too', async () => {
  const path = join(folder, 'utf16.jsonl');
  await writeFile(path, Buffer.from(`\ufeff${JSON.stringify({ messages: conversation })}\n`, 'utf16le'));
  const { warnings, withLoss } = await rowTokens(speechWith(chatmlTemplate), path, 1);
  assert.equal(withLoss, 4);
  assert.ok(
    warnings.every((text) => /UTF-16/.test(text)),
    warnings.join(),
  );
});

test('a template that rewrites what was said before gives each answer a sequence of its own', async () => {
  const forgetful = chatmlTemplate.replace(
    '{%- generation -%}{{- message.content',
    "{%- generation -%}{{- (message.content if loop.last else '…')",
  );
  const report = await rowTokens(speechWith(forgetful), rows, 1);
  const shown = tokensText(report, { colours: false, columns: 80 });
  assert.equal(report.sequences.length, 2);
  assert.match(shown, /^sequence 1 of 2\n[^⟧]*⟦b <\|im_end\|>⟧/m);
  assert.match(shown, /^sequence 2 of 2\n[^⟧]*⟦d <\|im_end\|>⟧/m);
});

test('a question carries no loss; a base model reads text', () => {
  const asked = textTokens(speechWith(chatmlTemplate), 'a');
  assert.deepEqual([asked.withLoss, asked.sequences[0].at(-1)?.text], [0, '↵']);
  const read = textTokens(speechWith(chatmlTemplate, { isBase: true }), 'a');
  assert.deepEqual(
    read.sequences[0].map(({ id, loss }) => [id, loss]),
    [
      [0, 0],
      [tokenizer.encode('a')[0], 1],
    ],
  );
});

test('what cannot be seen gets a sign or its number, and steers no terminal', () => {
  const shown: [string | Uint8Array, string][] = [
    [' a\n\tb', '␣a↵⇥b'],
    ['\u001b[2J\r\u0007', '<0x1B>[2J<0x0D><0x07>'],
    ['\u009b\u202e\u200b\u2028\u3000\ue000', '<U+009B><U+202E><U+200B><U+2028><U+3000><U+E000>'],
    ['床👍\u{fe0f}', '床👍<U+FE0F>'],
    [Buffer.from([0xe5, 0xba]), '<0xE5><0xBA>'],
    [Buffer.from([0x41, 0xff, 0x42]), 'A<0xFF>B'],
    ['\ufeff', '<U+FEFF>'],
  ];
  for (const [bytes, expected] of shown) assert.equal(visibleBytes(Buffer.from(bytes)), expected);
});

test('lines break between tokens, and colours stand for the brackets', () => {
  const report = textTokens(speechWith(chatmlTemplate, { isBase: true }), 'x'.repeat(60));
  const lines = tokensText(report, { colours: false, columns: 20 }).split('\n').slice(2, -2);
  assert.ok(lines.length > 3 && lines.every((line) => line.length <= 20), lines.join('\n'));
  assert.doesNotMatch(tokensText(report, { colours: true, columns: 20 }), /[⟦⟧]/);
});

test('a preference is shown as alignment compares it: one prompt, then each answer', async () => {
  const path = join(folder, 'pairs.jsonl');
  const long = 'long '.repeat(200);
  const pairs = [
    { prompt: 'a', chosen: 'b', rejected: 'c' },
    { prompt: 'a', completion: 'b', label: false, margin: 1 },
    { prompt: 'a', chosen: long, rejected: 'c' },
  ];
  await writeFile(path, pairs.map((row) => JSON.stringify(row)).join('\n'));
  const pair = await rowTokens(speechWith(chatmlTemplate), path, 1);
  const shown = tokensText(pair, { colours: false, columns: 80 });
  assert.match(shown, /pairs\.jsonl:1, a pair: .*after a prompt of \d+ tokens/);
  assert.match(shown, /\nchosen\n.*⟦b <\|im_end\|>⟧\n\nrejected\n.*⟦c <\|im_end\|>⟧\n/s);
  assert.deepEqual([pair.withLoss, pair.warnings], [4, []]);
  const label = await rowTokens(speechWith(chatmlTemplate), path, 2);
  assert.deepEqual(label.titles, ['an answer called bad']);
  assert.match(label.warnings.join(), /this row has the field margin, which is not read/);
  const tooLong = await rowTokens(speechWith(chatmlTemplate), path, 3);
  assert.match(
    tooLong.warnings.join(),
    /training skips this row: with its prompt, the chosen answer takes more than 128/,
  );
});
