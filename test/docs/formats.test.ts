// The rows that docs/formats.md shows are rows: each is read by what reads files, and says what the page says of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRow } from '../../src/data/conversations/formats.js';
import { isPreferenceRow, readPreferenceRow } from '../../src/data/preferences/formats.js';
import { checkAnswer } from '../../src/evaluation/checks.js';
import { blocksOf, quotedIn } from './pages.js';

const page = 'docs/formats.md';

test('every row of the page is read without a field that is not', () => {
  const inBlocks = blocksOf(page).filter(({ language }) => language === 'json' || language === 'jsonl');
  const shown = [
    ...quotedIn(page).filter(({ code }) => code.startsWith('{"')),
    ...inBlocks.flatMap(({ at, body }) => body.split('\n').map((code) => ({ at, code }))),
  ];
  assert.ok(shown.length >= 9, `${shown.length} rows`);
  for (const { at, code } of shown) {
    const row: unknown = JSON.parse(code);
    const { notes } = isPreferenceRow(row) ? readPreferenceRow(row, at) : readRow(row, at);
    assert.deepEqual(notes, [], `${at}: ${code}`);
  }
});

test('the conversations of the table say the same in each format', () => {
  const rows = quotedIn(page).filter(({ code }) => code.startsWith('{"') && code.includes('Hello!'));
  assert.equal(rows.length, 4);
  for (const { code } of rows) {
    const { messages } = readRow(JSON.parse(code), 'row').conversation;
    assert.deepEqual(
      messages.map(({ role, content }) => [role, content]),
      [
        ['user', 'Hi'],
        ['assistant', 'Hello!'],
      ],
      code,
    );
  }
});

test('the checks of the page accept a right answer and no other', () => {
  const answers: Record<string, [right: string, wrong: string]> = {
    number: ['It is 45.', '44'],
    constraints: ['red green blue', 'red, green, blue'],
  };
  const checked = blocksOf(page)
    .filter(({ language }) => language === 'json')
    .map(({ body }) => readRow(JSON.parse(body), 'row').conversation.check);
  assert.equal(checked.length, 2);
  for (const check of checked) {
    assert.ok(check !== undefined && check.type !== 'world');
    const [right, wrong] = answers[check.type];
    assert.ok(checkAnswer(check, right, 'en') && !checkAnswer(check, wrong, 'en'), check.type);
  }
});
