// Stroke charts as inline SVG: axes with round ticks, a faint raw line under a smoothed one, the last value written at its
// end. No scripts; colours come from the page's CSS (`--series-0` …), so that light and dark need one drawing.
import { displayWidth, shorten } from '../base/format.js';
import { escapeHtml } from './escape.js';

export type Point = readonly [x: number, y: number];

export interface Series {
  name: string;
  points: readonly Point[];
  /** Draw the raw points faintly under a moving mean, where there are enough. */
  smooth?: boolean;
  /** Few points, each of which counts: mark them. */
  dots?: boolean;
  /** What the line was fitted to: marked beside it. */
  marks?: readonly Point[];
  /** No value at its end: the axis says enough. */
  unlabelled?: boolean;
  /** Dashed, above the others: it may run along one of them, which is to be seen as well. */
  dashed?: boolean;
}

export interface ChartOptions {
  title: string;
  xLabel: string;
  /** Of the drawing; the page scales it. */
  width: number;
  height: number;
  /** Of values; ticks drop needless zeros. */
  format: (value: number) => string;
  tickFormat: (value: number) => string;
  /** Logarithmic axes, for values above 0. */
  logX?: boolean;
  logY?: boolean;
  /** Default: whole numbers with separators. */
  xTickFormat?: (value: number) => string;
}

/** Points that one line needs at most: more than its pixels show nothing new. */
const maxPoints = 500;
const seriesColours = 6;
const labelHeight = 13;

export function lineChart(options: ChartOptions, series: readonly Series[]): string {
  const drawn = series.map((one, index) => ({ ...one, lines: linesOf(one), colour: index % seriesColours }));
  const all = drawn
    .flatMap(({ lines, marks = [] }) => [...marks, ...lines.flatMap(({ points }) => points)])
    .filter(isFinitePoint);
  const items = series.length > 1 ? legendItems(series, options.width) : [];
  const frame = frameOf(options, all, Math.max(0, ...items.map(({ row }) => row + 1)));
  // The first lies on top.
  const shapes = drawn.toReversed().flatMap(({ lines, dots, marks = [], colour, dashed }) => [
    ...lines.map(({ points, faint }) => {
      const kind = `${faint ? ' faint' : ''}${dashed && series.length > 1 ? ' dashed' : ''}`;
      return path(points, frame, `s${colour}${kind}`) + (dots ? circles(points, frame, colour) : '');
    }),
    circles(marks, frame, colour),
  ]);
  const label = `${options.title}: ${drawn.map(({ name, lines }) => `${name} ${ends(lines[lines.length - 1].points, options.format)}`).join('; ')}`;
  return [
    `<svg class="chart" viewBox="0 0 ${options.width} ${options.height}" role="img" aria-label="${escapeHtml(label)}">`,
    axes(options, frame),
    ...shapes,
    endLabels(
      drawn.filter(({ unlabelled }) => !unlabelled),
      frame,
      options,
    ),
    legend(items),
    '</svg>',
  ].join('');
}

