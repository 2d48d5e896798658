// Held-out results as the terminal shows them: the table, the gains and their sentences. Within a width, intervals go below
// their values where that is needed, and columns into several tables where even that is too wide.
import { displayWidth, formatTable, printable, terminalColumns, wrapped } from '../base/format.js';
import type { Comparison, EvaluationColumn, EvaluationTable } from './event.js';
import { familiesText, withoutFamilies } from './families.js';
import { meaningOf } from './meaning.js';
import { gainLabel, gainRows, type ResultsOptions, resultRows, sentenceOf } from './results.js';

export interface TextOptions extends ResultsOptions {
  /** Columns of the terminal; default: as many as it takes. */
  width?: number;
}

/** The table, with the gains and their sentences below; what the parts gained is for the page. */
export function resultsText(table: EvaluationTable, options: TextOptions = {}): string {
  const { columns, comparisons = [] } = withoutFamilies(table, { wholes: true });
  const families = familiesText(table, options.width ?? terminalColumns);
  const hasIntervals = columns.some(({ intervals = {} }) => Object.keys(intervals).length > 0);
  const marks = [...(columns.length > 1 ? ['* best'] : []), ...(hasIntervals ? ['[ ] 95 % interval'] : [])].join('; ');
  const tables = inWidth(columns, options.width, (some, layout) => columnsTable(some, columns, layout, options));
  const first = [marks === '' ? tables : `${tables}\n${marks}`, ...(families === '' ? [] : [families])];
  return [...first, ...gainsText(comparisons, options)].join('\n\n');
}

/** On one line, value and interval; below each other; and the same with short names. */
type Layout = 'line' | 'stacked' | 'short';

/** `make` of all items in the first layout that is narrow enough; else of as many at a time as are. */
function inWidth<T>(
  items: readonly T[],
  width: number | undefined,
  make: (some: readonly T[], layout: Layout) => string,
): string {
  if (width === undefined) return make(items, 'line');
  const fits = (text: string): boolean => text.split('\n').every((line) => displayWidth(line) <= width);
  for (let count = items.length; count > 0; count--) {
    const tables = (layout: Layout): string[] =>
      Array.from({ length: Math.ceil(items.length / count) }, (_, i) =>
        make(items.slice(i * count, (i + 1) * count), layout),
      );
    for (const layout of ['line', 'stacked', 'short'] as const) {
      if (layout === 'line' && count < items.length) continue;
      const made = tables(layout);
      if (made.every(fits) || (count === 1 && layout === 'short')) return made.join('\n\n');
    }
  }
  return make(items, 'short');
}

/** The best of a row is the best of `all` columns. */
function columnsTable(
  some: readonly EvaluationColumn[],
  all: readonly EvaluationColumn[],
  layout: Layout,
  { runs, width }: TextOptions,
): string {
  const places = some.map((column) => all.indexOf(column));
  const isLine = layout === 'line';
  const rows = resultRows(all, runs).flatMap(({ metric, name, isPart, cells }) => {
    const shown = places.map((place) => cells[place]);
    const better = name === metric ? (meaningOf(metric)?.better ?? '') : '';
    const mark = (best: boolean): string => (best ? ' *' : '  ');
    if (isLine) {
      const values = shown.map(({ text, interval, best }) => withInterval(text, interval) + mark(best));
      return [[shownName(metric, name), ...values, width === undefined || better === '' ? better : arrows[better]]];
    }
    const label = layout === 'short' ? shortName(name, isPart) : shownName(metric, name);
    const values = [label, ...shown.map(({ text, best }) => text + mark(best)), better === '' ? '' : arrows[better]];
    const intervals = ['', ...shown.map(({ interval }) => `${interval}  `), ''];
    return shown.every(({ interval }) => interval === '') ? [values] : [values, intervals];
  });
  const header = ['metric', ...some.map(({ label }) => `${printable(label)}  `), width === undefined ? 'better' : ''];
  return trimmed(formatTable(header, rows));
}

const arrows = { higher: '↑', lower: '↓' } as const;

function gainsText(comparisons: readonly Comparison[], { basis, runs, width }: TextOptions): string[] {
  if (gainRows(comparisons, runs).every(({ isPart }) => isPart)) return [];
  const table = inWidth(comparisons, width, (some, layout) => {
    const lines = gainRows(some, runs)
      .filter(({ metric, name, isPart }) => !isPart || name !== metric)
      .flatMap(({ metric, name, cells }) => {
        const label = layout === 'short' ? shortName(name, false) : shownName(metric, name);
        const values = cells.map((cell) => (cell === undefined ? '–' : `${cell.text} ${cell.verdict}`));
        const intervals = cells.map((cell) => cell?.interval ?? '');
        if (layout !== 'line')
          return [[label, ...values], ...(intervals.every((each) => each === '') ? [] : [['', ...intervals]])];
        return [
          [
            label,
            ...cells.map((cell) =>
              cell === undefined ? '–' : `${withInterval(cell.text, cell.interval)} ${cell.verdict}`,
            ),
          ],
        ];
      });
    return trimmed(formatTable(['gain', ...some.map(gainLabel)].map(printable), lines));
  });
  const sentences = comparisons.map((comparison) => printable(sentenceOf(comparison, basis)));
  return [table, (width === undefined ? sentences : sentences.map((each) => wrapped(each, width))).join('\n')];
}

/** Runs are set in below their metric. */
function shownName(metric: string, name: string): string {
  return name === metric ? printable(name) : `  ${printable(name)}`;
}

const maxShortName = 26;

/** Of a part, what it is a part by. */
function shortName(name: string, isPart: boolean): string {
  const own = printable(isPart ? `  ${name.slice(name.indexOf('.') + 1)}` : name);
  return own.length > maxShortName ? `${own.slice(0, maxShortName - 1)}…` : own;
}

function withInterval(text: string, interval: string): string {
  return interval === '' ? text : `${text} ${interval}`;
}

function trimmed(table: string): string {
  return table.replace(/ +$/gm, '');
}
