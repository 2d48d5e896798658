// What a policy that learns from its own answers shows when it goes wrong, seen in the figures of every step (docs/online.md): answers
// that run into the limit, grow or shrink, are all rewarded alike, or are paid more and right less often; a policy that is far from where
// it began, or has lost its doubts.
import type { Fault } from '../../base/errors.js';
import type { AlarmsConfig } from '../../config/alarms.js';
import type { Metrics } from '../../report/event.js';
import type { Watch } from '../../train/watch.js';
import { type Course, calmer, continued, goOn, lostEntropy, meansOf } from './alarms.js';

const watched = [
  'completions/clipped_ratio',
  'completions/mean_length',
  'frac_reward_zero_std',
  'rewards/alike',
  'rewards/missing',
  'rewards/right',
  'reward',
  'entropy',
  'kl',
] as const;
type WatchedFigure = (typeof watched)[number];

/** Groups that all of them solve: above this share of what the scorers give at most. */
const solvedShare = 0.5;
/** Share of groups that are solved by all of their answers, from which on a person is told that little is left to learn. */
const learntShare = 0.9;
/** Share of answers without a reward, from which on a person is told. */
const missingShare = 0.2;
/** A change since the best samplings is beyond doubt where it is so many of its standard errors: of many, the best are so by chance too. */
const doubt = 5;
/** Differences of neighbouring samplings that tell how far chance alone moves one. */
const minDifferences = 7;

interface State {
  /** Of the sampling that its steps are amid: by figure their sum, and how many they are. */
  sampling: { steps: number; sums: Partial<Record<WatchedFigure, { sum: number; count: number }>> };
  courses: Partial<Record<WatchedFigure, Course>>;
  /** That little is left to learn has been said; that many answers have no reward. */
  isTold: boolean;
  isMissingTold?: boolean;
  /** When most answers passed their check, over samplings: how many, and the reward then. */
  best?: { right: number; reward: number };
  /** Of all samplings so far: what one was, and the squared differences of neighbours, summed over `count`. */
  spread?: Partial<Record<'reward' | 'rewards/right', Spread>>;
}

interface Spread {
  last: number;
  squares: number;
  count: number;
}

interface OnlineAlarmsOptions {
  /** Steps that learn from the answers of one sampling: their figures are as one, or eight of them would be one sampling eight times. */
  stepsPerSampling: number;
  /** By a teacher, not by rewards. */
  isTaught: boolean;
  /** What of the method keeps it by where it began, where no teacher does; default: klWeight. */
  heldBy?: 'klWeight' | 'beta';
  /** The most that an answer can be rewarded with, above 0; absent: rewards have no scale. */
  highest?: number;
  /** Hears what is no reason to stop. */
  say(text: string): void;
}

export class OnlineAlarms implements Watch {
  readonly #limits: AlarmsConfig;
  readonly #options: OnlineAlarmsOptions;
  state: State = { sampling: { steps: 0, sums: {} }, courses: {}, isTold: false };

  constructor(limits: AlarmsConfig, options: OnlineAlarmsOptions) {
    this.#limits = limits;
    this.#options = options;
  }

  see(figures: Metrics): Fault | undefined {
    const { courses, sampling, spread = {} } = this.state;
    for (const name of watched) {
      const value = figures[name] ?? (name === 'rewards/missing' ? 0 : undefined);
      if (value === undefined || !Number.isFinite(value)) continue;
      const { sum, count } = sampling.sums[name] ?? { sum: 0, count: 0 };
      sampling.sums[name] = { sum: sum + value, count: count + 1 };
    }
    sampling.steps++;
    if (sampling.steps < this.#options.stepsPerSampling) return undefined;
    for (const name of watched) {
      const own = sampling.sums[name];
      if (own === undefined) continue;
      const mean = own.sum / own.count;
      courses[name] = continued(courses[name], mean);
      if (name === 'reward' || name === 'rewards/right') spread[name] = spreadBy(spread[name], mean);
    }
    this.state.spread = spread;
    this.state.sampling = { steps: 0, sums: {} };
    this.#tellMissing();
    return (
      this.#unended() ?? this.#length() ?? this.#alike() ?? this.#goldFall() ?? this.#entropyFall() ?? this.#distance()
    );
  }

  #unended(): Fault | undefined {
    const { unended: limit } = this.#limits;
    const course = meansOf(this.state.courses['completions/clipped_ratio']);
    if (course === undefined || limit === 0 || course.now - course.first <= limit) return undefined;
    return {
      what: `sampled answers run into maxNewTokens: ${percent(course.first)} at first, ${percent(course.now)} now, a rise of more than align.alarms.unended (${percent(limit)})`,
      why: 'an answer that does not end is worth little, whatever it says, and its group teaches to ramble or to be cut off',
      next: `Raise align.maxNewTokens where good answers are longer; else lower align.train.learningRate. ${goOn('unended')}`,
    };
  }

