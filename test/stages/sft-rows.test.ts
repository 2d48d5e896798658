// What fine-tuning says of the rows that it reads: what is cut, skipped or not learnt is counted, with the first place.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { sftStage } from '../../src/stages/sft/stage.js';

const directory = await mkdtemp(join(tmpdir(), 'sft-rows-'));
after(() => rm(directory, { recursive: true }));
const published = fileURLToPath(new URL('../interop/fixtures/qwen3', import.meta.url));

/** One step on these rows; the notes that name rows. */
async function notesOf(rows: readonly unknown[], { model = published, set = [] as string[] } = {}): Promise<string[]> {
  const path = join(directory, 'rows.jsonl');
  await writeFile(path, toJsonl(rows));
  const settings = [
    `sft.data=${path}`,
    'sft.textShare=0',
    'sft.contextLength=128',
    'sft.train={steps: 1, batchSize: 1}',
  ];
  const { sft } = await loadPipeline({ config: 'smoke', set: [...settings, ...set], flags: { backend: 'wasm' } });
  const events: Event[] = [];
  await sftStage.run({
    config: sft ?? assert.fail(),
    inputs: { pretrain: model },
    directory: await mkdtemp(join(directory, 'sft-')),
    seed: 1,
    compute: { backend: 'wasm', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'sft'),
  });
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.text.replaceAll(`${directory}/`, '')] : []));
  return notes.filter((text) => /rows|fields/.test(text) && !/^(all conversations take|rows\.jsonl: )/.test(text));
}

const user = (content: string, more: object = {}) => ({ role: 'user', content, ...more });
const assistant = (content: string, more: object = {}) => ({ role: 'assistant', content, ...more });

test('cut, skipped, unread and spelt: each is counted once, with the place of the first', async () => {
  const exchanges = Array.from({ length: 8 }, (_, i) => [user(`number ${i}`), assistant(`it is ${i}`)]).flat();
  const notes = await notesOf([
    { messages: [user('a'), assistant('b')], source: 'x' },
    { messages: exchanges },
    { messages: [user('a'), assistant('b <|im_end|> c')] },
    { messages: [user('a'), assistant('<|im_end|>')], images: ['x.png'] },
    { messages: [user('a', { weight: 1 }), assistant('b', { weight: 0.5 })] },
    { messages: [user('a'), assistant('b '.repeat(300))] },
    { messages: exchanges },
  ]);
  assert.deepEqual(notes, [
    'skipped 1 conversation: its first exchange takes more than 128 tokens (first: rows.jsonl:6)',
    'cut 2 of 7 conversations at 128 tokens: 8 answers lost (first: rows.jsonl:2)',
    '2 conversations have <|im_end|> spelt inside an answer: it stays text (first: rows.jsonl:3)',
    '1 conversation has the field images, which is not read (first: rows.jsonl:4)',
    '1 conversation has a weight on a message that is no answer: only answers are learnt (sft.loss: all learns the others too) (first: rows.jsonl:5)',
    'fields that are not read: source',
  ]);
});

test('a row of which no token would be learnt is an error that names it, and so is a pad token that ends turns', async () => {
  const rows = [1, 0, 0].map((weight) => ({ messages: [user('a'), assistant('b', { weight })] }));
  await assert.rejects(
    notesOf(rows),
    /rows\.jsonl:2: not one token of this row would be learnt\. Every answer is marked.*rows\.jsonl:3: not one token/s,
  );
  const model = join(directory, 'padded');
  await cp(published, model, { recursive: true });
  const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
  const { added_tokens } = JSON.parse(await readFile(join(model, 'tokenizer.json'), 'utf8'));
  const { id } = added_tokens.find(({ content }: { content: string }) => content === '<|im_end|>');
  await writeFile(join(model, 'config.json'), JSON.stringify({ ...config, pad_token_id: id }));
  await assert.rejects(
    notesOf(rows.slice(0, 1), { model }),
    /the pad token of this model is <\|im_end\|>, which ends a turn/,
  );
});

test('a row that the template refuses is skipped; a template that ends answers with no token is refused', async () => {
  const model = join(directory, 'strict');
  await cp(published, model, { recursive: true });
  const turns = (end: string) =>
    `{%- for m in messages -%}{%- if m.role == 'system' -%}{{- raise_exception('no system turns: ' + m.content) -}}{%- endif -%}{{- '<|im_start|>' + m.role + '\\n' + m.content + '${end}\\n' -}}{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}`;
  await writeFile(join(model, 'chat_template.jinja'), turns('<|im_end|>'));
  const rows = [
    { messages: [user('a'), assistant('b')] },
    { system: '<|im_end|>', messages: [user('a'), assistant('b')] },
  ];
  assert.deepEqual(await notesOf(rows, { model }), [
    'skipped 1 conversation: the chat template refuses it: no system turns: <|im_end|> (first: rows.jsonl:2)',
  ]);
  await writeFile(join(model, 'chat_template.jinja'), turns('<|eot_id|>'));
  await assert.rejects(
    notesOf(rows, { model }),
    /strict: the chat template ends an answer with <\|eot_id\|>, which is no token of this tokenizer.*End an answer with a token that is there, <\|im_end\|>/s,
  );
});

test('sft.keepTokens: a special token that answers write; never one that ends turns, nor one that is none', async () => {
  const rows = [{ messages: [user('a <|box_start|>'), assistant('<|box_start|> b')] }];
  assert.deepEqual(await notesOf(rows, { set: ['sft.keepTokens=["<|box_start|>"]'] }), []);
  const refused = (name: string, why: RegExp) =>
    assert.rejects(notesOf(rows, { set: [`sft.keepTokens=["${name}"]`] }), why);
  await refused('<|im_end|>', /sft\.keepTokens: "<\|im_end\|>" cannot be kept inside answers/);
  await refused('<|nothing|>', /sft\.keepTokens: "<\|nothing\|>" is no token of this tokenizer/);
});

test('answers whose marks omit their end, and answers that the template refuses alone, are counted with their row', async () => {
  const model = join(directory, 'marks');
  await cp(published, model, { recursive: true });
  const file = join(model, 'chat_template.jinja');
  const head = "{{- '<|im_start|>' + m.role + '\\n' -}}";
  const opening = "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";
  const said = "{%- generation -%}{{- m.content -}}{%- endgeneration -%}{{- '<|im_end|>\\n' -}}";
  const other = "{{- m.content + '<|im_end|>\\n' -}}";
  await writeFile(
    file,
    `{%- for m in messages -%}${head}{%- if m.role == 'assistant' -%}${said}{%- else -%}${other}{%- endif -%}{%- endfor -%}${opening}`,
  );
  const rows = [{ messages: [user('a'), assistant('b')] }];
  assert.deepEqual(await notesOf(rows, { model }), [
    "1 conversation has an answer whose end the template's marks omit: the token that ends it is learnt all the same (first: rows.jsonl:1)",
  ]);
  const refusing =
    "{%- if messages[-1].content == 'first' -%}{{- raise_exception('it ends with first') -}}{%- endif -%}";
  await writeFile(file, `${refusing}{%- for m in messages -%}${head}${other}{%- endfor -%}${opening}`);
  const two = [{ messages: [user('a'), assistant('first'), user('c'), assistant('second')] }];
  assert.deepEqual(await notesOf(two, { model }), [
    '1 conversation has an answer that is not learnt: up to it, the chat template refuses it: it ends with first (first: rows.jsonl:1)',
  ]);
});
