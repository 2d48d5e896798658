// What the filters of generated rows dropped: counts and examples, and what each kept beside as many rows drawn at random and drawn
// with the same lengths. Rows come from a teacher, so all of it is third-party text.
import { formatCount } from '../base/format.js';
import { escapeHtml } from './escape.js';
import { headerHtml, section, tableHtml } from './page.js';
import { type Of, ofType, type RunFacts } from './sections.js';

type Rule = Of<'filters'>['rules'][number];

export function filtersSection({ events }: RunFacts): string {
  const rules = ofType(events, 'filters').at(-1)?.rules ?? [];
  if (rules.length === 0) return '';
  const explained =
    '<p class="soft">Beside what a filter kept: as many rows drawn at random from what it was shown, and as many drawn with the lengths of what it kept; words of a question and an answer, different pairs of neighbouring words, families as if all were equally large. Where the three are alike, the filter took out faults and chose nothing else.</p>';
  const header = headerHtml([
    'filter',
    'shown',
    'dropped',
    'selection',
    'question',
    'answer',
    'distinct pairs',
    'families',
  ]);
  return section(
    'Filters of generated rows',
    explained + tableHtml(header, rules.flatMap(ruleRows)) + examplesHtml(rules),
  );
}

function ruleRows({ rule, candidates, dropped, selections }: Rule): string[] {
  return Object.entries(selections).map(([name, figures], i) => {
    const counts = i === 0 ? [formatCount(candidates), formatCount(dropped)] : ['', ''];
    const { questionWords, answerWords, distinctPairs, families } = figures;
    const cells = [
      ...[...counts, name, questionWords.toFixed(1), answerWords === undefined ? '–' : answerWords.toFixed(1)],
      ...[`${(100 * distinctPairs).toFixed(1)} %`, families.toFixed(1)],
    ].map((cell) => `<td>${escapeHtml(cell)}</td>`);
    return `<tr><td class="name">${i === 0 ? escapeHtml(rule) : ''}</td>${cells.join('')}</tr>`;
  });
}

function examplesHtml(rules: readonly Rule[]): string {
  const items = rules.map(({ rule, dropped, examples }) => {
    const list = examples.map((example) => `<li>${escapeHtml(example)}</li>`).join('');
    const summary = `<b>${escapeHtml(rule)}</b> ${formatCount(dropped)} rows`;
    if (list === '') return `<p class="soft" style="margin:8px 0 0">${summary}</p>`; // packed without examples
    return `<details><summary>${summary}</summary><ul class="examples">${list}</ul></details>`;
  });
  return `<div class="card"><h3>What the filters dropped</h3>${items.join('')}</div>`;
}
