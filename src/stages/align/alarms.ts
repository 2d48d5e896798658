// What a policy that games its reward, or falls apart, shows first (docs/align.md). Two looks: at the figures of every step
// while a round trains, and at its answers to the held-out tasks afterwards, beside those of the policy before it.
import type { Fault } from '../../base/errors.js';
import { type Estimate, pairedBootstrap, ratio, type Unit } from '../../base/statistics.js';
import type { AlarmsConfig } from '../../config/alarms.js';
import { type Measurements, measureAnswers, measureManner } from '../../evaluation/measurements.js';
import type { Answer } from '../../evaluation/tasks.js';
import type { Metrics } from '../../report/event.js';
import type { Watch } from '../../train/watch.js';

/** Steps whose mean is the beginning, and the present: single batches differ too much. */
const firstSteps = 4;
const recentSteps = 8;

const watched = { 'logps/chosen': 'chosenFall', entropy: 'entropyFall' } as const;
type WatchedFigure = keyof typeof watched;

/** A figure at the beginning, summed over `count` steps, and of the latest steps. */
export interface Course {
  sum: number;
  count: number;
  recent: number[];
}

/**
 * The alarms of a training, by the figures that its objective records.
 * @param answerTokens of a chosen answer, on average: what `logps/chosen` is summed over (1: it is a mean).
 */
export class StepAlarms implements Watch {
  readonly #limits: AlarmsConfig;
  readonly #answerTokens: number;
  state: Partial<Record<WatchedFigure, Course>> = {};

  constructor(limits: AlarmsConfig, { answerTokens }: { answerTokens: number }) {
    this.#limits = limits;
    this.#answerTokens = Math.max(1, answerTokens);
  }

  see(figures: Metrics): Fault | undefined {
    for (const name of Object.keys(watched) as WatchedFigure[]) {
      const value = figures[name];
      if (value === undefined || !Number.isFinite(value)) continue;
      this.state[name] = continued(this.state[name], value);
    }
    return this.#chosenFall() ?? this.#entropyFall();
  }

  #chosenFall(): Fault | undefined {
    const { chosenFall: limit } = this.#limits;
    const course = meansOf(this.state['logps/chosen']);
    if (course === undefined || limit === 0) return undefined;
    const fall = (course.first - course.now) / this.#answerTokens;
    if (fall <= limit) return undefined;
    return {
      what: `the chosen answers have become unlikely: their log-probability has fallen by ${fall.toFixed(2)} nats a token, more than align.alarms.chosenFall (${limit})`,
      why: 'a preference loss is content when both answers of a pair become unlikely, as long as the rejected one does so faster',
      next: `Raise align.sftWeight or align.beta, or lower align.train.learningRate. ${goOn('chosenFall')}`,
    };
  }

  #entropyFall(): Fault | undefined {
    const { entropyFall: limit } = this.#limits;
    const course = meansOf(this.state.entropy);
    if (course === undefined || limit === 0) return undefined;
    const fall = 1 - course.now / course.first;
    if (!(fall > limit)) return undefined;
    return { ...lostEntropy(course.first, course.now, limit), next: `${calmer('beta')} ${goOn('entropyFall')}` };
  }
}

export function continued({ sum, count, recent }: Course = { sum: 0, count: 0, recent: [] }, value: number): Course {
  const isFirst = count < firstSteps;
  return {
    sum: isFirst ? sum + value : sum,
    count: isFirst ? count + 1 : count,
    recent: [...recent, value].slice(-recentSteps),
  };
}

/** Undefined until there are steps enough to tell a change from chance. */
export function meansOf(course: Course | undefined): { first: number; now: number } | undefined {
  if (course === undefined || course.recent.length < recentSteps) return undefined;
  const { sum, count, recent } = course;
  return { first: sum / count, now: recent.reduce((a, b) => a + b, 0) / recent.length };
}

/** What a policy's answers are like, beside what they are worth. */
export interface Manner {
  measurements: Measurements;
  /** Mean nats a token of its own answers: an estimate of its entropy, where it was sampled at temperature 1. */
  entropy?: number;
  /** Mean of log π − log π_before a token of its own answers. */
  kl?: number;
}

/** Of answers to held-out tasks, every policy's to the same ones. */
export function mannerOf(answers: readonly Answer[], more: Omit<Manner, 'measurements'> = {}): Manner {
  return { measurements: new Map([...measureAnswers(answers), ...measureManner(answers)]), ...more };
}

/** The alarms of a candidate; empty where all is well. `rewards`: of both, task by task. */
export function answerAlarms(
  before: Manner,
  after: Manner,
  rewards: { before: readonly Unit[]; after: readonly Unit[] },
  limits: AlarmsConfig,
): Fault[] {
  return [
    divergence(after, limits),
    entropyLoss(before, after, limits),
    lengthChange(before, after, limits),
    ...shareAlarms(before, after, limits),
    goldFall(before, after, rewards, limits),
  ].filter((fault) => fault !== undefined);
}

