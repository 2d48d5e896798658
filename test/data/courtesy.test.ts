// The preferences that come with mossctl: the files are what their script writes, and no prompt of the pairs is learnt before.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { courtesyFiles } from '../../scripts/preferences/rows.js';
import { warmthFile } from '../../scripts/preferences/warmth.js';
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

test('the pairs of the quickstart are what their script writes: one asks back, or one declines and the other does not', () => {
  const [[name, rows]] = Object.entries(warmthFile());
  assert.equal(readFileSync(at(name), 'utf8'), toJsonl(rows));
  const prompts = new Set<string>();
  const asksBack = /(还想聊点什么？|What else can I do\?)$/;
  const declines = /^(抱歉|Sorry)/;
  for (const row of rows as { kind: string; prompt: string; chosen: string; rejected: string }[]) {
    const { kind, prompt, chosen, rejected } = row;
    assert.ok(!prompts.has(prompt), prompt);
    prompts.add(prompt);
    assert.ok(!/[<>|{}]/.test(prompt + chosen + rejected), prompt);
    if (/refusal/.test(kind)) {
      assert.deepEqual(
        [declines.test(chosen), declines.test(rejected)],
        [kind === 'refusal', kind !== 'refusal'],
        prompt,
      );
      continue;
    }
    const [short, long] = [chosen, rejected].sort((x, y) => x.length - y.length);
    assert.ok(long.startsWith(short) && asksBack.test(long) && !asksBack.test(short), prompt);
    // Nobody who says good night is asked what else there is.
    if (/再见|晚安|Goodbye|Good night|better soon|别难过/.test(short)) assert.equal(chosen, short, prompt);
  }
  assert.ok(prompts.size > 1000, `${prompts.size}`);
});
