// Held-out results, ready to be shown: the rows of the table, what each column gained on another, and a sentence that says
// whether that is more than chance.
import { listOf } from '../base/format.js';
import type { Comparison, EvaluationColumn, EvaluationTable } from './event.js';
import { formatDifference, formatInterval, formatMetric, type GainVerdict, meaningOf, verdictOf } from './meaning.js';

/** The results of one of several runs that a table is the mean of. */
interface NamedTable {
  /** 'seed 1'. */
  name: string;
  table: EvaluationTable;
}

interface Row<Cell> {
  metric: string;
  /** The metric, or the run that this row is about. */
  name: string;
  /** It belongs to the row above it. */
  isPart: boolean;
  /** One a column, in the order of the columns. */
  cells: Cell[];
}

interface ResultCell {
  text: string;
  /** "[39.1, 52.4]", or empty. */
  interval: string;
  /** It wins its row (never where all are equal). */
  best: boolean;
}

/** A row a metric, in the order in which the columns first name them; below a metric without parts, one for each run. */
export function resultRows(columns: readonly EvaluationColumn[], runs: readonly NamedTable[] = []): Row<ResultCell>[] {
  const records = columns.map(({ metrics }) => metrics);
  return rowsOf(records, runs, (metric, run) => {
    const columnOf = (label: string) => run?.columns.find((column) => column.label === label);
    return resultCells(metric, run === undefined ? columns : columns.map(({ label }) => columnOf(label)));
  });
}

function resultCells(metric: string, columns: readonly (EvaluationColumn | undefined)[]): ResultCell[] {
  const better = meaningOf(metric)?.better;
  const values = columns.map((column) => ownValue(column?.metrics, metric) ?? Number.NaN);
  const finite = values.filter(Number.isFinite);
  const best = better === 'lower' ? Math.min(...finite) : Math.max(...finite);
  const contested = better !== undefined && new Set(finite).size > 1;
  return values.map((value, i) => ({
    text: formatMetric(metric, value),
    interval: formatInterval(metric, ownValue(columns[i]?.intervals, metric)),
    best: contested && value === best,
  }));
}

interface GainCell {
  text: string;
  interval: string;
  verdict: GainVerdict;
}

/** A row a metric, and one for each run as above; a cell a comparison, undefined where it does not have this metric. */
export function gainRows(
  comparisons: readonly Comparison[],
  runs: readonly NamedTable[] = [],
): Row<GainCell | undefined>[] {
  const records = comparisons.map(({ differences }) => differences);
  return rowsOf(records, runs, (metric, run) => {
    const own = run === undefined ? comparisons : (run.comparisons ?? []);
    return comparisons.map(({ from, to }) => {
      const difference = ownValue(own.find((each) => each.from === from && each.to === to)?.differences, metric);
      if (difference === undefined) return undefined;
      return { ...formatDifference(metric, difference), verdict: verdictOf(metric, difference) };
    });
  });
}

/** The rows of all metrics that the records name; `cellsOf` takes the table of a run for the row of that run. */
function rowsOf<Cell>(
  records: readonly Record<string, unknown>[],
  runs: readonly NamedTable[],
  cellsOf: (metric: string, run?: EvaluationTable) => Cell[],
): Row<Cell>[] {
  const metrics = new Set(records.flatMap(Object.keys));
  return partsBelow(metrics).flatMap((metric) => {
    const isPart = !isWhole(metric, metrics);
    const parts = isPart ? [] : runs.map(({ name, table }) => ({ name, isPart: true, cells: cellsOf(metric, table) }));
    return [{ name: metric, isPart, cells: cellsOf(metric) }, ...parts].map((row) => ({ metric, ...row }));
  });
}

/** In the order in which they are named, but each part right below its whole, wherever it was named. */
function partsBelow(metrics: ReadonlySet<string>): string[] {
  const all = [...metrics];
  return all
    .filter((metric) => isWhole(metric, metrics))
    .flatMap((whole) => [whole, ...all.filter((each) => !isWhole(each, metrics) && each.split('.')[0] === whole)]);
}

/** Not a part, such as `correct.parity`, of another row. */
function isWhole(metric: string, metrics: ReadonlySet<string>): boolean {
  return !metric.includes('.') || !metrics.has(metric.split('.')[0]);
}

const verdicts: readonly [GainVerdict, string][] = [
  ['better', 'better beyond noise in'],
  ['worse', 'worse beyond noise in'],
  ['within noise', 'within noise:'],
];

/** Whether `to` beats `from`, in the metrics that sum the others up. `basis`: what the difference was taken over. */
export function sentenceOf(comparison: Comparison, basis = 'on the same held-out tasks and texts'): string {
  const gains = gainRows([comparison]).filter(({ isPart }) => !isPart);
  const parts = verdicts.flatMap(([verdict, words]) => {
    const named = gains.flatMap(({ metric, cells: [cell] }) =>
      cell?.verdict === verdict ? [`${metric} (${cell.text} ${cell.interval})`] : [],
    );
    return named.length === 0 ? [] : [`${words} ${listOf(named)}`];
  });
  const { from, to } = comparison;
  if (isUnchanged(comparison)) return `${to} against ${from}: the same model, handed on unchanged.`;
  return `${to} against ${from}, ${basis}: ${parts.join('; ') || 'nothing to compare'}.`;
}

/** The model of `from`, handed on by `to`. */
export function isUnchanged({ differences }: Comparison): boolean {
  const all = Object.values(differences);
  return all.length > 0 && all.every(({ mean, low, high }) => mean === 0 && low === 0 && high === 0);
}

export interface ResultsOptions {
  /** What the gains were taken over, for their sentences. */
  basis?: string;
  /** The runs that the table is the mean of. */
  runs?: readonly NamedTable[];
  /** The gains have been put in words elsewhere on the page. */
  withoutSentences?: boolean;
  /** Above the gains on a page; default: what each stage gained. */
  gainsTitle?: string;
}

/** "sft − base". */
export function gainLabel({ from, to }: Comparison): string {
  return `${to} − ${from}`;
}

function ownValue<T>(record: Record<string, T> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
