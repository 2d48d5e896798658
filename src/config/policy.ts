// The knobs of learning from answers that are sampled while it trains: which loss, how far one sample may move the policy, and
// what keeps it by its reference. A knob that is absent follows from the method and the loss: `resolvedPolicy` fills it in.
import { z } from 'zod';

/** Losses of sampled answers and their advantages: the eight `loss_type`s of TRL 1.16's GRPOTrainer; RLOO's own, and PPO's. */
export const policyLossNames = [
  'dapo',
  'grpo',
  'bnpo',
  'dr_grpo',
  'cispo',
  'sapo',
  'luspo',
  'vespo',
  'rloo',
  'ppo',
] as const;
export type PolicyLossName = (typeof policyLossNames)[number];

/** Methods whose loss is one of them. */
export const policyMethods = ['grpo', 'rloo', 'ppo'] as const;
export type PolicyMethod = (typeof policyMethods)[number];

interface PolicyDefaults {
  /** What `policyLoss` may name; the first is the default. */
  losses: readonly PolicyLossName[];
  klWeight: number;
  klIn: 'loss' | 'reward';
  advantageScale: 'group' | 'batch' | 'none';
}

export const policyDefaults: Readonly<Record<PolicyMethod, PolicyDefaults>> = {
  grpo: {
    losses: policyLossNames.filter((name) => name !== 'rloo' && name !== 'ppo'),
    ...{ klWeight: 0, klIn: 'loss', advantageScale: 'group' },
  },
  rloo: { losses: ['rloo'], klWeight: 0.05, klIn: 'reward', advantageScale: 'none' },
  ppo: { losses: ['ppo'], klWeight: 0.05, klIn: 'reward', advantageScale: 'none' },
};

/** Those that take the smaller of a clipped and an unclipped ratio. */
const clipped: readonly PolicyLossName[] = ['dapo', 'grpo', 'bnpo', 'dr_grpo', 'luspo', 'rloo', 'ppo'];
/** Cap of cispo's ratio: of ScaleRL (Khatri et al. 2025, arXiv 2510.13786). TRL's own default is `epsilon`, a fifth of the gradient. */
const cispoCap = 5;

const vespoNumber = z.number().min(0.0001).max(100).optional();

/** Fields of the `align` block. A block that has them is checked by `checkPolicy`, and read by `resolvedPolicy`. */
export const policyShape = {
  policyLoss: z
    .enum(policyLossNames)
    .optional()
    .describe(
      `loss of sampled answers (TRL: loss_type): of grpo ${policyDefaults.grpo.losses.join(', ')}; of rloo rloo; of ppo ppo; default: the first of its method`,
    ),
  ratioLevel: z
    .enum(['token', 'sequence'])
    .optional()
    .describe(
      'what is compared with how likely it was when it was sampled: each token, or all of an answer, by the mean over its tokens (TRL: importance_sampling_level; sequence with policyLoss grpo is GSPO); default: token, luspo sequence',
    ),
  clipLow: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe('a ratio below 1 − clipLow is not pushed further down (TRL: epsilon); default: 0.2'),
  clipHigh: z
    .number()
    .min(0.0001)
    .max(1000)
    .optional()
    .describe(
      'a ratio above 1 + clipHigh is not pushed further up (TRL: epsilon_high; DAPO 0.28); of cispo the cap of the ratio itself; default: clipLow, cispo 5',
    ),
  clipDelta: z
    .number()
    .min(1)
    .max(1000)
    .optional()
    .describe('cap of the ratio of answers that are worse than their group, more than 1 + clipHigh (TRL: delta)'),
  klWeight: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('how dear each step away from the reference is (β; TRL: beta); default: grpo 0, rloo and ppo 0.05'),
  klIn: z
    .enum(['loss', 'reward'])
    .optional()
    .describe(
      'where that is paid: in the loss of each token (k3 × ratio, whose gradient is that of the KL divergence; TRL: use_bias_correction_kl), or off the reward of the answer (k1); ppo takes it off the reward of each token; default: grpo loss, rloo reward',
    ),
  advantageScale: z
    .enum(['group', 'batch', 'none'])
    .optional()
    .describe(
      'whose standard deviation the advantages are divided by: of the answers to one prompt, of all answers that are sampled at once, or none at all (TRL: scale_rewards); default: group',
    ),
  entropyWeight: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('weight of the mean entropy of the next token, which is made larger (TRL: entropy_coef); default: 0'),
  sapoTemperaturePositive: z
    .number()
    .min(0.01)
    .max(100)
    .optional()
    .describe('τ of sapo for answers that are better than their group (TRL: sapo_temperature_pos); default: 1'),
  sapoTemperatureNegative: z
    .number()
    .min(0.01)
    .max(100)
    .optional()
    .describe('τ of sapo for all others (TRL: sapo_temperature_neg); default: 1.05'),
  vespoPowerPositive: vespoNumber.describe(
    'k of vespo, the power of the ratio, for answers no worse than their group (TRL: vespo_k_pos); default: 2',
  ),
  vespoDecayPositive: vespoNumber.describe(
    'λ of vespo, its exponential decay, for answers no worse than their group (TRL: vespo_lambda_pos); default: 3',
  ),
  vespoPowerNegative: vespoNumber.describe('k of vespo for all others (TRL: vespo_k_neg); default: 3'),
  vespoDecayNegative: vespoNumber.describe('λ of vespo for all others (TRL: vespo_lambda_neg); default: 2'),
};

