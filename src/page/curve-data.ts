// Which charts a stage's series make, of one run or of two over each other: the loss first, what was measured on held-out data
// next, one chart for each family of metrics, and what only concerns the training last.
import { meaningOf } from '../report/meaning.js';
import { type Point, smooth, smoothWindow } from '../report/svg.js';
import type { RunDetail } from '../serve/contract.js';

export interface ChartSeries {
  /** The member of the family; empty where it has no parts. */
  name: string;
  points: readonly Point[];
  /** Which of the runs that are compared. */
  run: number;
  /** Which colour. */
  colour: number;
  /** The points behind a smoothed line. */
  isFaint: boolean;
}

export interface Chart {
  metric: string;
  isWide: boolean;
  /** It says how the training works, not what comes of it. */
  isDetail: boolean;
  isThinned: boolean;
  series: ChartSeries[];
}

const maxMembers = 6;
const training = ['learningRate', 'gradientNorm', 'tokensPerSecond'];
/** Of what a training measures at each step: whether it learns. */
const telling = ['rewards/margins', 'rewards/accuracies'];

export function chartsOf(runs: readonly RunDetail[], stage: string): Chart[] {
  const families = new Map<string, Map<string, Own[]>>();
  for (const [run, { series }] of runs.entries()) {
    for (const each of series) {
      if (each.stage !== stage || each.points.length < 2) continue;
      const { family, member } = nameParts(each.metric);
      const members = families.get(family) ?? new Map<string, Own[]>();
      families.set(family, members.set(member, [...(members.get(member) ?? []), { ...each, run }]));
    }
  }
  return [...families]
    .sort(([a], [b]) => rank(a) - rank(b))
    .flatMap(([family, members]) => inGroups([...members], maxMembers).map((group) => chart(family, group)));
}

type Own = RunDetail['series'][number] & { run: number };

function chart(metric: string, members: readonly [string, Own[]][]): Chart {
  const series = members.flatMap(([name, own], colour) =>
    own.flatMap(({ run, points: raw }): ChartSeries[] => {
      const points = raw.map(([x, y]): Point => [x, y ?? Number.NaN]);
      const line = { name, run, colour };
      const radius = (smoothWindow(points.length) - 1) / 2;
      if (radius === 0 || metric === 'learningRate') return [{ ...line, points, isFaint: false }];
      const smoothed = smooth(points, radius);
      return [
        { ...line, points, isFaint: true },
        { ...line, points: smoothed, isFaint: false },
      ];
    }),
  );
  const isThinned = members.some(([, own]) => own.some(({ thinned }) => thinned === true));
  const isDetail = meaningOf(metric) === undefined && !telling.includes(metric);
  return { metric, isWide: metric === 'loss', isDetail, isThinned, series };
}

const heldOut = 'held-out ';

/** What was measured on held-out data beside the same of the training; `bitsPerByte.zh` beside `bitsPerByte.en`. */
function nameParts(metric: string): { family: string; member: string } {
  if (metric === 'loss') return { family: 'loss', member: 'training' };
  if (metric === 'heldOutLoss') return { family: 'loss', member: 'held-out' };
  if (metric.startsWith(heldOut)) return { family: metric.slice(heldOut.length), member: 'held-out' };
  const parts = metric.split('.');
  const depth = parts.length > 2 && parts[1] === 'source' ? 2 : 1;
  const member = parts.slice(depth).join('.');
  return { family: parts.slice(0, depth).join('.'), member };
}

function rank(family: string): number {
  if (family === 'loss') return 0;
  return training.includes(family) ? 2 : 1;
}

function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
