// The preferences that come with mossctl: the files are what their script writes, and no prompt of the pairs is learnt before.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { courtesyFiles } from '../../scripts/preferences/rows.js';
import { toJsonl } from '../../src/base/jsonl.js';
import { RowNotes } from '../../src/data/conversations/notes.js';
import { readPreferences } from '../../src/data/preferences/read.js';

const at = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

test('the courtesy set is what its script writes, and every pair of it can be used', async () => {
  const files = courtesyFiles();
  for (const [name, rows] of Object.entries(files)) assert.equal(readFileSync(at(name), 'utf8'), toJsonl(rows), name);
  const conversations = files['data-specs/preferences/manners.jsonl'] as { messages: { content: string }[] }[];
  const learnt = new Set(conversations.map(({ messages }) => messages[0].content));
  const notes = new RowNotes('preference');
  const languages = { zh: 0, en: 0, other: 0 };
  for await (const { preference } of readPreferences(at('data-specs/preferences/courtesy.jsonl'), notes)) {
    languages[preference.language ?? 'other']++;
    assert.ok(!learnt.has(preference.prompt[0].content), preference.id);
  }
  assert.deepEqual(languages, { zh: 180, en: 180, other: 0 });
  assert.deepEqual(notes.lines(), []);
});
