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
      [`exactMatch.${name}`, (place + i) / 20],
      [`exactMatch.${name}.zh`, (place + i) / 10],
      ...(name === 'chat' ? [] : [[`exactMatch.${name}.en`, 1 / 3]]),
    ]);
    const metrics = {
      exactMatch: 0.5,
      ...Object.fromEntries(parts),
      'exactMatch.turn4': 0.25,
      'exactMatch.zh': 0.2,
      'exactMatch.en': 0.3,
    };
    return { label, checkpoint: label, metrics, intervals: { 'exactMatch.refusal.zh': { low: 0.1, high: 0.6 } } };
  });
  const differences = {
    'exactMatch.refusal.en': { mean: 0.1, low: 0, high: 0.2 },
    exactMatch: { mean: 0.1, low: 0, high: 0.2 },
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
  assert.equal(familiesText({ columns: [{ label: 'a', checkpoint: 'a', metrics: { exactMatch: 1 } }] }, 80), '');
});

test('the other table has the whole, turns and languages, not what this one shows', () => {
  const table = tableOf(['base', 'sft']);
  const text = resultsText(table);
  assert.match(text, /^exactMatch\.turn4 +25\.0%/m);
  assert.match(text, /^exactMatch\.zh +20\.0%/m);
  assert.doesNotMatch(text, /exactMatch\.(refusal|chat)/);
  assert.match(text, /^refusal +40\.0 +33\.3 +50\.0 +33\.3$/m);
  const html = resultsHtml('Results', table);
  assert.doesNotMatch(html, /exactMatch\.refusal\.(zh|en)/);
  assert.match(html, /exactMatch\.refusal</);
  assert.match(html, /<h2>Right answers by family<\/h2>/);
  assert.match(html, /<td class="name">refusal<\/td><td><span>40\.0<\/span> <small>\[10\.0, 60\.0\]<\/small><\/td>/);
});
