// The check of unseen tasks asks what nobody was taught: families apart, operands apart, examples right; and its tables say what was
// measured.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CellResult } from '../../bench/unseen/cell.js';
import { type Cell, cellsOf, familiesOf, full } from '../../bench/unseen/design.js';
import { questionsOf, resultOf, trainingRows } from '../../bench/unseen/rows.js';
import { tables } from '../../bench/unseen/table.js';

const design = { ...full, rows: 300, questions: 2 };
const cell: Cell = { families: 8, style: 'worked', seed: 1 };
const rows = trainingRows(cell, design);
const questions = questionsOf(cell, design);

test('of each seed, 8 families are part of 16 and these of 40, and 12 others and more are asked for that none of them has', () => {
  assert.equal(cellsOf(full).length, full.seeds.length * full.families.length * 2);
  for (const seed of full.seeds) {
    const [few, more, most] = full.families.map((families) => familiesOf({ families, seed }, full));
    assert.deepEqual(more.learnt.slice(0, 8), few.learnt);
    assert.deepEqual(most.learnt.slice(0, 16), more.learnt);
    assert.equal(most.learnt.length, 40);
    assert.ok(most.unseen.length >= 12);
    assert.deepEqual(few.unseen, most.unseen);
    assert.ok(most.unseen.every((family) => !most.learnt.includes(family)));
  }
  assert.notDeepEqual(familiesOf({ ...cell, seed: 2 }, full), familiesOf(cell, full));
});

test('a cell learns its families alone, and is asked what none of its rows has', () => {
  const { learnt, unseen } = familiesOf(cell, design);
  assert.deepEqual(new Set(rows.map(({ kind }) => kind)), new Set(learnt));
  assert.equal(rows.length, 300);
  assert.deepEqual(new Set(rows.map(({ messages }) => messages.length / 2 - 1)), new Set(design.shots));
  const known = new Set(rows.flatMap(({ messages }) => messages.map(({ content }) => content)));
  const asked = questions.map(({ messages }) => messages.at(-2)?.content ?? '');
  assert.ok(asked.every((question) => !known.has(question)));
  const families = new Set(questions.filter(({ isSeen }) => !isSeen).map(({ family }) => family));
  assert.deepEqual(families, new Set(unseen));
  for (const { messages, shots, result, wrong, language } of questions) {
    assert.equal(messages.length, 2 * shots + 2);
    assert.equal(resultOf(messages.at(-1)?.content ?? '', language, 'worked'), result);
    assert.ok(!wrong.includes(result) && wrong.length <= 3);
    const before = messages.slice(0, -2).map(({ content }) => content);
    assert.ok(!before.includes(messages.at(-2)?.content ?? ''), 'no example is the question');
  }
  assert.equal(resultOf('7×7\n49', 'en', 'worked'), '', 'without the mark nothing was answered');
});

test('the tables: means over families and seeds, gains on the same families, and verdicts only beyond chance', () => {
  const made = cellsOf({ seeds: [1, 2], families: [8, 40] }).map(
    (each): CellResult => ({
      ...each,
      samples: [],
      trainSeconds: 1,
      askSeconds: 1,
      scores: Array.from({ length: 20 }, (_, i) => ({
        family: `family-${i}`,
        isSeen: false,
        shots: 0,
        questions: 10,
        // With 40 families each is right twice more; with steps nothing changes.
        right: (i % 5) + (each.families === 40 ? 2 : 0) + (each.seed === 2 ? 1 : 0),
        ...(each.style === 'direct' && { likelier: 5, chance: 2.5 }),
      })),
    }),
  );
  const text = tables(made, { ...full, seeds: [1, 2], families: [8, 40], shots: [0] });
  assert.match(text, /direct +8 +0 +25\.0 \[\S+ \S+\] +20\.0 30\.0 +50\.0 \[\S+ \S+\] \/ 25\.0/);
  assert.match(text, /direct +40 +0 +45\.0 \[/);
  assert.match(text, /direct +0 +\+20\.0 \[\+20\.0, \+20\.0\]: more/);
  assert.match(text, /^0 +\+0\.0 \[.*no difference beyond chance$/m);
});