export type WrittenPolicy = z.output<z.ZodObject<typeof policyShape>>;

/** With every number there. */
export interface PolicyConfig {
  policyLoss: PolicyLossName;
  ratioLevel: 'token' | 'sequence';
  clipLow: number;
  /** Of cispo the cap of the ratio itself; of the others its distance from 1. */
  clipHigh: number;
  /** Infinity: none. */
  clipDelta: number;
  klWeight: number;
  /** `none` where nothing is to be paid: no reference is needed. */
  klIn: 'loss' | 'reward' | 'none';
  advantageScale: 'group' | 'batch' | 'none';
  entropyWeight: number;
  sapoTemperature: { positive: number; negative: number };
  vespo: Record<'positive' | 'negative', { power: number; decay: number }>;
}

/** Of a block that `checkPolicy` found no fault in. */
export function resolvedPolicy(written: WrittenPolicy, method: PolicyMethod): PolicyConfig {
  const defaults = policyDefaults[method];
  const policyLoss = written.policyLoss ?? defaults.losses[0];
  const clipLow = written.clipLow ?? 0.2;
  const klWeight = written.klWeight ?? defaults.klWeight;
  return {
    ...{ policyLoss, clipLow, klWeight },
    ratioLevel: written.ratioLevel ?? (policyLoss === 'luspo' ? 'sequence' : 'token'),
    clipHigh: written.clipHigh ?? (policyLoss === 'cispo' ? cispoCap : clipLow),
    clipDelta: written.clipDelta ?? Number.POSITIVE_INFINITY,
    klIn: klWeight === 0 ? 'none' : (written.klIn ?? defaults.klIn),
    advantageScale: written.advantageScale ?? defaults.advantageScale,
    entropyWeight: written.entropyWeight ?? 0,
    sapoTemperature: {
      positive: written.sapoTemperaturePositive ?? 1,
      negative: written.sapoTemperatureNegative ?? 1.05,
    },
    vespo: {
      positive: { power: written.vespoPowerPositive ?? 2, decay: written.vespoDecayPositive ?? 3 },
      negative: { power: written.vespoPowerNegative ?? 3, decay: written.vespoDecayNegative ?? 2 },
    },
  };
}

type Reader = (loss: PolicyLossName, written: WrittenPolicy, method: PolicyMethod) => boolean;

/** What only some losses read: said for another, it would do nothing. */
const readers: Readonly<Partial<Record<keyof WrittenPolicy, Reader>>> = {
  ratioLevel: (loss) => loss !== 'vespo' && loss !== 'rloo' && loss !== 'ppo',
  clipLow: (loss) => clipped.includes(loss),
  clipHigh: (loss) => clipped.includes(loss) || loss === 'cispo',
  clipDelta: (loss) => clipped.includes(loss) && loss !== 'rloo' && loss !== 'ppo',
  klIn: (_loss, { klWeight }, method) => method !== 'ppo' && (klWeight ?? policyDefaults[method].klWeight) > 0,
  advantageScale: (loss) => loss !== 'rloo' && loss !== 'ppo',
  sapoTemperaturePositive: (loss) => loss === 'sapo',
  sapoTemperatureNegative: (loss) => loss === 'sapo',
  vespoPowerPositive: (loss) => loss === 'vespo',
  vespoDecayPositive: (loss) => loss === 'vespo',
  vespoPowerNegative: (loss) => loss === 'vespo',
  vespoDecayNegative: (loss) => loss === 'vespo',
};

/** What a method reads with some loss that it has, where steps away from the reference cost something. */
export function policyKeysOf(name: string): string[] {
  const method = policyMethods.find((each) => each === name);
  if (method === undefined) return [];
  const isRead = (key: keyof WrittenPolicy): boolean =>
    policyDefaults[method].losses.some((loss) => readers[key]?.(loss, { klWeight: 1 }, method) ?? true);
  return (Object.keys(policyShape) as (keyof WrittenPolicy)[]).filter(isRead);
}

/** For `superRefine` of the block: knobs that do not go together. Of any other method, that none of them is written. */
export function checkPolicy(written: WrittenPolicy & { method: string }, context: z.RefinementCtx): void {
  const fault = (key: keyof WrittenPolicy, message: string) => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  const method = policyMethods.find((name) => name === written.method);
  const keys = (Object.keys(policyShape) as (keyof WrittenPolicy)[]).filter((key) => written[key] !== undefined);
  if (method === undefined) {
    for (const key of keys) fault(key, `is not read by ${written.method}: remove it, or write null`);
    return;
  }
  const { losses } = policyDefaults[method];
  const loss = written.policyLoss ?? losses[0];
  if (!losses.includes(loss)) {
    fault('policyLoss', `${loss} is no loss of ${method}: it has ${losses.join(', ')}`);
    return;
  }
  for (const key of keys) {
    if (readers[key]?.(loss, written, method) === false) {
      fault(key, `is not read by ${method} with ${loss}: remove it, or write null`);
    }
  }
  if (loss === 'luspo' && written.ratioLevel === 'token') {
    fault('ratioLevel', 'luspo is defined for the ratio of a whole answer: write sequence, or null');
  }
  const { clipDelta, clipHigh, clipLow = 0.2 } = written;
  if (clipDelta !== undefined && clipDelta <= 1 + (clipHigh ?? clipLow)) {
    fault('clipDelta', `${clipDelta} is within the clipped range: give more than 1 + clipHigh`);
  }
}
