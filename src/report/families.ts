// Right answers by family of tasks and by language: one row a family with a column for each language, in place of two rows of
// the table that a reader would have to put side by side.
import { alignColumns, displayWidth, printable } from '../base/format.js';
import { escapeHtml } from './escape.js';
import type { EvaluationColumn, EvaluationTable } from './event.js';
import { formatInterval } from './meaning.js';
import { rowHtml, section, tableHtml } from './page.js';

const part = /^correct\.([^.]+)\.(zh|en|other)$/;
const languageNames: Readonly<Record<string, string>> = { zh: 'Chinese', en: 'English', other: 'other' };

interface Families {
  names: string[];
  languages: string[];
}

function familiesOf(columns: readonly EvaluationColumn[]): Families {
  const found = columns
    .flatMap(({ metrics }) => Object.keys(metrics))
    .flatMap((metric) => {
      const [, name, language] = part.exec(metric) ?? [];
      return name === undefined ? [] : [{ name, language }];
    });
  const languages = Object.keys(languageNames).filter((each) => found.some(({ language }) => language === each));
  return { names: [...new Set(found.map(({ name }) => name))].sort(), languages };
}

/** Over the families, each counting the same. */
function meanOf({ metrics }: EvaluationColumn, names: readonly string[], language: string): number | undefined {
  const values = names.map((name) => metrics[`correct.${name}.${language}`]).filter(Number.isFinite);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The table without what the families' own table shows; `wholes`: nor with each family over all languages. */
export function withoutFamilies(table: EvaluationTable, { wholes }: { wholes: boolean }): EvaluationTable {
  const { names } = familiesOf(table.columns);
  const omitted = new Set(wholes ? names.map((name) => `correct.${name}`) : []);
  const kept = <T>(record: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).filter(([metric]) => !part.test(metric) && !omitted.has(metric)));
  return {
    ...table,
    columns: table.columns.map((column) => ({ ...column, metrics: kept(column.metrics) })),
    ...(table.comparisons && {
      comparisons: table.comparisons.map((each) => ({ ...each, differences: kept(each.differences) })),
    }),
  };
}

/** Empty where no family is known by language. As many checkpoints beside each other as `width` takes. */
export function familiesText({ columns }: EvaluationTable, width: number): string {
  const { names, languages } = familiesOf(columns);
  if (names.length === 0) return '';
  const tableOf = (some: readonly EvaluationColumn[]): string => {
    const wide = languages.length > 1;
    const head = ['right, %', ...some.flatMap(({ label }) => [...languages.slice(1).map(() => ''), printable(label)])];
    const below = ['', ...some.flatMap(() => languages)];
    const rows = names.map((name) => [
      printable(name),
      ...some.flatMap(({ metrics }) => languages.map((language) => percent(metrics[`correct.${name}.${language}`]))),
    ]);
    const mean = ['mean', ...some.flatMap((column) => languages.map((each) => percent(meanOf(column, names, each))))];
    return alignColumns([head, ...(wide ? [below] : []), ...rows, mean], (column) => column > 0).join('\n');
  };
  for (let count = columns.length; count > 1; count--) {
    const tables = chunks(columns, count).map(tableOf);
    if (tables.every((table) => table.split('\n').every((line) => displayWidth(line) <= width)))
      return tables.join('\n\n');
  }
  return chunks(columns, 1).map(tableOf).join('\n\n');
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

function percent(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '–' : (100 * value).toFixed(1);
}

/** As a section of a page, with intervals. */
export function familiesHtml({ columns }: EvaluationTable): string {
  const { names, languages } = familiesOf(columns);
  if (names.length === 0) return '';
  const head = columns.map(({ label }) => `<th colspan="${languages.length}">${escapeHtml(label)}</th>`).join('');
  const below = columns.map(() => languages.map((each) => `<th>${languageNames[each]}</th>`).join('')).join('');
  const cellsOf = (name: string): string[] =>
    columns.flatMap(({ metrics, intervals }) =>
      languages.map((language) => {
        const metric = `correct.${name}.${language}`;
        const interval = formatInterval(metric, intervals?.[metric]);
        return `<span>${percent(metrics[metric])}</span>${interval && ` <small>${interval}</small>`}`;
      }),
    );
  const means = columns.flatMap((column) => languages.map((each) => percent(meanOf(column, names, each))));
  const rows = [...names.map((name) => rowHtml(escapeHtml(name), cellsOf(name))), rowHtml('mean', means)];
  const header = `<th></th>${head}</tr><tr><th></th>${below}`;
  const note = '<p class="soft">Share of right answers in percent, by family of tasks and by language.</p>';
  return section('Right answers by family', note + tableHtml(header, rows));
}
