// Our interpreter of chat templates against transformers' Jinja, rule by rule. Made by scripts/golden/make_jinja.py.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CompiledTemplate } from '../../src/tokenizer/compiled-template.js';
import { TemplateError } from '../../src/tokenizer/jinja/budget.js';

interface Golden {
  context: Record<string, unknown>;
  cases: { source: string; text: string | null }[];
  chats: Record<string, unknown>[];
  /** Template's file name → the text of each chat. */
  models: Record<string, (string | null)[]>;
}

const { context, cases, chats, models } = JSON.parse(
  readFileSync(new URL('jinja.json', import.meta.url), 'utf8'),
) as Golden;

type Rendered = { text: string } | { fault: string };

function render(source: string): Rendered {
  try {
    return { text: new CompiledTemplate(source).render(context, { start: '', end: '' }) };
  } catch (error) {
    assert.ok(error instanceof TemplateError, `${source}: ${String(error)}`);
    return { fault: error.message };
  }
}

test('templates render, and fail, as in transformers', () => {
  assert.equal(cases.length, 1133);
  assert.ok(cases.filter(({ text }) => text === null).length > 100);
  /** What we would render otherwise is refused: integers of more than 53 bits, keys that are no texts, what we do not have. */
  const refused: string[] = [];
  for (const { source, text } of cases) {
    const ours = render(source);
    if ('fault' in ours && text !== null) refused.push(`${source} ${ours.fault}`);
    else assert.equal('text' in ours ? ours.text : null, text, source);
  }
  const byName =
    /not supported|of more than 53 bits|sameas is supported|at most \d arguments|empty text|namespace cannot be printed|cycler|joiner|needs a separator|join\(\) of a string/;
  assert.deepEqual(
    refused.filter((each) => !byName.test(each)),
    [],
  );
  assert.equal(refused.length, 112);
});

test('numbers of data from outside keep what JSON.parse has kept of them', () => {
  const row = JSON.parse('{"x": 1.5, "y": 2, "z": 1.0, "big": 12345678901234567890}') as object;
  const text = (source: string): string => new CompiledTemplate(source).render({ row }, { start: '', end: '' });
  assert.equal(
    text('{{ row.x is float }} {{ row.y is integer }} {{ row.x * 2 }} {{ row.y / 1 }}'),
    'True True 3.0 2.0',
  );
  // Whether a row's file says 1 or 1.0 is lost where JavaScript reads it, and so are the last digits of a long number.
  assert.equal(text('{{ row.z | tojson }}'), '1');
  assert.throws(() => text('{{ row.big }}'), /a whole number of more than 53 bits/);
  assert.throws(() => text('{{ row | tojson }}'), /a whole number of more than 53 bits/);
});

test('the templates of Llama 3.2, Qwen 2.5 and Qwen 3 render as in transformers', () => {
  assert.deepEqual(Object.keys(models), ['llama-3.2-instruct.jinja', 'qwen2.5-instruct.jinja', 'qwen3.jinja']);
  const constants = { tools: null, documents: null, bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' };
  for (const [name, texts] of Object.entries(models)) {
    const source = readFileSync(new URL(`../../scripts/interop/templates/${name}`, import.meta.url), 'utf8');
    const template = new CompiledTemplate(source);
    assert.ok(texts.filter((text) => text !== null).length >= 14, name);
    for (const [i, chat] of chats.entries()) {
      const render = () => template.render({ ...constants, ...chat }, { start: '', end: '' });
      if (texts[i] === null) assert.throws(render, `${name} ${i}`);
      else assert.equal(render(), texts[i], `${name} ${i}`);
    }
  }
});
