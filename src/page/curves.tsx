// A chart that grows while it is watched: drawn by uPlot, in the page's colours, with its values in words for who cannot see it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { formatShort } from '../base/format.js';
import { formatMetric, meaningOf } from '../report/meaning.js';
import type { Chart, ChartSeries } from './curve-data.js';
import { memberName, metricName, metricTitle } from './metric-words.js';
import type { Words } from './words.js';

interface CurveProps {
  chart: Chart;
  /** Names of the runs, where two are compared. */
  runs: readonly string[];
  words: Words;
}

const colours = 6;
/** Steps and rounds are whole. */
const wholeSteps = [
  1,
  2,
  5,
  ...Array.from({ length: 10 }, (_, power) => [10, 20, 25, 50].map((step) => step * 10 ** power)).flat(),
];

export function Curve({ chart, runs, words }: CurveProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const { metric, series, isWide, isThinned } = chart;
  const isAlone = series.every(({ name }) => name === series[0].name);
  const names = series.map((each) => nameOf(each, runs, words, isAlone));
  const shape = [words.code, ...names, ...series.map(({ isFaint, run, colour }) => `${isFaint}${run}${colour}`)].join(
    '|',
  );
  const data = uPlot.join(
    series.map(({ points }) => [points.map(([x]) => x), points.map(([, y]) => (Number.isFinite(y) ? y : null))]),
  );

  // A chart is made once for its lines (`shape`), and given new points as they come.
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(chart, names, words, sizeOf(element, isWide)), data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(sizeOf(element, isWide)));
    observer.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => made.redraw(false, true);
    scheme.addEventListener('change', redraw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener('change', redraw);
      made.destroy();
    };
  }, [shape, metric, isWide]);
  useEffect(() => plot.current?.setData(data));

  const better = meaningOf(metric)?.better;
  return (
    <figure class={isWide ? 'curve wide' : 'curve'}>
      <figcaption>
        <b class="curve-name" title={metricTitle(words, metric)}>
          {metricName(words, metric)}
        </b>
        {better !== undefined && <span class="soft">{words.watch[better]}</span>}
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={spoken(chart, names, words)} />
      <ul class="legend">
        {series.map((each, i) =>
          each.isFaint ? null : (
            <li key={names[i]}>
              <span class={`key s${each.colour}${each.run > 0 ? ' dashed' : ''}`} />
              {names[i]} <b class="number">{lastValue(metric, each)}</b>
            </li>
          ),
        )}
      </ul>
      {isThinned && <small class="soft">{words.watch.thinned}</small>}
    </figure>
  );
}

function optionsOf(
  chart: Chart,
  names: readonly string[],
  words: Words,
  size: { width: number; height: number },
): uPlot.Options {
  const { metric, series } = chart;
  const axis: uPlot.Axis = {
    stroke: () => colour('--soft'),
    grid: { stroke: () => colour('--rule'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    ...size,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { x: { time: false }, ...(meaningOf(metric)?.percent && { y: { range: shareRange } }) },
    axes: [
      { ...axis, size: 28, incrs: wholeSteps, values: (_, ticks) => ticks.map(formatShort) },
      { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => tickText(metric, tick)) },
    ],
    series: [
      { label: words.watch.step },
      ...series.map(
        (each, i): uPlot.Series => ({
          label: names[i],
          stroke: () => colour(`--series-${each.colour % colours}`),
          width: each.isFaint ? 1 : 1.8,
          alpha: each.isFaint ? 0.28 : 1,
          spanGaps: true,
          points: { show: !each.isFaint && each.points.length <= 25, size: 5 },
          ...(each.run > 0 && { dash: [6, 4] }),
        }),
      ),
    ],
  };
}

/** @param isAlone no other member of the family is in the chart. */
function nameOf({ name, run }: ChartSeries, runs: readonly string[], words: Words, isAlone: boolean): string {
  const own = name === '' ? (isAlone ? [] : [words.watch.overall]) : [memberName(words, name)];
  return [...(runs.length > 1 ? [runs[run]] : []), ...own].join(' · ');
}

/** A share is never drawn below 0 nor above 100 %. */
function shareRange(_: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  const [from, to] = [low ?? 0, high ?? 1];
  const edge = Math.max(0.02, 0.1 * (to - from));
  return [Math.max(0, from - edge), Math.min(1, to + edge)];
}

function sizeOf({ clientWidth }: HTMLElement, isWide: boolean): { width: number; height: number } {
  return { width: clientWidth, height: isWide ? 280 : 180 };
}

/** As the style sheet has it now, light or dark. */
function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

function tickText(metric: string, tick: number): string {
  return meaningOf(metric)?.percent ? `${Number((100 * tick).toPrecision(4))}%` : formatShort(tick);
}

function lastValue(metric: string, { points }: ChartSeries): string {
  return formatMetric(metric, points.at(-1)?.[1] ?? Number.NaN);
}

function spoken({ metric, series }: Chart, names: readonly string[], words: Words): string {
  return series
    .flatMap(({ points, isFaint }, i) => {
      if (isFaint) return [];
      const [first, last] = [points[0], points[points.length - 1]].map(([, y]) => formatMetric(metric, y));
      return [words.watch.chartLabel(`${metricName(words, metric)} ${names[i]}`, first, last)];
    })
    .join('; ');
}
