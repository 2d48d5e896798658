// What a page draws of a run, event by event and in bounded memory, however long the run: curves, samples, results, times. What a
// stage did again after it was stopped counts once, as in the report (`settleEvents`).
import { Pace } from '../report/meter.js';
import { StageClock, type TimedEvent } from '../report/metrics.js';
import { bounds, type RunDetail } from './contract.js';
import { Curve } from './curve.js';

type EventOf<Type extends TimedEvent['type']> = Extract<TimedEvent, { type: Type }>;
type Results = RunDetail['results'];

/** In the order in which they came, over all stages. */
interface Numbered {
  number: number;
}

class StageFold {
  state: EventOf<'stage'>['state'] | undefined;
  readonly steps = new Map<string, Curve>();
  readonly evaluations = new Map<string, Curve>();
  /** The newest. */
  samples: (EventOf<'sample'> & Numbered)[] = [];
  earlierSamples = 0;
  /** Rounds whose candidate was not promoted: the model still says what it said before. */
  readonly refused = new Set<number>();
  table: (EventOf<'table'> & Numbered) | undefined;
  /** Steps of rounds follow one another: where each begins, and the last. */
  readonly #starts = new Map<number | undefined, number>();
  #start = 0;
  #last = 0;
  /** Rounds that have continued since the stage was last resumed. */
  #resumed: Set<number | undefined> | undefined;

  get seriesCount(): number {
    return this.steps.size + this.evaluations.size;
  }

  resume(): void {
    this.#resumed = new Set();
  }

  /** Where a step stands on the axis. */
  placeOf({ step, round }: EventOf<'step'>): number {
    const again = this.#starts.get(round);
    if (this.#resumed?.has(round) === false && again !== undefined) {
      this.#forget(again + step, step, round);
      this.#start = again;
    } else if (step <= this.#last) this.#start += this.#last;
    this.#resumed?.add(round);
    this.#starts.set(round, this.#start);
    this.#last = step;
    return this.#start + step;
  }

  #forget(place: number, step: number, round: number | undefined): void {
    for (const curve of this.steps.values()) curve.cutFrom(place);
    if (round !== undefined) return; // what is measured of rounds is counted in rounds
    for (const curve of this.evaluations.values()) curve.cutFrom(step);
    this.samples = this.samples.filter((sample) => sample.step < step);
  }
}

export class RunFold {
  #stages = new Map<string, StageFold>();
  readonly #clock = new StageClock();
  #time = 0;
  readonly #pace = new Pace(() => this.#time);
  #remaining = Number.NaN;
  #number = 0;
  #series = 0;
  /** Stage → the stages, in their places, before it last started afresh: until it ends, that try may be taken back. */
  readonly #replaced = new Map<string, ReadonlyMap<string, StageFold>>();
  /** Names of curves beyond those that are kept. */
  readonly #moreSeries = new Set<string>();

  take(event: TimedEvent): void {
    this.#clock.take(event);
    this.#time = 1000 * event.time;
    if (event.type === 'stage' && event.state === 'taken back') {
      this.#takeBack(event.stage);
      return;
    }
    const stage = this.#stageOf(event);
    const number = this.#number++;
    switch (event.type) {
      case 'stage':
        stage.state = event.state;
        if (event.state === 'resumed') stage.resume();
        if (event.state !== 'started') this.#replaced.delete(event.stage);
        this.#pace.reset();
        this.#remaining = Number.NaN;
        break;
      case 'step': {
        const { loss, learningRate, gradientNorm, tokensPerSecond, metrics } = event;
        const place = stage.placeOf(event);
        const values = { loss, learningRate, gradientNorm, tokensPerSecond, ...metrics };
        for (const [name, value] of Object.entries(values)) this.#add(event.stage, stage.steps, name, place, value);
        this.#remaining = this.#pace.remaining(`${event.stage} ${event.round ?? ''}`, event.step, event.steps);
        break;
      }
      case 'evaluation':
        for (const [name, value] of Object.entries(event.metrics))
          this.#add(event.stage, stage.evaluations, name, event.step, value);
        break;
      case 'sample': {
        const others = stage.samples.filter(({ step, prompt }) => step !== event.step || prompt !== event.prompt);
        stage.samples = [...others, { ...event, number }];
        if (stage.samples.length > bounds.samples) {
          stage.samples.shift();
          stage.earlierSamples++;
        }
        break;
      }
      case 'gate':
        if (event.alpha === 0) stage.refused.add(event.round);
        else stage.refused.delete(event.round);
        break;
      case 'table':
        stage.table = { ...event, number };
        break;
      default: // facts that a page of curves does not show
    }
  }

