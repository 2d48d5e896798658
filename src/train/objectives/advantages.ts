// How much better an answer is than the others to its prompt: what a sampled answer is learnt by. Arithmetic on the host, in
// float64. A reward that is not there (a scorer that failed) is no 0: its answer has no advantage, and its group does without it.

/** By answer; answers to one prompt follow each other. */
export type Rewards = readonly (number | undefined)[];

export interface Advantages {
  /** By answer; undefined where it has no reward at all, and nothing is to be learnt of it. */
  advantages: (number | undefined)[];
  /** By answer: its weighted rewards, added up. */
  rewards: (number | undefined)[];
  /** Share of answers whose group has one reward for all: nothing is learnt of these but by their distance to the reference. */
  flatShare: number;
}

export interface AdvantageOptions {
  /** Of each scorer; default: 1. */
  weights?: readonly number[];
  /** Answers to one prompt. */
  groupSize: number;
  /** Whose standard deviation they are divided by; of `normalize-then-sum` always the batch's, after each group's own. */
  scale: 'group' | 'batch' | 'none';
  /** `normalize-then-sum`: each scorer counts by its order in the group, whatever its scale (GDPO: arXiv 2601.05242). */
  mix?: 'normalize-then-sum' | 'sum-then-normalize';
}

/** TRL's, so that a group that differs by next to nothing is not divided by that. */
const minDeviation = 1e-4;
/** A standard deviation that rounding alone makes. */
const flatDeviation = 1e-8;

/** `rewards` by scorer, then by answer. NaN stands for undefined. */
export function groupAdvantages(
  rewards: readonly Rewards[],
  { weights = [], groupSize, scale, mix = 'sum-then-normalize' }: AdvantageOptions,
): Advantages {
  const summed = weightedSum(rewards, weights);
  if (mix === 'normalize-then-sum') {
    const normal = rewards.map((own) => inGroups(own, groupSize, (group) => normalized(group, deviationOf(group))));
    const mixed = weightedSum(normal, weights).map((value, i) => (summed[i] === undefined ? undefined : (value ?? 0)));
    const deviation = deviationOf(mixed);
    return { advantages: normalized(mixed, deviation), rewards: summed, flatShare: Number(isFlat(deviation)) };
  }
  const whole = deviationOf(summed);
  const advantages = inGroups(summed, groupSize, (group) => {
    if (scale === 'none') return centred(group);
    return normalized(group, scale === 'batch' ? whole : deviationOf(group));
  });
  const flatShare = scale === 'batch' ? Number(isFlat(whole)) : flatShareOf(summed, groupSize);
  return { advantages, rewards: summed, flatShare };
}

/** Each reward less the mean of the others in its group (RLOO: Ahmadian et al. 2024, arXiv 2402.14740). */
export function leaveOneOut(rewards: Rewards, groupSize: number): Advantages {
  const given = rewards.map(present);
  const advantages = inGroups(given, groupSize, (group) => {
    const known = group.filter((reward) => reward !== undefined);
    const total = known.reduce((sum, reward) => sum + reward, 0);
    return group.map((reward) => {
      if (reward === undefined) return undefined;
      return known.length === 1 ? 0 : reward - (total - reward) / (known.length - 1);
    });
  });
  return { advantages, rewards: given, flatShare: flatShareOf(given, groupSize) };
}

/** Each less the mean of its group. */
export function centredInGroups(values: Rewards, groupSize: number): (number | undefined)[] {
  return inGroups(values, groupSize, centred);
}

/** Σ weight · reward of the scorers that gave one; undefined where none did. */
export function weightedSum(rewards: readonly Rewards[], weights: readonly number[] = []): (number | undefined)[] {
  return (rewards[0] ?? []).map((_, answer) => {
    const parts = rewards.flatMap((own, scorer) => {
      const reward = present(own[answer]);
      return reward === undefined ? [] : [reward * (weights[scorer] ?? 1)];
    });
    return parts.length === 0 ? undefined : parts.reduce((sum, part) => sum + part, 0);
  });
}

/**
 * Of one group, by answer: the weighted mean of what the scorers have to say, each scaled to 0 … 1 among the answers, for they share no
 * unit. 0 where all are alike to them, undefined of an answer that none could score.
 */
export function mixedRewards(rewards: readonly Rewards[], weights: readonly number[]): (number | undefined)[] {
  const scaled = rewards.map((own) => scaledTo1(own.map(present)));
  return weightedSum(rewards, weights).map((known, answer) => {
    if (known === undefined) return undefined;
    const telling = weights.filter((_, scorer) => scaled[scorer][answer] !== undefined);
    const total = telling.reduce((sum, weight) => sum + weight, 0);
    const own = scaled.map((values) => [values[answer]]);
    return total > 0 ? (weightedSum(own, weights)[0] ?? 0) / total : 0;
  });
}

/** Undefined where they are all alike, or there is no reward. */
function scaledTo1(rewards: Rewards): (number | undefined)[] {
  const known = rewards.filter((reward) => reward !== undefined);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return rewards.map((reward) => (reward === undefined || low === high ? undefined : (reward - low) / (high - low)));
}

function present(reward: number | undefined): number | undefined {
  return reward === undefined || Number.isNaN(reward) ? undefined : reward;
}

function inGroups(
  values: Rewards,
  groupSize: number,
  of: (group: (number | undefined)[]) => (number | undefined)[],
): (number | undefined)[] {
  if (groupSize < 1 || values.length % groupSize !== 0) {
    throw new RangeError(`${values.length} answers are no groups of ${groupSize}`);
  }
  const groups = Array.from({ length: values.length / groupSize }, (_, i) => {
    return values.slice(i * groupSize, (i + 1) * groupSize).map(present);
  });
  return groups.flatMap(of);
}

function centred(values: Rewards): (number | undefined)[] {
  const mean = meanOf(values);
  return values.map((value) => (value === undefined ? undefined : value - mean));
}

/** 0 where there is no deviation to divide by: of one value alone. */
function normalized(values: Rewards, deviation: number): (number | undefined)[] {
  return centred(values).map((value) => {
    if (value === undefined) return undefined;
    return Number.isNaN(deviation) ? 0 : value / (deviation + minDeviation);
  });
}

/** Of those that are there; NaN of none. */
export function meanOf(values: Rewards): number {
  const known = values.filter((value) => value !== undefined);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Of the sample (n − 1); NaN of fewer than two. */
export function deviationOf(values: Rewards): number {
  const known = values.filter((value) => value !== undefined);
  if (known.length < 2) return Number.NaN;
  const mean = meanOf(known);
  return Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1));
}

function isFlat(deviation: number): boolean {
  return deviation <= flatDeviation; // NaN is not
}

function flatShareOf(values: Rewards, groupSize: number): number {
  const flat = inGroups(values, groupSize, (group) => group.map(() => Number(isFlat(deviationOf(group)))));
  return meanOf(flat);
}
