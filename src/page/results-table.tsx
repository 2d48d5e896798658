// Figures with their 95 % intervals: a row a metric, a column a checkpoint. On a narrow screen a metric's name stands above its
// figures, so that the page does not scroll sideways.
import { formatDifference, formatInterval, formatMetric, meaningOf } from '../report/meaning.js';
import { metricName, metricTitle } from './metric-words.js';
import type { Words } from './words.js';

export interface Figure {
  column: string;
  metric: string;
  value: number;
  low?: number;
  high?: number;
  /** It is what was gained, not a value. */
  isGain?: boolean;
}

interface ResultsTableProps {
  figures: readonly Figure[];
  words: Words;
  /** The best of a metric is marked only where its gain is beyond chance: the interval excludes 0. */
  needsGain?: boolean;
}

/** What sums up comes first; a metric of one family, language or source stands behind a line that is opened. */
export function ResultsTable(props: ResultsTableProps) {
  const { figures, words } = props;
  const all = new Set(figures.map(({ metric }) => metric));
  const isPart = ({ metric }: Figure): boolean => metric.includes('.') && all.has(metric.split('.')[0]);
  const parts = figures.filter(isPart);
  return (
    <>
      <Table {...props} figures={figures.filter((figure) => !isPart(figure))} />
      {parts.length > 0 && (
        <details class="parts">
          <summary>{words.watch.parts(new Set(parts.map(({ metric }) => metric)).size)}</summary>
          <Table {...props} figures={parts} />
        </details>
      )}
    </>
  );
}

function Table({ figures, words, needsGain = false }: ResultsTableProps) {
  const columns = [...new Set(figures.map(({ column }) => column))];
  const metrics = [...new Set(figures.map(({ metric }) => metric))];
  return (
    <table class="results">
      <thead>
        <tr>
          <th scope="col">{words.watch.metric}</th>
          {columns.map((column) => (
            <th scope="col" key={column}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {metrics.map((metric) => (
          <Row
            key={metric}
            {...{ metric, columns, words, needsGain }}
            figures={figures.filter((each) => each.metric === metric)}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  metric: string;
  columns: readonly string[];
  figures: readonly Figure[];
  words: Words;
  needsGain: boolean;
}

function Row({ metric, columns, figures, words, needsGain }: RowProps) {
  const meaning = meaningOf(metric);
  const finite = figures.flatMap(({ value, isGain }) => (isGain || !Number.isFinite(value) ? [] : [value]));
  const best = meaning?.better === 'lower' ? Math.min(...finite) : Math.max(...finite);
  const gain = figures.find(({ isGain }) => isGain);
  const isClear = !needsGain || (gain?.low ?? 0) > 0 || (gain?.high ?? 0) < 0;
  const isContested = meaning !== undefined && new Set(finite).size > 1 && isClear;
  return (
    <tr>
      <th scope="row">
        <span title={metricTitle(words, metric)}>{metricName(words, metric)}</span>
        {meaning !== undefined && (
          <abbr title={words.watch[meaning.better]}>{meaning.better === 'lower' ? '↓' : '↑'}</abbr>
        )}
      </th>
      {columns.map((column) => {
        const figure = figures.find((each) => each.column === column);
        const isBest = isContested && !figure?.isGain && figure?.value === best;
        return (
          <td key={column} data-column={column} class={isBest ? 'best' : ''}>
            <span>{figure === undefined ? '–' : valueText(figure, words)}</span>{' '}
            {figure !== undefined && <small class="interval">{intervalText(figure)}</small>}
          </td>
        );
      })}
    </tr>
  );
}

function valueText({ metric, value, isGain }: Figure, words: Words): string {
  if (!isGain) return formatMetric(metric, value);
  const { text } = formatDifference(metric, { mean: value, low: Number.NaN, high: Number.NaN });
  return text.replace(/ points$/, words.watch.points);
}

function intervalText({ metric, value, low, high, isGain }: Figure): string {
  if (low === undefined || high === undefined) return '';
  return isGain ? formatDifference(metric, { mean: value, low, high }).interval : formatInterval(metric, { low, high });
}
