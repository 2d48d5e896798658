// The knobs of PPO alone: what a token is worth beside the answer's reward, and the critic that says so. Defaults are TRL 1.12's, but
// for what PPO-max (Zheng et al. 2023, arXiv 2307.04964) steadies it with: scaled rewards, and a critic that learns first.
import { z } from 'zod';
import { optionalPath } from './paths.js';

/** Fields of the `align` block. */
export const ppoShape = {
  critic: optionalPath(
    "reward model that ppo's critic begins as (a checkpoint, a run or a model folder), with the tokenizer of the policy; default: the policy as it is at the round's start, with a score that is new",
  ),
  criticWarmup: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('first steps of ppo in which only the critic learns, and the policy stays as it is; default: 8'),
  gamma: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('what a token counts of the rewards one token later (γ of ppo); default: 1'),
  lambda: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'how far an advantage of ppo looks ahead before it trusts the critic (λ of generalised advantage estimation; TRL: lam): 0 one token, 1 to the end; default: 0.95',
    ),
  valueWeight: z
    .number()
    .min(0.0001)
    .max(100)
    .optional()
    .describe("weight of the critic's loss beside the policy's (TRL: vf_coef); default: 0.1"),
  valueClip: z
    .number()
    .min(0.0001)
    .max(1_000_000)
    .optional()
    .describe(
      'how far a value may move from what it was when the answer was sampled, before moving further pays (TRL: cliprange_value); default: 0.2',
    ),
  klEstimator: z
    .enum(['k1', 'k3'])
    .optional()
    .describe(
      'what ppo takes off the reward of each token, times klWeight: log(π / π_ref), or π_ref / π − 1 − log(π_ref / π), which is never negative (TRL: kl_estimator); default: k1',
    ),
  normaliseReward: z
    .boolean()
    .optional()
    .describe(
      "scale the rewards of ppo's answers by mean and standard deviation of all that this round has given so far; default: true",
    ),
  rewardClip: z
    .number()
    .min(0.01)
    .max(1_000_000)
    .optional()
    .describe(
      'largest reward of an answer of ppo, above and below 0, after scaling; default: 5 where it is scaled, else none',
    ),
  whitenRewards: z
    .boolean()
    .optional()
    .describe(
      'divide the rewards of all tokens of a sampling by their standard deviation (TRL: whiten_rewards); default: false',
    ),
};
export type WrittenPpo = z.output<z.ZodObject<typeof ppoShape>>;

/** With every number there. */
export interface PpoConfig {
  criticWarmup: number;
  gamma: number;
  lambda: number;
  valueWeight: number;
  valueClip: number;
  klEstimator: 'k1' | 'k3';
  normaliseReward: boolean;
  /** Infinity: none. */
  rewardClip: number;
  whitenRewards: boolean;
}

export function resolvedPpo(written: WrittenPpo): PpoConfig {
  const { normaliseReward = true } = written;
  return {
    criticWarmup: written.criticWarmup ?? 8,
    gamma: written.gamma ?? 1,
    lambda: written.lambda ?? 0.95,
    valueWeight: written.valueWeight ?? 0.1,
    valueClip: written.valueClip ?? 0.2,
    klEstimator: written.klEstimator ?? 'k1',
    normaliseReward,
    rewardClip: written.rewardClip ?? (normaliseReward ? 5 : Number.POSITIVE_INFINITY),
    whitenRewards: written.whitenRewards ?? false,
  };
}

/** For `superRefine` of the block. */
export function checkPpo(written: WrittenPpo & { method: string; klWeight?: number }, context: z.RefinementCtx): void {
  const { method, klWeight, klEstimator } = written;
  const unread = method === 'ppo' ? [] : (Object.keys(ppoShape) as (keyof WrittenPpo)[]);
  for (const key of unread) {
    if (written[key] === undefined) continue;
    context.addIssue({ code: 'custom', path: [key], message: `is not read by ${method}: remove it, or write null` });
  }
  if (method === 'ppo' && klWeight === 0 && klEstimator !== undefined) {
    const message = 'is not read where klWeight is 0: remove it, or write null';
    context.addIssue({ code: 'custom', path: ['klEstimator'], message });
  }
}
