// Held-out results on a page: the table with its intervals, then what each stage gained and whether that is more than chance.
import { escapeHtml } from './escape.js';
import type { Comparison, EvaluationTable } from './event.js';
import { familiesHtml, withoutFamilies } from './families.js';
import { meaningOf } from './meaning.js';
import { headerHtml, section, tableHtml } from './page.js';
import { gainLabel, gainRows, type ResultsOptions, resultRows, sentenceOf } from './results.js';

export function resultsHtml(title: string, table: EvaluationTable, options: ResultsOptions = {}): string {
  const { columns, comparisons = [] } = withoutFamilies(table, { wholes: false });
  let explained = '';
  const rows = resultRows(columns, options.runs).map(({ metric, name, isPart, cells }) => {
    const family = metric.split('.')[0];
    const meaning = family === explained ? undefined : meaningOf(metric);
    explained = family;
    const words = meaning === undefined ? '' : `${meaning.words} — <b>${meaning.better} is better</b>`;
    const values = cells.map(
      ({ text, interval, best }) =>
        `<td${best ? ' class="best"' : ''}><span>${escapeHtml(text)}</span>${intervalHtml(interval)}</td>`,
    );
    return metricRow(name, isPart, `${values.join('')}<td class="words">${words}</td>`);
  });
  const head = ['metric', ...columns.map(({ label }) => label), ''];
  const hasIntervals = columns.some(({ intervals }) => intervals !== undefined);
  const note = hasIntervals ? '<p class="soft">In brackets: 95 % intervals.</p>' : '';
  const results = section(title, note + tableHtml(headerHtml(head), rows, 'results'));
  return results + familiesHtml(table) + gainsHtml(comparisons, options);
}

function gainsHtml(
  comparisons: readonly Comparison[],
  { basis, runs, withoutSentences = false, gainsTitle = 'What each stage gained' }: ResultsOptions,
): string {
  const rows = gainRows(comparisons, runs).map(({ name, isPart, cells }) => {
    const values = cells.map((cell) => {
      if (cell === undefined) return '<td>–</td>';
      const { text, interval, verdict } = cell;
      const shown = `<span>${escapeHtml(text)}</span>${intervalHtml(interval)}`;
      return `<td class="${verdict === 'within noise' ? 'noise' : verdict}">${shown} <small>${verdict}</small></td>`;
    });
    return metricRow(name, isPart, values.join(''));
  });
  if (rows.length === 0) return '';
  const said = withoutSentences ? [] : comparisons;
  const sentences = said.map((comparison) => `<p>${escapeHtml(sentenceOf(comparison, basis))}</p>`);
  const table = tableHtml(headerHtml(['gain', ...comparisons.map(gainLabel)]), rows, 'results');
  return section(gainsTitle, sentences.join('') + table);
}

function metricRow(name: string, isPart: boolean, cells: string): string {
  return `<tr${isPart ? ' class="part"' : ''}><td class="name">${escapeHtml(name)}</td>${cells}</tr>`;
}

function intervalHtml(interval: string): string {
  return interval === '' ? '' : ` <small>${escapeHtml(interval)}</small>`;
}
