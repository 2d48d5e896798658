// How a run ends: a headline in words and at most six rows, within the 80 columns of any terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidth, formatSeconds } from '../../src/base/format.js';
import { endingText, headlineText } from '../../src/report/ending.js';
import type { EvaluationTable } from '../../src/report/event.js';
import { demoEvents } from './fixtures/demo.js';

const demo = [...demoEvents()].find((event) => event.type === 'table') as EvaluationTable;
const run = { kind: 'chat', parameters: 2_896_640, seconds: 552, color: false } as const;

/** The demo's stages and one more, each with every figure that a run may have. */
function wideTable(): EvaluationTable {
  const [base, sft, align] = demo.columns;
  const extra = { 'correct.turn4': 1, toolAnswer: 1, directAnswer: 0.9, formula: 0.1, memory: 1 };
  const full = { ...align, metrics: { ...align.metrics, ...extra, 'correct.zh': 0.72, 'correct.en': 0.68 } };
  return {
    ...demo,
    columns: [base, sft, { ...sft, label: 'tool-use' }, { ...full, questions: 1200 }],
    comparisons: demo.comparisons?.map((each) => (each.to === 'align' ? { ...each, from: 'tool-use' } : each)),
  };
}

test('a headline in words, and the rows that matter most, each marked where a stage changed it beyond noise', () => {
  const text = endingText({ ...run, table: demo });
  const lines = text.split('\n');
  assert.equal(
    lines.slice(0, 3).join(' '),
    'A chat model of 2.9 million parameters in 9m12s: it answers 70 % [64, 75] of questions that it has never seen; best at arithmetic (72 %), weakest at translation (68 %).',
  );
  assert.match(text, /\nright answers +1\.2% +65\.3%▲ +70\.1%▲ +\[64\.1, 75\.1\]\n/);
  assert.match(text, /\nbits per byte of new text +2\.431 +2\.502▼ +2\.511 +\[2\.411, 2\.611\]\n/);
  assert.ok(!text.includes('\x1b'));
});

test('whatever was measured: six rows, none of them wider than a terminal', () => {
  const text = endingText({ ...run, table: wideTable() });
  const lines = text.split('\n');
  assert.ok(
    lines.every((line) => displayWidth(line) <= 80),
    text,
  );
  const [head = ''] = text.split('\n\n');
  assert.match(
    head.replaceAll('\n', ' '),
    /70 % \[64, 75\] of 1,200 questions that it has never seen \(72 % in Chinese, 68 % in English\)/,
  );
  const rows = lines.slice(head.split('\n').length + 2, -1).map((line) => line.split(/ {2,}/)[0]);
  assert.deepEqual(rows, [
    'right answers',
    'right in the fourth turn',
    'right where a tool helps',
    'right where none does',
    'reward of sampled answers',
    'bits per byte of new text',
  ]);
  // What the base was never asked is no zero.
  assert.match(text, /\nright where a tool helps +– +– +– +100\.0%\n/);
  assert.ok(endingText({ ...run, color: true, table: demo }).includes('\x1b[32m▲'));
});

test('a stage that changed nothing, a base model, and a run without eval say so', () => {
  const [, sft] = demo.columns;
  const none = { mean: 0, low: 0, high: 0 };
  const same = {
    columns: [sft, { ...sft, label: 'align' }],
    comparisons: [{ from: 'sft', to: 'align', differences: { correct: none } }],
  };
  assert.match(
    headlineText({ ...run, table: same }).replaceAll('\n', ' '),
    / align handed the model of sft on unchanged\.$/,
  );
  const { correct: _, ...metrics } = demo.columns[0].metrics;
  const base = { columns: [{ ...demo.columns[0], metrics }] };
  assert.equal(
    headlineText({ ...run, kind: 'base', parameters: 158_144, seconds: 3840, table: base }).replaceAll('\n', ' '),
    'A base model of 158,144 parameters in 1h04m: it writes down text that it has never seen at 2.43 bits per byte (a guess needs 8).',
  );
  assert.match(
    headlineText({ ...run, parameters: undefined, seconds: 12 }),
    /^A chat model in 12s\. What it can do was not measured\.$/,
  );
  const times = [0.44, 59.7, 3599.6, 47 * 3600, 3.5 * 86_400, 900 * 86_400, Number.NaN].map(formatSeconds);
  assert.deepEqual(times, ['0.4s', '1m00s', '1h00m', '47h00m', '3.5 days', '2.5 years', '?']);
});
