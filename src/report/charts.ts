// Which curves a stage's events make: the loss large, the learning rate and gradient norm small, and one chart for each
// family of held-out metrics.
import { countOf } from '../base/format.js';
import { escapeHtml } from './escape.js';
import type { Event, Metrics } from './event.js';
import { formatMetric, meaningOf } from './meaning.js';
import type { TimedEvent } from './metrics.js';
import { type ChartOptions, lineChart, type Point, type Series } from './svg.js';

type StepEvent = Extract<Event, { type: 'step' }>;
const seriesPerChart = 6;

/** Figures of steps that have a chart, at most; those that docs/online.md says to watch come first, as it lists them. */
const maxStepFigures = 24;
const watchedFirst: readonly string[] = [
  ...['reward', 'reward_std', 'frac_reward_zero_std', 'rewards/right', 'rewards/alike', 'rewards/missing'],
  ...['completions/mean_length', 'completions/mean_terminated_length', 'completions/clipped_ratio'],
  ...['clip_ratio/low_mean', 'clip_ratio/high_mean', 'kl'],
  ...['loss/value_avg', 'val/explained_variance', 'policy/approxkl_avg', 'val/clipfrac_avg'],
  ...['entropy', 'divergence', 'sampling_share'],
];

/** The charts of one stage; empty where it has no curve. */
export function stageCharts(events: readonly TimedEvent[]): string {
  const { steps, evaluations, counted } = curvesOf(events);
  const heldOut = metricSeries(evaluations);
  const loss = counted === 'step' ? heldOut.get('heldOutLoss') : undefined;
  const figures = [
    ...(steps.length > 1 ? trainingFigures(steps, loss ?? []) : []),
    ...[...heldOut]
      .filter(([, series]) => series !== loss || steps.length < 2)
      .flatMap(([family, series]) => heldOutFigures(family, series, counted)),
  ];
  return figures.length === 0 ? '' : `<div class="charts">${figures.join('')}</div>`;
}

export interface Curves {
  steps: [x: number, StepEvent][];
  evaluations: [x: number, Metrics][];
  /** What the evaluations are counted in: training steps, or rounds of training. */
  counted: 'step' | 'round';
}

/** Rounds count their steps from 1 again; along the axis they follow one another. */
export function curvesOf(events: readonly TimedEvent[]): Curves {
  const all: Curves = { steps: [], evaluations: [], counted: 'step' };
  let offset = 0;
  let last = 0;
  for (const event of events) {
    if (event.type === 'step') {
      if (event.step <= last) offset += last;
      last = event.step;
      all.steps.push([offset + event.step, event]);
    } else if (event.type === 'evaluation') {
      if (last > 0 && event.step !== last) all.counted = 'round';
      all.evaluations.push([event.step, event.metrics]);
    }
  }
  return all;
}

function trainingFigures(steps: readonly [number, StepEvent][], heldOutLoss: readonly Series[]): string[] {
  const of = (value: (event: StepEvent) => number): Point[] => steps.map(([x, event]) => [x, value(event)]);
  const one = (title: string, metric: string, value: (event: StepEvent) => number): string =>
    figure('', title, metric, [{ name: title, points: of(value), smooth: metric !== 'learningRate' }]);
  const name = heldOutLoss.length > 0 ? 'training' : 'training loss';
  const train: Series = { name, points: of(({ loss }) => loss), smooth: true };
  const all = new Set(steps.flatMap(([, { metrics }]) => Object.keys(metrics ?? {})));
  const extra = [...new Set([...watchedFirst.filter((name) => all.has(name)), ...all])];
  const charted = extra.slice(0, maxStepFigures);
  const others = extra.length - charted.length;
  return [
    figure('wide', 'Loss', 'loss', [train, ...heldOutLoss.map((series) => ({ ...series, name: 'held-out' }))]),
    one('Learning rate', 'learningRate', (event) => event.learningRate),
    one('Gradient norm', 'gradientNorm', (event) => event.gradientNorm),
    ...charted.map((name) => one(name, name, ({ metrics }) => metrics?.[name] ?? Number.NaN)),
    ...(others > 0 ? [`<p>${countOf(others, 'more figure')} of the steps in metrics.jsonl</p>`] : []),
  ];
}

/** Family → one series for each of its members, where there are two points. */
function metricSeries(evaluations: readonly [number, Metrics][]): Map<string, Series[]> {
  const points = new Map<string, Point[]>();
  for (const [x, metrics] of evaluations)
    for (const [name, value] of Object.entries(metrics)) points.set(name, [...(points.get(name) ?? []), [x, value]]);
  const families = new Map<string, Series[]>();
  for (const [name, values] of points) {
    if (values.length < 2) continue;
    const { family, member } = nameParts(name);
    const series = { name: member || 'all', points: values, dots: values.length <= 25, dashed: member === '' };
    families.set(family, [...(families.get(family) ?? []), series]);
  }
  return families;
}

/** `bitsPerByte.zh` → bitsPerByte, zh; `bitsPerByte.source.poems` → bitsPerByte.source, poems. */
function nameParts(name: string): { family: string; member: string } {
  const parts = name.split('.');
  const depth = parts.length > 2 && parts[1] === 'source' ? 2 : 1;
  return { family: parts.slice(0, depth).join('.'), member: parts.slice(depth).join('.') };
}

function heldOutFigures(family: string, series: readonly Series[], counted: Curves['counted']): string[] {
  const figures: string[] = [];
  for (let i = 0; i < series.length; i += seriesPerChart)
    figures.push(
      figure('half', heldOutTitle(family, series.length), family, series.slice(i, i + seriesPerChart), counted),
    );
  return figures;
}

/** `correct` → `Held-out correct`; names that already say what they were measured on stay. */
function heldOutTitle(family: string, count: number): string {
  // Stages measure no more sources than one chart shows.
  const bySource = count === seriesPerChart ? ` by source (the ${count} with the most text)` : ' by source';
  const title = family.replace(/\.source$/, bySource);
  return meaningOf(family) === undefined || /^(heldOut|sampled)/.test(family) ? title : `Held-out ${title}`;
}

function figure(
  size: '' | 'half' | 'wide',
  title: string,
  metric: string,
  series: readonly Series[],
  xLabel = 'step',
): string {
  const meaning = meaningOf(metric);
  const hint = meaning === undefined ? '' : ` · ${meaning.better} is better`;
  const shape = {
    wide: { width: 660, height: 330 },
    half: { width: 490, height: 220 },
    '': { width: 330, height: 165 },
  };
  const format = valueFormat(metric, series);
  const tickFormat = (value: number): string => withoutZeros(format(value));
  const options: ChartOptions = { title, xLabel, format, tickFormat, ...shape[size] };
  const caption = `<figcaption>${escapeHtml(title)}${hint}</figcaption>`;
  return `<figure${size === '' ? '' : ` class="${size}"`}>${caption}${lineChart(options, series)}</figure>`;
}

function valueFormat(metric: string, series: readonly Series[]): (value: number) => string {
  const values = series.flatMap(({ points }) => points.map(([, y]) => Math.abs(y))).filter(Number.isFinite);
  const max = values.reduce((a, b) => Math.max(a, b), 0);
  const isTiny = max > 0 && max < 0.01;
  return isTiny ? (value) => (value === 0 ? '0' : value.toExponential(1)) : (value) => formatMetric(metric, value);
}

/** 2.500 → 2.5, 80.0% → 80%, 1.0e-3 → 1e-3. */
function withoutZeros(text: string): string {
  return text.replace(/\.(\d*?)0+(?=%|e|$)/, (_, digits: string) => (digits === '' ? '' : `.${digits}`));
}
