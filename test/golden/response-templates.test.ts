// Answers as response templates read them, against transformers 5.24. Made by scripts/golden/make_response_templates.py.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromPython } from '../../src/tokenizer/python-regex.js';
import { ResponseTemplate } from '../../src/tokenizer/response-template.js';

interface Golden {
  templates: Record<
    string,
    { template: unknown; cases: { prefix: string; text: string; message?: unknown; error?: string }[] }
  >;
}
const golden = JSON.parse(readFileSync(new URL('response-templates.json', import.meta.url), 'utf8')) as Golden;

for (const [name, { template, cases }] of Object.entries(golden.templates)) {
  test(`${name}: every answer is read, or refused, as transformers does`, () => {
    const reader = new ResponseTemplate(template);
    assert.ok(cases.length >= 3);
    for (const { prefix, text, message, error } of cases) {
      if (error !== undefined) assert.throws(() => reader.parse(text, prefix), text);
      else assert.deepEqual(reader.parse(text, prefix), message, text);
    }
  });
}

test('what is no template, or is not read, is said; a pattern that takes for ever ends', () => {
  const fields = { content: {} };
  for (const [spec, why] of [
    [[], /no object/],
    [{ fields }, /neither start_anchor nor/],
    [{ start_anchor: 'x', fields: {} }, /no fields/],
    [{ start_anchor: 'x', fields, version: 2 }, /version is 2/],
    [{ start_anchor: 'x', fields, more: 1 }, /has more, which is not known/],
    [{ start_anchor: 'x', fields: { a: {}, b: {} } }, /both a and b/],
    [{ start_anchor: 'x', fields: { a: { content: 'python-call-list' } } }, /python-call-list, which is not read/],
    [{ start_anchor: 'x', fields: { a: { open_pattern: '(?i)x' } } }, /\(\?i\) is not read/],
    [{ start_anchor: '', fields }, /no text as start_anchor/],
  ] as const) {
    assert.throws(() => new ResponseTemplate(spec), why);
  }
  const slow = new ResponseTemplate(
    { start_anchor: 'A', fields: { a: { open_pattern: '(x+)+y' } } },
    { milliseconds: 50 },
  );
  assert.throws(() => slow.parse('x'.repeat(60), 'A'), /too many ways/);
  assert.equal(fromPython(String.raw`[\s\-\]]{2,}(?P<a>\<x\>)(?P=a)\Z`).includes('(?<a><x>)\\k<a>'), true);
});
