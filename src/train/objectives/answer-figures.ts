// What is logged of sampled answers, under TRL's names: how long they were, how many had to be cut, what their scorers said.
import type { Metrics } from '../../report/event.js';
import { deviationOf, meanOf, type Rewards, weightedSum } from './advantages.js';

/** Of answers of so many sampled tokens; `ended`: whether each came to an end by itself. */
export function answerFigures(lengths: readonly number[], ended: readonly boolean[]): Metrics {
  const terminated = lengths.filter((_, i) => ended[i]);
  return {
    ...lengthFigures('length', lengths),
    'completions/clipped_ratio': 1 - terminated.length / Math.max(1, lengths.length),
    ...lengthFigures('terminated_length', terminated),
  };
}

/** By scorer, and of their weighted sum. What no answer has a reward for is not logged. */
export function rewardFigures(
  rewards: readonly Rewards[],
  { names, weights, flatShare }: { names: readonly string[]; weights?: readonly number[]; flatShare: number },
): Metrics {
  const figures: Metrics = { frac_reward_zero_std: flatShare };
  const add = (of: Rewards, mean: string, deviation: string) => {
    const known = of.filter((reward) => reward !== undefined && !Number.isNaN(reward));
    if (known.length > 0) figures[mean] = meanOf(known);
    if (known.length > 1) figures[deviation] = deviationOf(known);
  };
  names.forEach((name, scorer) => {
    add(rewards[scorer], `rewards/${name}/mean`, `rewards/${name}/std`);
  });
  add(weightedSum(rewards, weights), 'reward', 'reward_std');
  return figures;
}

/** 0 of no answers, as TRL has it. */
function lengthFigures(what: string, lengths: readonly number[]): Metrics {
  const some = lengths.length === 0 ? [0] : lengths;
  return {
    [`completions/mean_${what}`]: meanOf(some),
    [`completions/min_${what}`]: Math.min(...some),
    [`completions/max_${what}`]: Math.max(...some),
  };
}
