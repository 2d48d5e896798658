// What a person is told first of a stage whose loss says nothing: of a reward model, or a judge, how often it is right and whether it may
// steer, of a round that sampled as it learnt what its answers came to and what was promoted.
import { formatCount, kebabCase } from '../base/format.js';
import type { Event } from './event.js';
import type { TimedEvent } from './metrics.js';

type Step = Extract<Event, { type: 'step' }>;
type Reward = Extract<Event, { type: 'reward' }>;

/** Steps whose mean is the beginning, or the end: single ones differ too much. */
const meanSteps = 4;

/** Sentences; none of a stage that its loss says enough of. */
export function verdictsOf(events: readonly TimedEvent[], stage: string): string[] {
  const own = events.filter((event) => event.stage === stage);
  const rewards = latestRewards(own);
  const reward = rewards.findLast(({ judge }) => judge === undefined);
  if (reward !== undefined) return rewardVerdict(stage, reward);
  const steps = own.filter((event): event is TimedEvent & Step => event.type === 'step');
  const sampled = steps.filter(({ metrics = {} }) => 'reward' in metrics && 'frac_reward_zero_std' in metrics);
  const rounds = [...new Set(sampled.map(({ round = 1 }) => round))];
  const courses = rounds.flatMap((round) => {
    const gate = own.findLast((event) => event.type === 'gate' && event.round === round);
    const course = rewardCourse(
      stage,
      round,
      sampled.filter((step) => (step.round ?? 1) === round),
    );
    return [...course, ...(gate?.type === 'gate' ? [promotion(gate)] : [])];
  });
  return [...rewards.flatMap(judgeVerdict), ...courses];
}

/** Of each stage what its latest try that said any said: a resumed one shows its judges again, or others. */
export function latestRewards(events: readonly TimedEvent[]): (TimedEvent & Reward)[] {
  const latest = new Map<string, Map<string | undefined, TimedEvent & Reward>>();
  const begun = new Set<string>();
  for (const event of events) {
    const { type, stage } = event;
    if (type === 'stage' && (event.state === 'started' || event.state === 'resumed')) begun.add(stage);
    if (type !== 'reward') continue;
    const own = begun.delete(stage) ? new Map() : (latest.get(stage) ?? new Map());
    latest.set(stage, own.set(event.judge?.name, event));
  }
  return [...latest.values()].flatMap((own) => [...own.values()]);
}

function judgeVerdict({ judge, parts, isGranted, refusals }: Reward): string[] {
  const right = parts.slice(0, 1).map(({ accuracy, pairs }) => {
    return `${judge?.model ?? judge?.name ?? 'judge'}: right in ${percent(accuracy.mean)} of ${formatCount(pairs)} known pairs.`;
  });
  const steers = isGranted
    ? 'It may steer alignment.'
    : `It has not shown enough to steer alignment: ${refusals.join('; ')}.`;
  return [...right, steers];
}

function rewardVerdict(stage: string, { parts, isGranted, refusals }: Reward): string[] {
  const right = parts.slice(0, 1).map(({ accuracy, pairs }) => {
    return `${kebabCase(stage)}: right in ${percent(accuracy.mean)} of ${formatCount(pairs)} held-out pairs.`;
  });
  const licence = isGranted
    ? 'It has a licence to steer alignment.'
    : `Its licence is refused: ${refusals.join('; ')}.`;
  return [...right, licence];
}

function rewardCourse(stage: string, round: number, steps: readonly Step[]): string[] {
  const [reward, right] = ['reward', 'rewards/right'].map((name) => ends(steps, name));
  const [first = '–', last = '–'] = [reward?.first, reward?.last].map((value) => value?.toFixed(3));
  const course = `${kebabCase(stage)}, round ${round}: over ${formatCount(steps.length)} steps the reward of sampled answers went from ${first} to ${last}.`;
  if (right === undefined) return [course];
  const checked = `Of those with a check ${percent(right.first)} were right at first, and ${percent(right.last)} in the end.`;
  return [course, checked];
}

function ends(steps: readonly Step[], name: string): { first: number; last: number } | undefined {
  const values = steps.flatMap(({ metrics }) => metrics?.[name] ?? []);
  const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;
  if (values.length === 0) return undefined;
  return { first: mean(values.slice(0, meanSteps)), last: mean(values.slice(-meanSteps)) };
}

function promotion({ alpha, points, metric }: Extract<Event, { type: 'gate' }>): string {
  if (alpha === 0) return 'Held-out tasks decided: nothing was promoted, and the earlier policy stays.';
  const gain = points.find((point) => point.alpha === alpha)?.gains[metric];
  if (gain === undefined) return `Held-out tasks decided: promoted at ${percent(alpha)} of the way.`;
  const range = `${signed(gain.mean)} [${signed(gain.low)}, ${signed(gain.high)}]`;
  return `Held-out tasks decided: promoted at ${percent(alpha)} of the way, where ${metric} gained ${range}.`;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
