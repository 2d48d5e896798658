// Ending a training that no longer gets better: after so many evaluations without a better value of one metric. The checkpoint of
// the best value stays on disk, and is what the training ends with.
import { UserError } from '../base/errors.js';
import { metricName } from '../config/keep.js';
import type { TrainConfig } from '../config/train.js';
import type { Metrics } from '../report/event.js';
import { meaningOf } from '../report/meaning.js';

/** Plain JSON: checkpoints hold it. */
export interface StoppingState {
  best?: { step: number; value: number };
  /** Evaluations since the best one. */
  since: number;
  /** Step of the last evaluation that counted. */
  seen: number;
}

export class EarlyStopping {
  readonly metric: string;
  readonly #patience: number;
  readonly #sign: 1 | -1;
  #before: StoppingState = { since: 0, seen: 0 };
  state: StoppingState = this.#before;

  constructor(patience: number, metric: string) {
    this.metric = metric;
    this.#patience = patience;
    this.#sign = meaningOf(metric)?.better === 'higher' ? -1 : 1;
  }

  /** The figures of an evaluation. Of one step only the first count. */
  see(step: number, metrics: Metrics): void {
    const value = Object.hasOwn(metrics, this.metric) ? metrics[this.metric] : Number.NaN;
    if (Number.isNaN(value) || step <= this.state.seen) return;
    this.#before = this.state;
    const { best, since } = this.state;
    const isBetter = best === undefined || this.#sign * (value - best.value) < 0;
    this.state = { best: isBetter ? { step, value } : best, since: isBetter ? 0 : since + 1, seen: step };
  }

  /** As it was before the evaluation of this step: what a checkpoint holds, which is saved before it is measured. */
  stateBefore(step: number): StoppingState {
    return this.state.seen === step ? this.#before : this.state;
  }

  get isOver(): boolean {
    return this.state.since >= this.#patience;
  }
}

/**
 * As the settings say; undefined where the training takes all its steps.
 * @param reported the metrics of an evaluation, the most important first; undefined where they are not known beforehand.
 * @throws UserError before the first step, where nothing is measured that could decide.
 */
export function earlyStopping(
  { patience, bestBy, evaluateEvery }: Pick<TrainConfig, 'patience' | 'bestBy' | 'evaluateEvery'>,
  reported: readonly string[] | undefined,
  stage: string,
): EarlyStopping | undefined {
  if (patience === undefined) return undefined;
  const names = reported?.filter((name) => meaningOf(name) !== undefined) ?? [];
  const metric = bestBy === undefined ? names[0] : metricName(bestBy);
  if (names.includes(metric) && evaluateEvery > 0) return new EarlyStopping(patience, metric);
  const why =
    names.length === 0
      ? reported === undefined
        ? `${stage} does not say beforehand what it measures`
        : 'nothing is measured while it trains'
      : evaluateEvery === 0
        ? `${stage}.train.evaluateEvery is 0: it is measured only at the end`
        : `${stage} reports ${names.join(', ')}`;
  throw new UserError({
    where: `${stage}.train.${names.length > 0 && evaluateEvery > 0 ? 'bestBy' : 'patience'}`,
    what: metric === undefined ? 'no metric can say when to stop' : `${metric} cannot say when to stop`,
    why,
    next:
      names.length === 0
        ? 'Give conversations to measure with, or omit patience'
        : 'Name one of these as bestBy, and measure every so many steps',
  });
}
