// Figures with what they are made of: one unit of evidence for each held-out task or document, so that a figure can be
// given an interval, and two models can be compared unit by unit.

import { bootstrapMean, type Estimate, pairedBootstrap, ratio, type Unit } from '../base/statistics.js';
import { wordsOf } from '../base/words.js';
import type { Conversation } from '../data/types.js';
import type { Comparison, EvaluationColumn, Metrics } from '../report/event.js';
import { answerCredit } from './checks.js';
import { repetitionScore, scoreAnswer } from './scorers/rules.js';
import type { Answer } from './tasks.js';

/** Metric name → its units. */
export type Measurements = Map<string, Unit[]>;

/** Adds to the unit `id` of a metric; units are in the order in which they are first named. */
export class Tally {
  readonly #metrics = new Map<string, Map<string, Unit>>();

  add(metric: string, { id, value, weight }: Unit): void {
    const units = this.#metrics.get(metric) ?? new Map<string, Unit>();
    this.#metrics.set(metric, units);
    const unit = units.get(id) ?? { id, value: 0, weight: 0 };
    units.set(id, { id, value: unit.value + value, weight: unit.weight + weight });
  }

  /** Sorted by name. */
  finish(): Measurements {
    const sorted = [...this.#metrics].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(sorted.map(([metric, units]) => [metric, [...units.values()]]));
  }
}

/** `ended`; of tasks with a check `correct` and `correct.<kind>`. */
export function measureAnswers(answers: readonly Answer[]): Measurements {
  const tally = new Tally();
  for (const answer of answers) {
    const { task, ended } = answer;
    const unit = unitOf(task);
    tally.add('ended', { ...unit, value: Number(ended) });
    const credit = answerCredit(answer);
    if (credit === undefined) continue;
    const correct = Number(credit === 1);
    tally.add('correct', { ...unit, value: correct });
    if (task.kind !== undefined) tally.add(`correct.${task.kind}`, { ...unit, value: correct });
  }
  return tally.finish();
}

/** `correct.<language>` and `correct.<kind>.<language>`: of the tasks with a check that say their language. */
export function measureLanguages(answers: readonly Answer[]): Measurements {
  const tally = new Tally();
  for (const answer of answers) {
    const { kind, language } = answer.task;
    const credit = answerCredit(answer);
    if (language === undefined || credit === undefined) continue;
    const unit = { ...unitOf(answer.task), value: Number(credit === 1) };
    tally.add(`correct.${language}`, unit);
    if (kind !== undefined) tally.add(`correct.${kind}.${language}`, unit);
  }
  return tally.finish();
}

/** Tokens that the model wrote itself: not the results of tools. */
const writtenTokens = ({ tokens, loss }: Answer): number => loss?.filter((each) => each > 0).length ?? tokens.length;

/**
 * What answers are like: `answerTokens`, `variety` (1: none of their word sequences repeats), `ownLanguage.<language>` (1: in
 * the language that the question asks for; of answers that say anything).
 */
export function measureManner(answers: readonly Answer[]): Measurements {
  const tally = new Tally();
  for (const answer of answers) {
    const { task, text } = answer;
    const unit = unitOf(task);
    tally.add('answerTokens', { ...unit, value: writtenTokens(answer) });
    tally.add('variety', { ...unit, value: repetitionScore(text) });
    if (task.language === undefined || wordsOf(text).length === 0) continue;
    tally.add(`ownLanguage.${task.language}`, { ...unit, value: scoreAnswer(answer).parts.language });
  }
  return tally.finish();
}

/** The rewards that a scorer gave to `answers`. */
export function measureRewards(answers: readonly Answer[], rewards: readonly number[]): Unit[] {
  const tally = new Tally();
  for (const [i, { task }] of answers.entries()) tally.add('reward', { ...unitOf(task), value: rewards[i] });
  return tally.finish().get('reward') ?? [];
}

/**
 * The same by what they say: `reward` of tasks with a check. Of those without one the rules know nothing but what an answer
 * looks like: that is `form`.
 */
export function measureRewardsAndForm(answers: readonly Answer[], rewards: readonly number[]): Measurements {
  const tally = new Tally();
  for (const [i, { task }] of answers.entries()) {
    tally.add(task.check === undefined ? 'form' : 'reward', { ...unitOf(task), value: rewards[i] });
  }
  return tally.finish();
}

/** All answers to one task are one unit, and so are all tasks of one group: they ask the same in other words. */
export function unitOf({ id, group }: Conversation): Omit<Unit, 'value'> {
  return { id: group ?? id, weight: 1 };
}

/** A held-out document: how many nats the model needs to write it down, and how long it is. */
export interface MeasuredText {
  id: string;
  source: string;
  language: string;
  nats: number;
  /** In UTF-8. */
  bytes: number;
}

/** `bitsPerByte.<language>` and `bitsPerByte`: Σ nats / (ln 2 · Σ bytes). */
export function measureTexts(texts: readonly MeasuredText[]): Measurements {
  const tally = new Tally();
  for (const { id, language, nats, bytes } of texts) {
    const unit = { id, value: nats / Math.LN2, weight: bytes };
    tally.add(`bitsPerByte.${language}`, unit);
    tally.add('bitsPerByte', unit);
  }
  return tally.finish();
}

/** Sources of which a figure is given: as many as one chart shows. */
const measuredSources = 6;

/** `bitsPerByte.source.<source>` of the sources with the most text here; nothing where there is but one. */
export function measureSources(texts: readonly MeasuredText[]): Measurements {
  const bytes = new Map<string, number>();
  for (const text of texts) bytes.set(text.source, (bytes.get(text.source) ?? 0) + text.bytes);
  if (bytes.size < 2) return new Map();
  const largest = [...bytes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, measuredSources);
  const shown = new Set(largest.map(([source]) => source));
  const tally = new Tally();
  for (const { id, source, nats, bytes: weight } of texts) {
    if (shown.has(source)) tally.add(`bitsPerByte.source.${source}`, { id, value: nats / Math.LN2, weight });
  }
  return tally.finish();
}

export function metricsOf(measurements: Measurements): Metrics {
  return Object.fromEntries([...measurements].map(([metric, units]) => [metric, ratio(units)]));
}

/** The figures and, where there are two units or more, their intervals. */
export function figuresOf(measurements: Measurements): Required<Pick<EvaluationColumn, 'metrics' | 'intervals'>> {
  const estimates = [...measurements].map(([metric, units]) => [metric, bootstrapMean(units)] as const);
  const intervals = estimates.filter(([, estimate]) => isKnown(estimate));
  return {
    metrics: Object.fromEntries(estimates.map(([metric, { mean }]) => [metric, mean])),
    intervals: Object.fromEntries(intervals.map(([metric, { low, high }]) => [metric, { low, high }])),
  };
}

const none: Estimate = { mean: 0, low: 0, high: 0 };

/** What `to` gained on `from` in every metric that both have, unit by unit; zeros where they are the same model. */
export function compare(
  from: { label: string; measurements: Measurements },
  to: { label: string; measurements: Measurements },
): Comparison {
  const differences = [...to.measurements].flatMap(([metric, after]) => {
    const before = from.measurements.get(metric);
    const difference = before === undefined ? undefined : before === after ? none : pairedBootstrap(before, after);
    return difference !== undefined && isKnown(difference) ? [[metric, difference] as const] : [];
  });
  return { from: from.label, to: to.label, differences: Object.fromEntries(differences) };
}

function isKnown({ mean, low, high }: Estimate): boolean {
  return Number.isFinite(mean) && Number.isFinite(low) && Number.isFinite(high);
}
