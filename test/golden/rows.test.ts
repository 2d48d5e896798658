// Rows as they stand in files, read and rendered, against what transformers makes of the same messages. Made by
// scripts/golden/make_rows.py.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readRow } from '../../src/data/conversations/formats.js';
import { writtenChat } from '../../src/data/conversations/written.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { bytesJson, families } from '../tokenizer/foreign-world.js';

const { rows, models } = JSON.parse(await readFile(new URL('rows.json', import.meta.url), 'utf8')) as {
  rows: unknown[];
  models: Record<string, string[]>;
};
const byFile = { qwen3: families.qwen3, 'qwen2.5-instruct': families.qwen2, 'llama-3.2-instruct': families.llama };

for (const [name, family] of Object.entries(byFile)) {
  test(`${name}: reasoning, tools, calls and thoughts of rows are written as transformers writes them`, () => {
    const tokenizer = Tokenizer.fromJson(bytesJson(family), 'tokenizer.json', { roles: family.roles });
    const template = new ChatTemplate(tokenizer, family.template);
    assert.equal(models[name].length, 3);
    for (const [i, text] of models[name].entries()) {
      const written = writtenChat(readRow(rows[i], 'row').conversation, template);
      assert.ok('messages' in written);
      assert.equal(template.render(written.messages, { tools: written.tools }), text, `row ${i}`);
    }
  });
}
