// What each round of alignment was decided by: the points between the old weights and the new ones, what each of them gained and
// what it forgot, and which was promoted.
import { escapeHtml } from './escape.js';
import type { GatePoint } from './event.js';
import { formatDifference, formatMetric } from './meaning.js';
import { headerHtml, rowHtml, section, tableHtml } from './page.js';
import { type Of, ofType, type RunFacts } from './sections.js';
import { lineChart, type Point, type Series } from './svg.js';

type Gate = Of<'gate'>;

/** Lines of one chart, at most. */
const maxSeries = 6;
const textMetric = /^bitsPerByte\./;

export function gateSection({ events }: RunFacts): string {
  const newest = new Map(ofType(events, 'gate').map((gate) => [gate.round, gate]));
  if (newest.size === 0) return '';
  const lead =
    'Points between the old weights (0 %) and the new ones (100 %), each measured on held-out tasks and text that the results above do not use. Promoted is the one whose gain has the highest lower bound, of those that stay within the budgets (align.gate).';
  const rounds = [...newest.values()].map(gateHtml);
  return section('What was promoted', `<p class="soft">${escapeHtml(lead)}</p>${rounds.join('')}`);
}

function gateHtml(gate: Gate): string {
  const { round, alpha } = gate;
  const outcome = alpha === 0 ? 'the earlier policy stays' : `promoted at ${percent(alpha)}`;
  const title = `<h3>Round ${round} <span class="soft">(${outcome})</span></h3>`;
  return `<div class="card">${title}${charts(gate)}</div>${tableHtml(headerHtml(headersOf(gate)), rowsOf(gate))}`;
}

function charts({ metric, points }: Gate): string {
  const [policy] = points;
  const texts = Object.keys(policy?.metrics ?? {}).filter((name) => textMetric.test(name));
  const gain = [{ name: metric, points: seriesOf(points, metric), dots: true }];
  const forgotten = texts
    .slice(0, maxSeries)
    .map((name) => ({ name: name.replace(textMetric, ''), points: seriesOf(points, name), dots: true }));
  const figures = [
    chart(`Held-out ${metric}, gained`, metric, gain),
    ...(forgotten.length > 0
      ? [chart('Bits per byte of held-out text, more than before', 'bitsPerByte', forgotten)]
      : []),
  ];
  return `<div class="charts">${figures.join('')}</div>`;
}

/** Gains by α in percent; the policy itself has gained nothing. */
function seriesOf(points: readonly GatePoint[], metric: string): Point[] {
  return points.map(({ alpha, gains }): Point => [100 * alpha, ownGain(gains, metric)?.mean ?? 0]);
}

function chart(title: string, metric: string, series: readonly Series[]): string {
  const format = (value: number): string => formatDifference(metric, { mean: value, low: NaN, high: NaN }).text;
  const drawing = lineChart(
    {
      title,
      xLabel: 'share of the way from the old weights to the new ones',
      ...{ width: 490, height: 220, format, tickFormat: (value: number) => String(Number(value.toPrecision(6))) },
      xTickFormat: (value) => `${value}%`,
    },
    series,
  );
  return `<figure class="half"><figcaption>${escapeHtml(title)}</figcaption>${drawing}</figure>`;
}

function headersOf({ metric, points }: Gate): string[] {
  return ['share', metric, 'gain', ...textsOf(points), 'decision'];
}

function textsOf(points: readonly GatePoint[]): string[] {
  return Object.keys(points[0]?.metrics ?? {}).filter((name) => textMetric.test(name));
}

function rowsOf({ alpha: kept, metric, points }: Gate): string[] {
  const texts = textsOf(points);
  return points.map(({ alpha, metrics, gains, why }) => {
    const cells = [
      formatMetric(metric, metrics[metric] ?? Number.NaN),
      gainHtml(metric, gains),
      ...texts.map((name) => gainHtml(name, gains)),
    ];
    const decision = alpha === kept ? '<b>promoted</b>' : `<span class="soft">${escapeHtml(why ?? '')}</span>`;
    const words = alpha === 0 ? (kept === 0 ? '<b>stays</b>' : '<span>the policy</span>') : decision;
    return rowHtml(percent(alpha), cells, `<td>${words}</td>`);
  });
}

function gainHtml(metric: string, gains: GatePoint['gains']): string {
  const gain = ownGain(gains, metric);
  if (gain === undefined) return '–';
  const { text, interval } = formatDifference(metric, gain);
  return `${escapeHtml(text)} <span class="soft">${escapeHtml(interval)}</span>`;
}

function ownGain(gains: GatePoint['gains'], metric: string): GatePoint['gains'][string] | undefined {
  return Object.hasOwn(gains, metric) ? gains[metric] : undefined;
}

function percent(alpha: number): string {
  return `${Number((100 * alpha).toPrecision(6))} %`;
}
