// Tool use by tool and by language, as a table for the terminal and the report: a row for each of them, of each checkpoint.
import { ratio, type Unit } from '../base/statistics.js';
import type { EvaluationTable } from '../report/event.js';
import { formatMetric } from '../report/meaning.js';
import type { ShownTable } from '../report/questions-page.js';
import type { Measurements } from './measurements.js';

/** Metrics of tool use that have parts, and their columns. */
const columns = {
  callPrecision: 'precision',
  callRecall: 'recall',
  rightArguments: 'arguments',
  toolAnswer: 'answers',
  toolAnswerWithoutTools: 'without',
  directAnswer: 'direct',
} as const;
const partOf = new RegExp(`^(${Object.keys(columns).join('|')}|directAnswerWithoutTools|abstention)\\.(.+)$`, 's');

/** Undefined where nothing was asked with tools. */
export function toolTable(measured: readonly { label: string; measurements: Measurements }[]): ShownTable | undefined {
  const rows = measured.flatMap(({ label, measurements }) => {
    const parts = new Set([...measurements.keys()].flatMap((metric) => partOf.exec(metric)?.[2] ?? []));
    return [...parts].sort(byKind).map((part) => {
      const cells = Object.keys(columns).map((metric) => cellOf(metric, measurements.get(`${metric}.${part}`)));
      const name = Object.hasOwn(languageNames, part) ? (languageNames[part] ?? part) : part;
      return [measured.length === 1 ? name : `${label}: ${name}`, ...cells];
    });
  });
  if (rows.length === 0) return undefined;
  return {
    title: 'Tools',
    header: ['', ...Object.values(columns)],
    rows,
    note: 'answers, without: right final answers where a call is right, with tools and without; direct: right without a call, where none is.',
  };
}

/** Beside the names of tools, `en` would read as one more. */
const languageNames: Readonly<Partial<Record<string, string>>> = {
  zh: '(in Chinese)',
  en: '(in English)',
  other: '(in no one language)',
};

/** Tools before languages, each by name. */
function byKind(a: string, b: string): number {
  const isLanguage = (part: string): number => Number(Object.hasOwn(languageNames, part));
  return isLanguage(a) - isLanguage(b) || (a < b ? -1 : 1);
}

function cellOf(metric: string, units: readonly Unit[] | undefined): string {
  return units === undefined ? '–' : formatMetric(metric, ratio(units));
}

/** The table without what `toolTable` shows. */
export function withoutToolParts({ columns: all, comparisons }: EvaluationTable): EvaluationTable {
  const kept = <T>(record: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).filter(([metric]) => !partOf.test(metric)));
  return {
    columns: all.map((column) => ({
      ...column,
      metrics: kept(column.metrics),
      ...(column.intervals && { intervals: kept(column.intervals) }),
    })),
    ...(comparisons && {
      comparisons: comparisons.map((each) => ({ ...each, differences: kept(each.differences) })),
    }),
  };
}
