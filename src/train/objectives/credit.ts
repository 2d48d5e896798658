// Which of an answer's tokens earned its reward: what PPO learns each token by. A token is paid for how near the reference it stays, the
// last one with the answer's reward besides; its advantage is by how much all that follows is better than the critic foresaw
// (Schulman et al. 2016, arXiv 1506.02438). Arithmetic on the host, in float64; the steps of an answer are the tokens that count.
import type { PpoConfig } from '../../config/ppo.js';
import type { Metrics } from '../../report/event.js';
import { meanOf } from './advantages.js';

/** A learnt answer, by its counted tokens: log π when they were sampled and under the reference, and what the critic foresaw. */
export interface AnswerSteps {
  reward: number;
  sampled: readonly number[];
  /** Absent: staying near it is not paid for. */
  reference?: readonly number[];
  values: readonly number[];
}

/** By answer, by token. */
export interface Credit {
  advantages: number[][];
  /** What the critic was to have foreseen. */
  returns: number[][];
  /** Under TRL's names, where it has one. */
  figures: Metrics;
}

/** Of all rewards so far: how many, their mean, and the sum of squared distances from it (Welford's). */
export interface RewardScale {
  count: number;
  mean: number;
  squares: number;
}

export const noRewards: RewardScale = { count: 0, mean: 0, squares: 0 };
/** So that rewards that differ by next to nothing are not blown up. */
const minDeviation = 1e-4;
/** TRL's, beside a variance. */
const minVariance = 1e-8;

export function scaleWith(rewards: readonly number[], scale: RewardScale): RewardScale {
  return rewards.reduce(({ count, mean, squares }, reward) => {
    const next = mean + (reward - mean) / (count + 1);
    return { count: count + 1, mean: next, squares: squares + (reward - mean) * (reward - next) };
  }, scale);
}

/** A reward as it is learnt from: by how many deviations it is better than all so far, and no further than `rewardClip`. */
export function scaledReward(
  reward: number,
  { count, mean, squares }: RewardScale,
  { normaliseReward, rewardClip }: Pick<PpoConfig, 'normaliseReward' | 'rewardClip'>,
): number {
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  const scaled = normaliseReward ? (reward - mean) / (deviation + minDeviation) : reward;
  return Math.min(rewardClip, Math.max(-rewardClip, scaled));
}

/** A sampling, by row: its rewards as they were given, and of each counted token what `AnswerSteps` has. */
export interface SamplingSteps {
  /** That are learnt from, each once. */
  rows: readonly number[];
  rewards: readonly (number | undefined)[];
  sampled: readonly (readonly number[])[];
  reference?: readonly (readonly number[])[];
  values: readonly (readonly number[])[];
}

/** By row: empty of those that nothing is learnt from. */
export interface SamplingCredit extends Credit {
  values: readonly (readonly number[])[];
}

/** @param scale Of the samplings before; the one that comes back has this one's rewards too. */
export function samplingCredit(
  { rows, rewards, sampled, reference, values }: SamplingSteps,
  { scale: before, ...knobs }: { scale: RewardScale; klWeight: number; ppo: PpoConfig },
): SamplingCredit & { scale: RewardScale } {
  const inOrder = [...rows].sort((a, b) => a - b);
  const rewardOf = (row: number) => rewards[row] ?? 0; // those without one are not learnt from
  const scale = scaleWith(inOrder.map(rewardOf), before);
  const answers = inOrder.map((row) => ({
    reward: scaledReward(rewardOf(row), scale, knobs.ppo),
    ...{ sampled: sampled[row], reference: reference?.[row], values: values[row] },
  }));
  const { advantages, returns, figures } = creditOf(answers, knobs);
  const byRow = (own: readonly number[][]): number[][] => {
    const all = rewards.map((): number[] => []);
    for (const [i, row] of inOrder.entries()) all[row] = own[i];
    return all;
  };
  return { advantages: byRow(advantages), returns: byRow(returns), values, figures, scale };
}

/** Of all answers of a sampling, each already with the reward that it is learnt by. */
export function creditOf(
  answers: readonly AnswerSteps[],
  { klWeight, ppo }: { klWeight: number; ppo: PpoConfig },
): Credit {
  const distances = answers.map((answer) => distancesOf(answer, ppo));
  const paid = answers.map(({ reward }, i) =>
    distances[i].map((distance, t) => (t === distances[i].length - 1 ? reward : 0) - klWeight * distance),
  );
  const rewards = ppo.whitenRewards ? whitened(paid, { keepsMean: true }) : paid;
  const raw = rewards.map((own, i) => generalisedAdvantages(own, answers[i].values, ppo));
  const returns = raw.map((own, i) => own.map((advantage, t) => advantage + answers[i].values[t]));
  const isCompared = answers.some(({ reference }) => reference !== undefined);
  const kl = meanOf(distances.map(sumOf));
  const score = meanOf(answers.map(({ reward }) => reward));
  return {
    ...{ advantages: whitened(raw), returns },
    figures: {
      'objective/entropy': meanOf(answers.map(({ sampled }) => -sumOf(sampled))),
      'objective/scores': score,
      ...(isCompared && {
        'objective/kl': kl,
        'objective/non_score_reward': -klWeight * kl,
        'objective/rlhf_reward': score - klWeight * kl,
      }),
      ...foreseen(
        returns.flat(),
        answers.flatMap(({ values }) => values),
      ),
    },
  };
}

/** Â_t = δ_t + γλ Â_{t+1}, δ_t = r_t + γ V_{t+1} − V_t; behind the last token there is nothing. */
export function generalisedAdvantages(
  rewards: readonly number[],
  values: readonly number[],
  { gamma, lambda }: Pick<PpoConfig, 'gamma' | 'lambda'>,
): number[] {
  const advantages = rewards.map(() => 0);
  let [later, next] = [0, 0];
  for (let t = rewards.length - 1; t >= 0; t--) {
    later = rewards[t] + gamma * next - values[t] + gamma * lambda * later;
    next = values[t];
    advantages[t] = later;
  }
  return advantages;
}

/** Of all tokens together: to a mean of 0 (or the mean that they have) and a variance of 1, n − 1 in its denominator. */
export function whitened(rows: readonly (readonly number[])[], { keepsMean = false } = {}): number[][] {
  const all = rows.flat();
  const mean = all.length === 0 ? 0 : meanOf(all);
  const variance = all.length < 2 ? 0 : all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (all.length - 1);
  const scale = 1 / Math.sqrt(variance + minVariance);
  return rows.map((row) => row.map((x) => (x - mean) * scale + (keepsMean ? mean : 0)));
}

/** How far each token is from the reference: k1 or k3. */
function distancesOf({ sampled, reference }: AnswerSteps, { klEstimator }: PpoConfig): number[] {
  return sampled.map((own, t) => {
    const ahead = reference === undefined ? 0 : reference[t] - own;
    return klEstimator === 'k1' ? -ahead : Math.expm1(ahead) - ahead;
  });
}

/** Share of the returns' variance that the critic foresaw: 1 all of it, 0 no more than their mean would, less than 0 worse. */
function foreseen(returns: readonly number[], values: readonly number[]): Metrics {
  const mean = meanOf(returns);
  const spread = returns.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  if (!(spread > 0)) return {};
  const gaps = returns.map((x, i) => x - values[i]);
  const bias = meanOf(gaps);
  return { 'val/explained_variance': 1 - gaps.reduce((sum, gap) => sum + (gap - bias) ** 2, 0) / spread };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