  /** Each as it was last said; `isHeld`: a process works on them. */
  stages(isHeld: boolean): RunDetail['stages'] {
    return [...this.#stages].flatMap(([name, { state }]) => {
      if (state === undefined) return [];
      const isDone = state === 'finished' || state === 'skipped';
      const seconds = this.#clock.seconds.get(name);
      return [
        { name, state: isDone ? state : isHeld ? 'running' : 'stopped', ...(seconds !== undefined && { seconds }) },
      ];
    });
  }

  get series(): Pick<RunDetail, 'series' | 'moreSeries'> {
    const series = [...this.#stages].flatMap(([stage, { steps, evaluations }]) => {
      const nameOf = (metric: string): string => (steps.has(metric) ? `held-out ${metric}` : metric);
      return [
        ...[...steps].map(([metric, curve]) => ({ stage, metric, ...curve.series })),
        ...[...evaluations].map(([metric, curve]) => ({ stage, metric: nameOf(metric), ...curve.series })),
      ].filter(({ points }) => points.length > 0);
    });
    const more = this.#moreSeries.size;
    return { series, ...(more > 0 && { moreSeries: more }) };
  }

  get samples(): Pick<RunDetail, 'samples' | 'moreSamples'> {
    const stages = [...this.#stages.values()];
    const kept = stages.flatMap(({ samples }) => samples).sort((a, b) => a.number - b.number);
    const shown = kept.slice(-bounds.samples);
    const more = kept.length - shown.length + stages.reduce((sum, { earlierSamples }) => sum + earlierSamples, 0);
    return {
      samples: shown.map(({ stage, step, prompt, completion, before }) => {
        const isRefused = this.#stages.get(stage)?.refused.has(step);
        return { stage, step, prompt, answer: (isRefused && before?.completion) || completion };
      }),
      ...(more > 0 && { moreSamples: more }),
    };
  }

  get results(): Results {
    const tables = [...this.#stages.values()].flatMap(({ table }) => table ?? []);
    const newest = tables.sort((a, b) => a.number - b.number).at(-1);
    return (newest?.columns ?? []).flatMap(({ label: checkpoint, metrics, intervals = {} }) =>
      Object.entries(metrics).map(([metric, value]) => {
        const interval = Object.hasOwn(intervals, metric) ? intervals[metric] : undefined;
        return { checkpoint, metric, value, ...(interval && { low: interval.low, high: interval.high }) };
      }),
    );
  }

  /** Seconds of the stage that trains, by the pace of its steps since it last started; undefined where none does. @param now seconds since 1970. */
  eta(now: number): number | undefined {
    const eta = this.#remaining - (now - this.#time / 1000);
    return Number.isNaN(eta) ? undefined : Math.max(0, eta);
  }

  /** One that starts afresh has its place behind the others. */
  #stageOf({ stage: name, ...event }: TimedEvent): StageFold {
    const isFresh = event.type === 'stage' && event.state === 'started';
    const known = this.#stages.get(name);
    if (known !== undefined && !isFresh) return known;
    if (isFresh) this.#replaced.set(name, new Map(this.#stages));
    if (known !== undefined) this.#series -= known.seriesCount;
    this.#stages.delete(name);
    const stage = new StageFold();
    this.#stages.set(name, stage);
    return stage;
  }

  /** The stage as it was, and where it was, before the try that came to nothing. */
  #takeBack(name: string): void {
    const before = this.#replaced.get(name);
    const earlier = before?.get(name);
    this.#series += (earlier?.seriesCount ?? 0) - (this.#stages.get(name)?.seriesCount ?? 0);
    const now = this.#stages;
    now.delete(name);
    if (before !== undefined && earlier !== undefined) {
      const places = [...before].map(([place]): [string, StageFold] => [place, now.get(place) ?? earlier]);
      this.#stages = new Map([...places, ...now]);
    }
    this.#replaced.delete(name);
    this.#pace.reset();
    this.#remaining = Number.NaN;
  }

  #add(stage: string, curves: Map<string, Curve>, name: string, x: number, value: number): void {
    if (!curves.has(name) && this.#series >= bounds.series) {
      if (this.#moreSeries.size < maxNames) this.#moreSeries.add(`${stage} ${name}`);
      return;
    }
    const curve = curves.get(name) ?? new Curve();
    curve.add(x, value);
    if (curves.has(name)) return;
    curves.set(name, curve);
    this.#series++;
  }
}

/** That are counted: what a file of events names without end is no metric. */
const maxNames = 10_000;
