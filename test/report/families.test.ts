// Right answers by family and language: one row a family, within 80 columns, and no such row in the table beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EvaluationTable } from '../../src/report/event.js';
import { familiesText } from '../../src/report/families.js';
import { resultsHtml } from '../../src/report/results-html.js';
import { resultsText } from '../../src/report/results-text.js';

const names = ['arithmetic', 'chat', 'comparison', 'over-refusal', 'refusal'];

function tableOf(labels: readonly string[]): EvaluationTable {
  const columns = labels.map((label, place) => {
    const parts = names.flatMap((name, i) => [
      [`correct.${name}`, (place + i) / 20],
      [`correct.${name}.zh`, (place + i) / 10],
      ...(name === 'chat' ? [] : [[`correct.${name}.en`, 1 / 3]]),
    ]);
    const metrics = {
      correct: 0.5,
      ...Object.fromEntries(parts),
      'correct.turn4': 0.25,
      'correct.zh': 0.2,
      'correct.en': 0.3,
    };
    return { label, checkpoint: label, metrics, intervals: { 'correct.refusal.zh': { low: 0.1, high: 0.6 } } };
  });
  const differences = {
    'correct.refusal.en': { mean: 0.1, low: 0, high: 0.2 },
    correct: { mean: 0.1, low: 0, high: 0.2 },
  };
  return { columns, comparisons: [{ from: 'base', to: 'sft', differences }] };
}

test('a row a family, a column a language; the mean counts each family the same', () => {
  const text = familiesText(tableOf(['base', 'sft']), 80);
  assert.deepEqual(text.split('\n'), [
    'right, %            base         sft',
    '                zh    en    zh    en',
    'arithmetic     0.0  33.3  10.0  33.3',
    'chat          10.0     –  20.0     –',
    'comparison    20.0  33.3  30.0  33.3',
    'over-refusal  30.0  33.3  40.0  33.3',
    'refusal       40.0  33.3  50.0  33.3',
    'mean          20.0  33.3  30.0  33.3',
  ]);
  const many = familiesText(tableOf(['base', 'sft', 'toolUse', 'align', 'again', 'once more', 'last']), 80);
  assert.ok(many.split('\n').every((line) => line.length <= 80));
  assert.equal(many.split('\n\n').length, 2);
  assert.equal(familiesText({ columns: [{ label: 'a', checkpoint: 'a', metrics: { correct: 1 } }] }, 80), '');
});

test('the other table has the whole, turns and languages, not what this one shows', () => {
  const table = tableOf(['base', 'sft']);
  const text = resultsText(table);
  assert.match(text, /^correct\.turn4 +25\.0%/m);
  assert.match(text, /^correct\.zh +20\.0%/m);
  assert.doesNotMatch(text, /correct\.(refusal|chat)/);
  assert.match(text, /^refusal +40\.0 +33\.3 +50\.0 +33\.3$/m);
  const html = resultsHtml('Results', table);
  assert.doesNotMatch(html, /correct\.refusal\.(zh|en)/);
  assert.match(html, /correct\.refusal</);
  assert.match(html, /<h2>Right answers by family<\/h2>/);
  assert.match(html, /<td class="name">refusal<\/td><td><span>40\.0<\/span> <small>\[10\.0, 60\.0\]<\/small><\/td>/);
});
