// One run as a page draws it: curves, samples and results out of its metrics.jsonl, by the same readers as the report's.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBytes } from '../base/format.js';
import { metricsName } from '../base/layout.js';
import { processUse } from '../base/process.js';
import { holderOf } from '../pipeline/lock.js';
import { curvesOf } from '../report/charts.js';
import { Pace } from '../report/meter.js';
import { readMetrics, settleEvents, stageSeconds, type TimedEvent } from '../report/metrics.js';
import { ofType } from '../report/sections.js';
import { bounds, type RunDetail } from './contract.js';
import { RefusedRequest } from './refusal.js';

type Series = RunDetail['series'][number];

/** Of a metrics.jsonl that is read whole. */
const maxBytes = 128 << 20;

/** @param now seconds since 1970. @param signal ends the reading, which then throws. @throws RefusedRequest where its metrics are too long to be drawn. */
export async function runDetail(
  folder: string,
  name: string,
  { now, signal }: { now: number; signal: AbortSignal },
): Promise<RunDetail> {
  const path = join(folder, metricsName);
  const { size: offset } = await stat(path);
  if (offset > maxBytes) {
    const what = `its metrics are ${formatBytes(offset)} long, and ${formatBytes(maxBytes)} are drawn here at the most`;
    throw new RefusedRequest({ status: 413, where: name, what, next: 'Open its report.html' });
  }
  const { events: all, broken } = await readMetrics(path, signal);
  const events = settleEvents(all);
  const { isHeld, pid } = await holderOf(folder);
  const stages = stagesOf(events, stageSeconds(all), isHeld);
  const series = [...new Set(events.map(({ stage }) => stage))].flatMap((stage) => seriesOf(events, stage));
  const samples = ofType(events, 'sample');
  const eta = isHeld ? etaOf(all, now) : undefined;
  const machine = pid === undefined ? undefined : await useOf(pid);
  return {
    name,
    state: isHeld ? 'running' : stages.some(({ state }) => state === 'stopped') ? 'stopped' : 'done',
    stages,
    series: series.slice(0, bounds.series),
    ...(series.length > bounds.series && { moreSeries: series.length - bounds.series }),
    samples: samples
      .slice(-bounds.samples)
      .map(({ stage, step, prompt, completion: answer }) => ({ stage, step, prompt, answer })),
    ...(samples.length > bounds.samples && { moreSamples: samples.length - bounds.samples }),
    results: resultsOf(events),
    ...(broken > 0 && { broken }),
    offset,
    ...(eta !== undefined && { eta }),
    ...(machine !== undefined && { machine }),
  };
}

function stagesOf(
  events: readonly TimedEvent[],
  seconds: ReadonlyMap<string, number>,
  isHeld: boolean,
): RunDetail['stages'] {
  const states = new Map(ofType(events, 'stage').map(({ stage, state }) => [stage, state]));
  return [...states].map(([name, state]) => {
    const isDone = state === 'finished' || state === 'skipped';
    const worked = seconds.get(name);
    return {
      name,
      state: isDone ? state : isHeld ? 'running' : 'stopped',
      ...(worked !== undefined && { seconds: worked }),
    };
  });
}

function seriesOf(events: readonly TimedEvent[], stage: string): Series[] {
  const { steps, evaluations } = curvesOf(events.filter((event) => event.stage === stage));
  const points = new Map<string, Series['points']>();
  const add = (metric: string, x: number, value: number): void => {
    const known = points.get(metric) ?? [];
    known.push([x, Number.isFinite(value) ? value : null]);
    points.set(metric, known);
  };
  for (const [x, { loss, learningRate, gradientNorm, tokensPerSecond, metrics = {} }] of steps) {
    for (const [metric, value] of Object.entries({ loss, learningRate, gradientNorm, tokensPerSecond, ...metrics }))
      add(metric, x, value);
  }
  const trained = new Set(points.keys());
  for (const [x, metrics] of evaluations) {
    for (const [name, value] of Object.entries(metrics)) add(trained.has(name) ? `held-out ${name}` : name, x, value);
  }
  return [...points].map(([metric, all]) => ({ stage, metric, ...thinned(all) }));
}

/** Of each stretch the lowest and the highest point stay, so that no spike is lost. */
export function thinned(points: Series['points']): Pick<Series, 'points' | 'thinned'> {
  if (points.length <= bounds.points) return { points };
  const stretches = bounds.points / 2;
  const kept: Series['points'] = [];
  for (let i = 0; i < stretches; i++) {
    const [start, end] = [i, i + 1].map((at) => Math.floor((at * points.length) / stretches));
    const stretch = points.slice(start, end);
    const by = stretch.map((point, at) => ({ point, at })).sort((a, b) => (a.point[1] ?? 0) - (b.point[1] ?? 0));
    const extremes = [...new Set([by[0], by[by.length - 1]])].sort((a, b) => a.at - b.at);
    kept.push(...extremes.map(({ point }) => point));
  }
  return { points: kept, thinned: true };
}

function resultsOf(events: readonly TimedEvent[]): RunDetail['results'] {
  const columns = ofType(events, 'table').at(-1)?.columns ?? [];
  return columns.flatMap(({ label: checkpoint, metrics, intervals = {} }) =>
    Object.entries(metrics).map(([metric, value]) => {
      const interval = Object.hasOwn(intervals, metric) ? intervals[metric] : undefined;
      return { checkpoint, metric, value, ...(interval && { low: interval.low, high: interval.high }) };
    }),
  );
}

/** Of the stage that trains, from the pace of its steps since it last started; undefined where none does. */
function etaOf(events: readonly TimedEvent[], now: number): number | undefined {
  let time = 0;
  let remaining = Number.NaN;
  const pace = new Pace(() => time);
  for (const event of events) {
    time = 1000 * event.time;
    if (event.type === 'stage') {
      pace.reset();
      remaining = Number.NaN;
    }
    if (event.type !== 'step') continue;
    remaining = pace.remaining(`${event.stage} ${event.round ?? ''}`, event.step, event.steps);
  }
  const eta = remaining - (now - time / 1000);
  return Number.isNaN(eta) ? undefined : Math.max(0, eta);
}

const measuredMilliseconds = 100;

/** Undefined where the process is gone, or its system does not say. */
async function useOf(pid: number): Promise<RunDetail['machine']> {
  const [before, began] = [processUse(pid), performance.now()];
  if (before === undefined) return undefined;
  await sleep(measuredMilliseconds);
  const after = processUse(pid);
  if (after === undefined) return undefined;
  const seconds = (performance.now() - began) / 1000;
  return { rss: after.rss, cpu: (after.cpuSeconds - before.cpuSeconds) / seconds };
}
