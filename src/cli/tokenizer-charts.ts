// The charts of `tokenizer compare`: bars for the terminal, and a page that needs nothing else.
import { alignColumns, formatBytes, formatCount, printable } from '../base/format.js';
import { escapeHtml } from '../report/escape.js';
import { pageHtml, section } from '../report/page.js';
import { barChart } from '../report/svg.js';
import type { CompressionFigures } from '../tokenizer/compression.js';
import { shownPath } from './output.js';

export const groupings = ['language', 'domain'] as const;

export interface ComparisonRow extends CompressionFigures {
  tokenizer: string;
  vocabSize: number;
  by: (typeof groupings)[number];
  group: string;
}

interface Measure {
  name: string;
  better: string;
  digits: number;
  /** Null where there is too little of what is counted: a tenth of the text must be made of it. */
  of: (row: ComparisonRow) => number | null;
}

const more = 'more is better';
const less = 'less is better';
const measures: readonly Measure[] = [
  { name: 'bytes/token', better: more, digits: 3, of: (row) => row.bytesPerToken },
  {
    name: 'bits/Han',
    better: less,
    digits: 2,
    of: (row) => (30 * row.hanCharacters < row.bytes ? null : row.bitsPerHan),
  },
  {
    name: 'tokens/word',
    better: less,
    digits: 3,
    of: (row) => (50 * row.words < row.bytes ? null : row.tokensPerWord),
  },
];

type MeasureBar = ReturnType<typeof barsOf>[number];

const barWidth = 40;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** One chart a measure, each with bars on one scale: `zh  cl100k  ████▌ 1.234`. */
export function barsText(rows: readonly ComparisonRow[]): string {
  return measures
    .map((measure) => ({ ...measure, bars: barsOf(measure, rows) }))
    .filter(({ bars }) => bars.length > 0)
    .map(({ name, better, bars }) => `${name} (${better})\n${linesOf(bars).join('\n')}`)
    .join('\n\n');
}

function linesOf(bars: readonly MeasureBar[]): string[] {
  const max = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ group, tokenizer, value, text }, i) => {
    const units = Math.max(1, Math.round((8 * barWidth * value) / max));
    const bar = '█'.repeat(units >> 3) + eighths[units & 7];
    return [group === bars[i - 1]?.group ? '' : group, tokenizer, `${bar} ${text}`];
  });
  return alignColumns(rows);
}

/** A page with every chart, by language and by domain. */
export function comparisonPage(rows: readonly ComparisonRow[]): string {
  const sizes = [...new Map(rows.map((row) => [shownName(row.tokenizer), row.vocabSize]))];
  const list = sizes.map(([name, size]) => `${escapeHtml(name)}: ${formatCount(size)} ids`).join('<br>');
  const sections = measures.flatMap((measure) =>
    groupings.map((by) => {
      const title = `${measure.name} by ${by} (${measure.better})`;
      const own = rows.filter((row) => row.by === by);
      const bars = barsOf(measure, own);
      const labelled = bars.map((bar) => ({
        ...bar,
        label: `${bar.group} · ${bar.tokenizer}`,
        colour: sizes.findIndex(([name]) => name === bar.tokenizer),
      }));
      if (bars.length === 0) return '';
      return section(title, `<div class="card">${barChart(title, 720, labelled)}</div>`);
    }),
  );
  const bytes = rows.reduce((sum, row) => sum + (row.by === 'language' ? row.bytes : 0), 0) / sizes.length;
  const body = `<h1>Tokenizers</h1><p class="lead">On ${formatBytes(bytes)} of text<br>${list}</p>${sections.join('')}`;
  return pageHtml('Tokenizers', body, legend.split('\n').slice(0, 2).join('; '));
}

function barsOf({ of, digits }: Measure, rows: readonly ComparisonRow[]) {
  return rows.flatMap((row) => {
    const value = of(row);
    if (value === null || value <= 0) return [];
    return [{ group: printable(row.group), tokenizer: shownName(row.tokenizer), value, text: value.toFixed(digits) }];
  });
}

/** As it can be printed: a folder from here. */
export function shownName(tokenizer: string): string {
  return printable(tokenizer.includes('/') ? shownPath(tokenizer) : tokenizer);
}

export const legend = `bits/Han: tokens per Han character × log2 of the vocabulary (less is better)
tokens/word: fertility, over words in Latin script
partial: tokens that are no whole characters`;