/** Round numbers (1, 2, 2.5, 5 × 10^n) that cover `low`..`high`, about `count` of them. */
export function niceTicks(low: number, high: number, count: number): number[] {
  if (low === high) return [low];
  const span = high - low;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = power * ([1, 2, 2.5, 5, 10].find((m) => m * power >= (span / count) * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Ticks of a logarithmic axis: 1, 2, 5 × 10^n or, where they are too many, powers of ten; within a decade, round numbers. */
export function logTicks(low: number, high: number, count: number): number[] {
  if (high < 10 * low) return niceTicks(low, high, count);
  const powers = niceTicks(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)), 99);
  const [fine, coarse] = [[1, 2, 5], [1]].map((steps) =>
    powers
      .filter(Number.isInteger)
      .flatMap((power) => steps.map((step) => step * 10 ** power))
      .filter((tick) => tick >= low && tick <= high),
  );
  return fine.length <= count ? fine : coarse;
}

/** Points that a smoothed value is the mean of, of a line of so many; 1 where it is drawn as it is. */
export function smoothWindow(points: number): number {
  return points < 60 ? 1 : 2 * Math.round(points / 50) + 1;
}

/**
 * Mean over `radius` neighbours on each side: it does not lag behind. Near the beginning it has fewer, as many on both sides;
 * it ends where the last one has all: the mean of a few last points would be a spike.
 */
export function smooth(points: readonly Point[], radius: number): Point[] {
  const finite = points.filter(isFinitePoint);
  const sums = [0];
  for (const [, y] of finite) sums.push(sums[sums.length - 1] + y);
  return finite.slice(0, Math.max(1, finite.length - radius)).map(([x], i) => {
    const reach = Math.min(radius, i, finite.length - 1 - i);
    return [x, (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1)] as const;
  });
}

/** At most about `limit` points: of each run of neighbours the lowest and the highest, so that no spike is lost. */
export function thin(points: readonly Point[], limit: number): readonly Point[] {
  if (points.length <= limit) return points;
  const size = Math.ceil((points.length * 2) / limit);
  const kept: Point[] = [];
  for (let i = 0; i < points.length; i += size) {
    const run = points.slice(i, i + size);
    const low = run.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = run.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low === high ? [low] : [low, high].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}

interface Stroke {
  points: readonly Point[];
  faint: boolean;
}

function linesOf({ points, smooth: wanted }: Series): Stroke[] {
  const radius = (smoothWindow(points.length) - 1) / 2;
  if (!wanted || radius === 0) return [{ points: thin(points, maxPoints), faint: false }];
  return [
    { points: thin(points, maxPoints), faint: true },
    { points: thin(smooth(points, radius), maxPoints), faint: false },
  ];
}

interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  xTicks: number[];
  yTicks: number[];
  x: (value: number) => number;
  y: (value: number) => number;
}

function frameOf(options: ChartOptions, points: readonly Point[], legendRows: number): Frame {
  const { width, height, tickFormat, logX = false, logY = false } = options;
  const [x0, x1] = extent([...(logX ? [] : [0]), ...points.map(([x]) => x)]);
  const [low, high] = extent(points.map(([, y]) => y));
  const pad = (high - low || Math.abs(high) || 1) * 0.05;
  const [y0, y1] = logY
    ? [low * (low / high) ** 0.05, high * (high / low) ** 0.05]
    : [low >= 0 ? Math.max(0, low - pad) : low - pad, high + pad];
  const yTicks = (logY ? logTicks : niceTicks)(y0, y1, Math.max(2, Math.round(height / 45)));
  const left = 14 + 6.4 * Math.max(...yTicks.map((tick) => tickFormat(tick).length));
  const [right, top, bottom] = [width - 52, 10 + legendRows * legendRowHeight, height - 34];
  const across = scaleOf(x0, x1, logX);
  const up = scaleOf(y0, y1, logY);
  const x = (value: number): number => left + across(value) * (right - left);
  const y = (value: number): number => bottom - up(value) * (bottom - top);
  const xTicks = (logX ? logTicks : niceTicks)(x0, x1, Math.max(2, Math.round(width / 90))).filter(
    (tick) => logX || Number.isInteger(tick),
  );
  return { left, right, top, bottom, xTicks, yTicks, x, y };
}

/** Where a value lies between the two ends of its axis, from 0 to 1. */
function scaleOf(low: number, high: number, log: boolean): (value: number) => number {
  const place = log ? Math.log : (value: number) => value;
  const [from, to] = [place(low), place(high)];
  return (value) => (place(value) - from) / (to - from || 1);
}

const withSeparators = (value: number): string => value.toLocaleString('en-US');

function axes(options: ChartOptions, frame: Frame): string {
  const { xLabel, tickFormat, height, xTickFormat = withSeparators } = options;
  const { left, right, bottom, xTicks, yTicks, x, y } = frame;
  const rows = yTicks.map(
    (tick) =>
      `<line class="grid" x1="${left}" x2="${right}" y1="${at(y(tick))}" y2="${at(y(tick))}"/>` +
      `<text class="tick" text-anchor="end" x="${left - 6}" y="${at(y(tick) + 4)}">${escapeHtml(tickFormat(tick))}</text>`,
  );
  const columns = xTicks.map(
    (tick) =>
      `<text class="tick" text-anchor="middle" x="${at(x(tick))}" y="${bottom + 15}">${escapeHtml(xTickFormat(tick))}</text>`,
  );
  const label = `<text class="tick" text-anchor="middle" x="${at((left + right) / 2)}" y="${height - 4}">${escapeHtml(xLabel)}</text>`;
  return `${rows.join('')}<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>${columns.join('')}${label}`;
}

/** A value that is not finite breaks the line. */
function path(points: readonly Point[], { x, y }: Frame, kind: string): string {
  let pen = 'M';
  let d = '';
  for (const point of points) {
    if (isFinitePoint(point)) d += `${pen}${at(x(point[0]))} ${at(y(point[1]))}`;
    pen = isFinitePoint(point) ? 'L' : 'M';
  }
  return `<path class="line ${kind}" d="${d}"/>`;
}

function circles(points: readonly Point[], { x, y }: Frame, colour: number): string {
  return points
    .filter(isFinitePoint)
    .map(([px, py]) => `<circle class="dot s${colour}" cx="${at(x(px))}" cy="${at(y(py))}" r="3"/>`)
    .join('');
}

/** The last value of every line beside its end, pushed apart where they would overlap. */
function endLabels(
  drawn: readonly { lines: Stroke[]; colour: number }[],
  { x, y, top, bottom }: Frame,
  options: ChartOptions,
): string {
  const labels = drawn
    .flatMap(({ lines, colour }) => {
      const last = lines.at(-1)?.points.findLast(isFinitePoint);
      return last === undefined
        ? []
        : [{ x: x(last[0]) + 6, y: y(last[1]) + 4, text: options.format(last[1]), colour }];
    })
    .sort((a, b) => a.y - b.y);
  let floor = bottom + 4;
  for (const label of labels.toReversed()) {
    label.y = Math.min(label.y, floor);
    floor = label.y - labelHeight;
  }
  let ceiling = top;
  for (const label of labels) {
    label.y = Math.max(label.y, ceiling);
    ceiling = label.y + labelHeight;
  }
  return labels
    .map((one) => `<text class="end s${one.colour}" x="${at(one.x)}" y="${at(one.y)}">${escapeHtml(one.text)}</text>`)
    .join('');
}

export interface Bar {
  label: string;
  /** Above 0. */
  value: number;
  /** Written behind the bar. */
  text: string;
  /** Index of its colour; default: all have one. */
  colour?: number;
}

const barHeight = 16;
const barGap = 8;

/** Bars that lie below each other, the longest as wide as there is room. `title` is read aloud, not drawn. */
export function barChart(title: string, width: number, bars: readonly Bar[]): string {
  const left = Math.min(width / 3, 12 + 6.6 * Math.max(...bars.map(({ label }) => displayWidth(label))));
  const right = 12 + 6.4 * Math.max(...bars.map(({ text }) => displayWidth(text)));
  const max = Math.max(1, ...bars.map(({ value }) => value));
  const shapes = bars.map(({ label, value, text, colour = 0 }, index) => {
    const y = index * (barHeight + barGap);
    const length = Math.max(1, (value / max) * (width - left - right));
    return (
      `<text class="tick" x="${at(left - 8)}" y="${y + 12}" text-anchor="end">${escapeHtml(label)}</text>` +
      `<rect class="key s${colour % seriesColours}" x="${at(left)}" y="${y}" width="${at(length)}" height="${barHeight}" rx="3"/>` +
      `<text class="tick" x="${at(left + length + 8)}" y="${y + 12}">${escapeHtml(text)}</text>`
    );
  });
  const height = bars.length * (barHeight + barGap);
  const label = `${title}: ${bars.map((bar) => `${bar.label} ${bar.text}`).join('; ')}`;
  return `<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">${shapes.join('')}</svg>`;
}

interface LegendItem {
  name: string;
  colour: number;
  x: number;
  row: number;
}

const legendRowHeight = 16;
const legendLeft = 14;
/** Of a name, in columns. */
const maxLegendName = 32;

/** One behind the other, in as many rows as they need. */
function legendItems(series: readonly Series[], width: number): LegendItem[] {
  let [x, row] = [legendLeft, 0];
  return series.map(({ name: whole }, index) => {
    const name = displayWidth(whole) > maxLegendName ? shorten(whole, maxLegendName - 1) : whole;
    const length = 34 + displayWidth(name) * 6.4;
    if (x > legendLeft && x + length - 17 > width) [x, row] = [legendLeft, row + 1];
    const item = { name, colour: index % seriesColours, x, row };
    x += length;
    return item;
  });
}

function legend(items: readonly LegendItem[]): string {
  return items
    .map(({ name, colour, x, row }) => {
      const y = row * legendRowHeight;
      return (
        `<rect class="key s${colour}" x="${at(x)}" y="${y + 7}" width="12" height="4" rx="2"/>` +
        `<text class="tick" x="${at(x + 17)}" y="${y + 13}">${escapeHtml(name)}</text>`
      );
    })
    .join('');
}

function ends(points: readonly Point[], format: (value: number) => string): string {
  const finite = points.filter(isFinitePoint);
  return finite.length === 0 ? 'no values' : `from ${format(finite[0][1])} to ${format(finite[finite.length - 1][1])}`;
}

function extent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [values[0], values[0]]);
}

function isFinitePoint([x, y]: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