  #length(): Fault | undefined {
    const { length: limit } = this.#limits;
    const course = meansOf(this.state.courses['completions/mean_length']);
    if (course === undefined || limit === 0) return undefined;
    const factor = course.now / Math.max(1, course.first);
    if (factor <= limit && factor >= 1 / limit) return undefined;
    return {
      what: `sampled answers have become ${factor > 1 ? 'longer' : 'shorter'}: ${course.first.toFixed(1)} → ${course.now.toFixed(1)} tokens, more than align.alarms.length (${limit} times)`,
      why: 'a reward that length alone can raise is learnt before any other',
      next: `Look at the sampled answers in the report. If they are better for it, raise align.alarms.length; else correct what scores them. ${goOn('length')}`,
    };
  }

  #alike(): Fault | undefined {
    const { alike: limit } = this.#limits;
    const share = meansOf(this.state.courses.frac_reward_zero_std);
    const reward = meansOf(this.state.courses['rewards/alike']);
    if (share === undefined || reward === undefined) return undefined;
    const { highest } = this.#options;
    if (highest !== undefined && reward.now > solvedShare * highest) {
      if (share.now > learntShare && !this.state.isTold && !this.#options.isTaught) {
        this.state.isTold = true;
        this.#options.say(
          `${percent(share.now)} of the groups have nothing but good answers: these prompts have little left to teach`,
        );
      }
      return undefined;
    }
    if (limit === 0 || share.now <= limit) return undefined;
    return {
      what: `${percent(share.now)} of the groups have answers that are all rewarded alike${highest === undefined ? '' : `, and low (${reward.now.toFixed(2)})`}, more than align.alarms.alike (${percent(limit)})`,
      why: 'a group without a better answer teaches nothing: the tasks are too hard for this policy, or what scores them sees no difference',
      next: `Give easier tasks, fine-tune for longer first, or sample more answers (align.samplesPerPrompt, align.resample). ${goOn('alike')}`,
    };
  }

  #goldFall(): Fault | undefined {
    const { courses, spread = {} } = this.state;
    const reward = levelOf(courses.reward, spread.reward);
    const right = levelOf(courses['rewards/right'], spread['rewards/right']);
    if (!this.#limits.gold || this.#options.isTaught || reward === undefined || right === undefined) return undefined;
    const { best } = this.state;
    if (best === undefined || right.mean > best.right) {
      this.state.best = { right: right.mean, reward: reward.mean };
      return undefined;
    }
    const [risen, fallen] = [reward.mean - best.reward, best.right - right.mean];
    if (!(risen > doubt * reward.error && fallen > doubt * right.error)) return undefined;
    return {
      what: `the reward rises (${best.reward.toFixed(3)} → ${reward.mean.toFixed(3)}) while fewer sampled answers pass their check (${percent(best.right)} → ${percent(right.mean)}), both beyond doubt`,
      why: 'the policy has found what the reward pays for beside right answers',
      next: `Score by the checks too (align.scorers: [rules, …]), or stay nearer (align.${this.#options.heldBy ?? 'klWeight'}). ${goOn('gold', 'false')}`,
    };
  }

  #tellMissing(): void {
    const missing = meansOf(this.state.courses['rewards/missing']);
    if (missing === undefined || missing.now <= missingShare || this.state.isMissingTold) return;
    this.state.isMissingTold = true;
    this.#options.say(
      `${percent(missing.now)} of the answers have no reward: nothing is learnt from them, and what scores them should be looked at`,
    );
  }

  #entropyFall(): Fault | undefined {
    const { entropyFall: limit } = this.#limits;
    const course = meansOf(this.state.courses.entropy);
    if (course === undefined || limit === 0 || !(1 - course.now / course.first > limit)) return undefined;
    return {
      ...lostEntropy(course.first, course.now, limit),
      next: `${calmer(this.#options.isTaught ? null : (this.#options.heldBy ?? 'klWeight'))} ${goOn('entropyFall')}`,
    };
  }

  #distance(): Fault | undefined {
    const { kl: limit } = this.#limits;
    const course = meansOf(this.state.courses.kl);
    if (course === undefined || limit === 0 || course.now <= limit) return undefined;
    return {
      what: `the policy is ${course.now.toFixed(2)} nats a token from where the round began, more than align.alarms.kl (${limit})`,
      why: 'so far away its reward says little about what else of it has changed',
      next: `Raise align.${this.#options.heldBy ?? 'klWeight'}, or lower align.train.learningRate. ${goOn('kl')}`,
    };
  }
}

function spreadBy(spread: Spread | undefined, value: number): Spread {
  if (spread === undefined) return { last: value, squares: 0, count: 0 };
  const { last, squares, count } = spread;
  return { last: value, squares: squares + (value - last) ** 2, count: count + 1 };
}

/**
 * Of the latest samplings; `error`: of the difference of two such means. It follows from all samplings so far, as eight alone are often
 * near each other by chance; and from neighbours, whose difference has little of where the training leads.
 */
function levelOf(course: Course | undefined, spread: Spread | undefined): { mean: number; error: number } | undefined {
  const means = meansOf(course);
  if (course === undefined || means === undefined || spread === undefined) return undefined;
  if (spread.count < minDifferences) return undefined;
  const variance = spread.squares / (2 * spread.count);
  return { mean: means.now, error: Math.sqrt((2 * variance) / course.recent.length) };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