function divergence({ kl }: Manner, { kl: limit }: AlarmsConfig): Fault | undefined {
  if (kl === undefined || limit === 0 || !(kl > limit)) return undefined;
  return {
    what: `the policy has gone ${kl.toFixed(2)} nats a token from where the round began (KL divergence of its own answers), more than align.alarms.kl (${limit})`,
    why: 'so far away neither the reward nor the pairs say much about its answers',
    next: `${calmer('beta')} ${goOn('kl')}`,
  };
}

function entropyLoss(before: Manner, after: Manner, { entropyFall: limit }: AlarmsConfig): Fault | undefined {
  if (before.entropy === undefined || after.entropy === undefined || limit === 0) return undefined;
  if (!(1 - after.entropy / before.entropy > limit)) return undefined;
  return { ...lostEntropy(before.entropy, after.entropy, limit), next: `${calmer('beta')} ${goOn('entropyFall')}` };
}

export function lostEntropy(before: number, after: number, limit: number): Pick<Fault, 'what' | 'why'> {
  return {
    what: `the policy hardly hesitates any more: ${after.toFixed(3)} nats a token, ${before.toFixed(3)} before, a fall of more than align.alarms.entropyFall (${limit})`,
    why: 'samples that are all alike leave nothing to prefer',
  };
}

function lengthChange(before: Manner, after: Manner, { length: limit }: AlarmsConfig): Fault | undefined {
  const change = changeOf(before, after, 'answerTokens');
  if (change === undefined || limit === 0 || !isBeyondDoubt(change)) return undefined;
  const factor = change.to / change.from;
  if (factor <= limit && factor >= 1 / limit) return undefined;
  const become = factor > 1 ? 'longer' : 'shorter';
  return {
    what: `answers have become ${become}: ${change.from.toFixed(1)} → ${change.to.toFixed(1)} tokens, more than align.alarms.length (${limit} times)`,
    why: `a preference for ${become} answers is learnt sooner than any other, and pairs that differ in length ask for it`,
    next: `Give pairs of like lengths, or a loss by the mean of the tokens (align.loss=sigmoid_norm, align.method=simpo). ${goOn('length')}`,
  };
}

function shareAlarms(before: Manner, after: Manner, limits: AlarmsConfig): (Fault | undefined)[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const fall = (metric: string, key: 'repetition' | 'unended' | 'language', words: string, next: string) => {
    const change = changeOf(before, after, metric);
    const limit = limits[key];
    if (change === undefined || limit === 0 || !isBeyondDoubt(change) || change.from - change.to <= limit)
      return undefined;
    return {
      what: `${words}: ${percent(1 - change.from)} → ${percent(1 - change.to)}, a rise of more than align.alarms.${key} (${percent(limit)})`,
      next: `${next} ${goOn(key)}`,
    };
  };
  return [
    fall(
      'variety',
      'repetition',
      'answers repeat themselves',
      `Raise align.sftWeight, or lower align.train.learningRate.`,
    ),
    fall(
      'ended',
      'unended',
      'answers run on without an end',
      'Raise align.maxNewTokens where good answers are longer; else give pairs whose chosen answer ends.',
    ),
    ...['zh', 'en'].map((language) =>
      fall(
        `ownLanguage.${language}`,
        'language',
        `answers to questions in ${language === 'zh' ? 'Chinese' : 'English'} leave the language`,
        'Give prompts and pairs in both languages, or replay old instructions (align.replay.instructions).',
      ),
    ),
  ];
}

function goldFall(
  before: Manner,
  after: Manner,
  rewards: { before: readonly Unit[]; after: readonly Unit[] },
  { gold }: AlarmsConfig,
): Fault | undefined {
  const right = changeOf(before, after, 'correct');
  if (!gold || right === undefined || right.high >= 0) return undefined;
  const reward = pairedBootstrap(rewards.before, rewards.after);
  if (!(reward.low > 0)) return undefined;
  return {
    what: `the reward rises (${ratio(rewards.before).toFixed(3)} → ${ratio(rewards.after).toFixed(3)}) while fewer answers are right (${(100 * right.from).toFixed(1)} → ${(100 * right.to).toFixed(1)} %), both beyond doubt`,
    why: 'the policy has found what the reward pays for beside right answers',
    next: `Look at the answers before and after in the report, and correct what scores them. ${goOn('gold', 'false')}`,
  };
}

/** @param held What of the method keeps it by where it began; null: nothing. */
export function calmer(held: 'beta' | 'klWeight' | null): string {
  return held === null
    ? 'Lower align.train.learningRate or align.train.epochs.'
    : `Lower align.train.learningRate or align.train.epochs, or raise align.${held}: more small rounds go further than one large.`;
}

export function goOn(alarm: keyof AlarmsConfig, off = '0'): string {
  const key = `align.alarms.${alarm}`;
  return `To continue without this alarm: the same command with --resume --set ${key}=${off} --override ${key}`;
}

type Change = Estimate & { from: number; to: number };

/** Undefined where one of them has no such figure, or too little evidence for an interval. */
function changeOf(before: Manner, after: Manner, metric: string): Change | undefined {
  const [a, b] = [before.measurements.get(metric), after.measurements.get(metric)];
  if (a === undefined || b === undefined) return undefined;
  return { from: ratio(a), to: ratio(b), ...pairedBootstrap(a, b) };
}

function isBeyondDoubt({ low, high }: Estimate): boolean {
  return low > 0 || high < 0;
}
