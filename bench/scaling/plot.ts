// The drawing of the scaling check: the profile of each budget with its best size, and the losses at the best sizes
// along their power law. A file of its own, light and dark as its viewer prefers.
import { formatShort } from '../../src/base/format.js';
import { drawingStyle } from '../../src/report/style.js';
import { type ChartOptions, lineChart, type Point, type Series } from '../../src/report/svg.js';
import { valueAt } from './fit.js';
import type { Fits } from './fits.js';
import { operations } from './grid.js';

const width = 480;
const height = 360;
const margin = 16;
const heading = 34;

export function scalingPlot(fits: Fits): string {
  const charts = [
    { title: 'Held-out loss of each size, by operations spent', chart: profiles(fits) },
    { title: 'Loss at the best size', chart: frontier(fits) },
  ];
  const panels = charts.map(({ title, chart }, i) => {
    const x = margin + i * (width + margin);
    const place = `x="${x}" y="${heading}" width="${width}" height="${height}"`;
    return `<text class="title" x="${x}" y="24">${title}</text>${chart.replace('<svg ', `<svg ${place} `)}`;
  });
  const size = `${charts.length * (width + margin) + margin} ${heading + height + margin}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" font-family="system-ui, sans-serif">`,
    `<style>\n${drawingStyle}.title { fill: var(--ink); font-size: 13.5px; font-weight: 600; }\n</style>`,
    '<rect width="100%" height="100%" fill="var(--card)"/>',
    ...panels,
    '</svg>\n',
  ].join('\n');
}

const shared = {
  width,
  height,
  format: (value: number) => value.toFixed(2),
  tickFormat: (value: number) => String(value),
  logX: true,
  logY: true,
};

function profiles({ profiles: all, optima }: Fits): string {
  const options: ChartOptions = {
    ...shared,
    title: 'Held-out loss of each size',
    xLabel: 'parameters · nats per token; a parabola near the lowest of each budget',
    xTickFormat: formatShort,
  };
  const valleys = all.map(({ budget, points, near, valley }): Series => {
    const [first, last] = [near[0][0], near[near.length - 1][0]];
    const curve =
      valley && between(first, last, (x) => valley.floor + valley.curvature * Math.log(x / valley.best) ** 2);
    return { name: operations(budget), points: curve ?? near, marks: points, unlabelled: true };
  });
  const joined = optima.map(({ parameters, loss }): Point => [parameters.mean, loss]);
  return lineChart(options, [...valleys, { name: 'best size', points: joined, dots: true, unlabelled: true }]);
}

function frontier({ optima, lossLaw, beyond }: Fits): string {
  const options: ChartOptions = {
    ...shared,
    title: 'Loss at the best size',
    xLabel: 'operations · nats per token',
    xTickFormat: operations,
  };
  const best = optima.map(({ budget, loss }): Point => [budget, loss]);
  const later: Point[] = beyond === undefined ? [] : [[beyond.budget, beyond.measured]];
  const [first] = best[0];
  const [last] = [...best, ...later][best.length + later.length - 1];
  const law = between(first / 1.3, last * 1.3, (x) => valueAt(lossLaw, x));
  const name = `${lossLaw.factor.toPrecision(3)} · C^${lossLaw.exponent.mean.toFixed(3)}, fitted`;
  return lineChart(options, [
    { name, points: law, marks: best, unlabelled: true },
    ...(later.length === 0 ? [] : [{ name: 'foretold, then measured', points: later, dots: true }]),
  ]);
}

/** A curve at 100 points, evenly along a logarithmic axis. */
function between(from: number, to: number, of: (x: number) => number): Point[] {
  return Array.from({ length: 101 }, (_, i) => {
    const x = from * (to / from) ** (i / 100);
    return [x, of(x)] as const;
  });
}
