// Our interpreter of chat templates against transformers' Jinja, rule by rule. Made by scripts/golden/make_jinja.py.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CompiledTemplate } from '../../src/tokenizer/compiled-template.js';

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

/** We refuse what we would render otherwise: integers of more than 53 bits, and methods that we do not have. */
const refused = ['{{ 1000000 * 1000000 * 1000000 * 1000000 // 1 }}', '{{ s.format(1) }}'];

function render(source: string): string | null {
  try {
    return new CompiledTemplate(source).render(context, { start: '', end: '' });
  } catch {
    return null;
  }
}

test('templates render, and fail, as in transformers', () => {
  assert.equal(cases.length, 279);
  assert.ok(cases.filter(({ text }) => text === null).length > 20);
  for (const { source, text } of cases) {
    if (refused.includes(source)) assert.deepEqual([render(source), typeof text], [null, 'string'], source);
    else assert.equal(render(source), text, source);
  }
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
