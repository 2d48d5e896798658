// Which point between the policy and the candidate takes the policy's place (docs/decisions/004, 023): of those within the
// budgets that look better, while chance cannot hide that they are worse by more than is tolerated, the one with the
// highest lower bound of reward.
import { bootstrapMean, type Estimate, pairedBootstrap, ratio } from '../../base/statistics.js';
import type { BudgetsConfig } from '../../config/gate.js';
import type { Measurements } from '../../evaluation/measurements.js';
import type { GatePoint, Metrics } from '../../report/event.js';
import { formatDifference, formatInterval, formatMetric } from '../../report/meaning.js';
import { type Overrun, overruns } from './budgets.js';

/** A point on the line as it was measured. */
export interface Point {
  /** 0: the policy, 1: the candidate. */
  alpha: number;
  measurements: Measurements;
  /** Alarms that it raises, in words. */
  alarms?: readonly string[];
}

export interface Decision {
  promoted: boolean;
  /** 0 where the policy stays. */
  alpha: number;
  /** In words, with the figures. */
  text: string;
  curve: GatePoint[];
}

export interface DecisionSettings {
  /** What decides: `reward` or, where no task has a check, `preference`. */
  metric: string;
  tolerance: number;
  budgets: BudgetsConfig;
}

/**
 * @param policy The point at α = 0.
 * @param points The others.
 * @param start What alignment began with: budgets are counted from there.
 */
export function decide(
  policy: Point,
  points: readonly Point[],
  start: Measurements,
  settings: DecisionSettings,
): Decision {
  const judged = points.map((point) => judge(policy, point, start, settings));
  const fit = judged.filter(({ why }) => why === undefined);
  const best = fit.reduce<Judged | undefined>(
    (highest, one) => (highest === undefined || one.gain.low > highest.gain.low ? one : highest),
    undefined,
  );
  const curve = [
    onCurve(policy, policy),
    ...judged.map(({ point, why, isWithin }) => onCurve(policy, point, { why, isWithin })),
  ];
  const others = inWords(judged.filter(({ why }) => why !== undefined));
  if (best === undefined) {
    const [first] = [...judged].sort((a, b) => b.gain.low - a.gain.low);
    const text = judged.length === 1 ? `${figures(policy, first, settings)}: ${first.why}` : others;
    return { promoted: false, alpha: 0, text: `${text}, so the earlier policy stays`, curve };
  }
  const { alpha } = best.point;
  const chosen = judged.length === 1 ? '' : ` at α = ${alpha}`;
  const reason =
    settings.metric === 'preference'
      ? 'better beyond chance'
      : `better, and a fall of more than ${settings.tolerance} is ruled out`;
  const rest = others === '' ? '' : ` (${others})`;
  return {
    promoted: true,
    alpha,
    text: `${figures(policy, best, settings)}: promoted${chosen}: ${reason}${rest}`,
    curve,
  };
}

/**
 * Less is no gain: the three digits that people read of it are zeros. Where a few steps moved a model by almost nothing, every
 * held-out pair may still have moved the same way, and the lower bound of so even a gain lies above 0, far behind those digits.
 */
const minGain = 0.0005;

/** Preferences that decide, at least: of fewer all gain by chance alone more often than in one of twenty rounds (a sign test). */
export const minToDecide = 6;

interface Judged {
  point: Point;
  /** On the policy. */
  gain: Estimate;
  isWithin: boolean;
  why?: string;
}

function judge(policy: Point, point: Point, start: Measurements, settings: DecisionSettings): Judged {
  const { metric, budgets } = settings;
  const gain = gainOf(policy, point, metric);
  // What decides is held to the tolerance.
  const over = overruns(start, point.measurements, budgets).filter((one) => one.metric !== metric);
  const alarms = point.alarms ?? [];
  const isWithin = over.length === 0 && alarms.length === 0;
  const whys = [
    ...(gain.mean >= minGain ? unsure(gain, countIn(point, metric), settings) : ['not better']),
    ...overInWords(over),
    ...alarms,
  ];
  return { point, gain, isWithin, ...(whys.length > 0 && { why: whys.join('; ') }) };
}

/**
 * Whether chance leaves a gain too little. A whole step moves `preference` by less than what is tolerated of a reward, so that
 * any step at all would pass: what people prefer has to have gained beyond chance.
 */
function unsure({ low }: Estimate, count: number, { metric, tolerance }: DecisionSettings): string[] {
  if (metric === 'preference') {
    if (low < minGain) return ['better, but that may be chance'];
    if (count >= minToDecide) return [];
    return [`better, but all of ${count} preferences may gain by chance: at least ${minToDecide} decide`];
  }
  return low >= -tolerance ? [] : [`better, but a fall of more than ${tolerance} is not ruled out`];
}

function countIn({ measurements }: Point, metric: string): number {
  return measurements.get(metric)?.length ?? 0;
}

/** One that lacks the metric has gained nothing. */
function gainOf(policy: Point, point: Point, metric: string): Estimate {
  const [before, after] = [policy.measurements.get(metric), point.measurements.get(metric)];
  const none = { mean: Number.NaN, low: Number.NaN, high: Number.NaN };
  return before === undefined || after === undefined ? none : pairedBootstrap(before, after);
}

function figures(policy: Point, { point, gain }: Judged, { metric }: DecisionSettings): string {
  const value = ({ measurements }: Point): string => ratio(measurements.get(metric) ?? []).toFixed(4);
  const { text, interval } = formatDifference(metric, gain);
  const wins = metric === 'preference' ? winsInWords(point) : '';
  return `held-out ${metric} ${value(policy)} → ${value(point)}, ${text} ${interval}${wins}`;
}

function winsInWords({ measurements }: Point): string {
  const units = measurements.get('winRate');
  if (units === undefined) return '';
  const wins = bootstrapMean(units);
  return `, what people chose gained in ${formatMetric('winRate', wins.mean)} of the pairs ${formatInterval('winRate', wins)}`;
}

/** The largest overrun of each budget. */
function overInWords(over: readonly Overrun[]): string[] {
  const first = new Map<string, Overrun>();
  for (const one of over) {
    const family = one.metric.split('.')[0];
    if (!first.has(family)) first.set(family, one);
  }
  return [...first.values()].map(({ metric, change, budget }) => {
    const { text } = formatDifference(metric, change);
    return `${metric} ${text} is over its budget of ${formatMetric(metric, budget)}`;
  });
}

/** `α = 0.25 and 0.5: not better; α = 1: …`: neighbours with the same reason together. */
function inWords(judged: readonly Judged[]): string {
  const groups: { alphas: number[]; why: string }[] = [];
  for (const { point, why = '' } of judged) {
    const last = groups.at(-1);
    if (last?.why === why) last.alphas.push(point.alpha);
    else groups.push({ alphas: [point.alpha], why });
  }
  return groups.map(({ alphas, why }) => `α = ${alphas.join(', ')}: ${why}`).join('. ');
}

function onCurve(
  policy: Point,
  { alpha, measurements }: Point,
  { isWithin, why }: Pick<Judged, 'isWithin' | 'why'> = { isWithin: true },
): GatePoint {
  const metrics: Metrics = {};
  const gains: Record<string, Estimate> = {};
  for (const [metric, units] of measurements) {
    metrics[metric] = ratio(units);
    const before = policy.measurements.get(metric);
    if (before !== undefined && before !== units) gains[metric] = pairedBootstrap(before, units);
  }
  return { alpha, metrics, gains, isWithin, ...(why !== undefined && { why }) };
}
