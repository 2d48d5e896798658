// The knobs of learning from preferences: which method, which loss, and the numbers of its formula. What each defaults to
// depends on the method and the loss, so a knob that is absent is filled in by `resolvedPreference`. Names are TRL's.
import { z } from 'zod';

/** How a round learns from judged answers. The formulas are in train/objectives/methods.ts. */
export const methodNames = [
  'dpo',
  'kto',
  'orpo',
  'cpo',
  'simpo',
  'alphapo',
  'best-of-n',
  'quality-tags',
  'grpo',
  'rloo',
  'ppo',
  'online-dpo',
  'distill',
] as const;
export type MethodName = (typeof methodNames)[number];

/** Losses of pairs beside a reference: the fifteen `loss_type`s of TRL 1.16's DPOTrainer, and cDPO, which it lacks. */
export const dpoLossNames = [
  'sigmoid',
  'hinge',
  'ipo',
  'exo_pair',
  'nca_pair',
  'robust',
  'bco_pair',
  'sppo_hard',
  'aot',
  'aot_unpaired',
  'apo_zero',
  'apo_down',
  'discopop',
  'sft',
  'sigmoid_norm',
  'cdpo',
] as const;
export type DpoLossName = (typeof dpoLossNames)[number];

/** Losses of single answers that were called good or bad. */
export const ktoLossNames = ['kto', 'apo_zero_unpaired'] as const;
export type KtoLossName = (typeof ktoLossNames)[number];

/** Losses of pairs without a reference. */
export const cpoLossNames = ['sigmoid', 'hinge', 'ipo'] as const satisfies readonly DpoLossName[];
export type CpoLossName = (typeof cpoLossNames)[number];

/** Those of a pair that the policy has sampled: TRL's OnlineDPOTrainer has these. */
const onlineLossNames = ['sigmoid', 'ipo'] as const satisfies readonly DpoLossName[];

export const fDivergences = ['reverse_kl', 'forward_kl', 'js_divergence', 'alpha_divergence'] as const;
export type FDivergence = (typeof fDivergences)[number];

/** Those whose formula has the difference of two rewards, in which a divergence's normaliser cancels out. */
const divergenceLosses: readonly string[] = [
  'sigmoid',
  'sigmoid_norm',
  'hinge',
  'ipo',
  'exo_pair',
  'robust',
  'discopop',
  'sft',
  'cdpo',
] satisfies DpoLossName[];

/** ε by loss, of those that have one. */
const defaultSmoothing: Readonly<Partial<Record<string, number>>> = {
  cdpo: 0.1,
  robust: 0.1,
  exo_pair: 0.001,
  aot: 0,
  aot_unpaired: 0,
} satisfies Partial<Record<DpoLossName, number>>;

interface MethodDefaults {
  /** What `loss` may name; the first is the default. None: the method is its own loss. */
  losses: readonly (DpoLossName | KtoLossName)[];
  beta: number;
  sftWeight: number;
}

export const methodDefaults: Readonly<Record<MethodName, MethodDefaults>> = {
  dpo: { losses: dpoLossNames, beta: 0.1, sftWeight: 0.1 },
  kto: { losses: ktoLossNames, beta: 0.1, sftWeight: 0 },
  orpo: { losses: [], beta: 0.1, sftWeight: 1 },
  cpo: { losses: cpoLossNames, beta: 0.1, sftWeight: 1 },
  simpo: { losses: [], beta: 2, sftWeight: 0 },
  alphapo: { losses: [], beta: 2, sftWeight: 0 },
  'best-of-n': { losses: [], beta: 0, sftWeight: 0 },
  'quality-tags': { losses: [], beta: 0, sftWeight: 0 },
  grpo: { losses: [], beta: 0, sftWeight: 0 },
  rloo: { losses: [], beta: 0, sftWeight: 0 },
  ppo: { losses: [], beta: 0, sftWeight: 0 },
  'online-dpo': { losses: onlineLossNames, beta: 0.1, sftWeight: 0 },
  distill: { losses: [], beta: 0, sftWeight: 0 },
};

const lossName = z.enum([...dpoLossNames, ...ktoLossNames]);
const weight = z.number().min(0).max(100);

/** Fields of the `align` block. A block that has them is checked by `checkPreference`, and read by `resolvedPreference`. */
export const preferenceShape = {
  method: z
    .enum(methodNames)
    .default('dpo')
    .describe(
      'how a round learns: dpo, kto (single answers, good or bad), orpo, cpo, simpo, alphapo (the last four without a reference), best-of-n (fine-tuning on the best answers), quality-tags (a tag in the prompt says how good the answer is), grpo, rloo and ppo (answers that are sampled and scored while it learns; ppo with a critic), online-dpo (the best and the worst of such answers are a pair), distill (what a teacher predicts at every token of such answers)',
    ),
  loss: z
    .union([lossName, z.array(lossName).min(1).max(dpoLossNames.length)])
    .optional()
    .describe(
      `one loss or several: of dpo ${dpoLossNames.join(', ')}; of kto ${ktoLossNames.join(', ')}; of cpo ${cpoLossNames.join(', ')}; of online-dpo ${onlineLossNames.join(', ')}; default: the first of its method`,
    ),
  lossWeights: z.array(weight).min(1).max(dpoLossNames.length).optional().describe('one for each loss; default: 1'),
  beta: z
    .number()
    .min(0.0001)
    .max(100)
    .optional()
    .describe('how dear each step away from the reference is (β); default: 0.1; simpo and alphapo, which have none: 2'),
  sftWeight: weight
    .optional()
    .describe(
      'weight of the NLL of the chosen answer beside the loss; default: dpo 0.1 (0 where `loss` names sft), orpo and cpo 1, others 0',
    ),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .optional()
    .describe(
      'share of labels that are taken to be wrong (ε): cdpo and robust (default 0.1), exo_pair (0.001), aot, aot_unpaired, sigmoid of cpo, simpo, alphapo (0)',
    ),
  fDivergence: z
    .enum(fDivergences)
    .default('reverse_kl')
    .describe('distance that keeps the policy by its reference, of the losses by a difference of rewards'),
  fDivergenceAlpha: z.number().min(0).max(10).optional().describe('α of alpha_divergence; default: 0.5'),
  discopopTau: z.number().min(0.001).max(100).optional().describe('τ of discopop; default: 0.05'),
  simpoGamma: z.number().min(0).max(100).optional().describe('margin that simpo and alphapo ask for (γ); default: 1'),
  rewardAlpha: z
    .number()
    .min(-10)
    .max(10)
    .optional()
    .describe("α of alphapo's reward (1 − p^−α) / α, where 0 is simpo; default: 0.25"),
  desirableWeight: weight.optional().describe('weight of good answers (kto); default: 1'),
  undesirableWeight: weight.optional().describe('weight of bad answers (kto); default: 1'),
};

type WrittenPreference = z.output<z.ZodObject<typeof preferenceShape>>;
type LossName = DpoLossName | KtoLossName;

type Reader = (method: MethodName, names: readonly LossName[], written: WrittenPreference) => boolean;

/** What only some methods or losses read: said for another, it would do nothing. */
const readers: Readonly<Partial<Record<keyof WrittenPreference, Reader>>> = {
  beta: (method) => methodDefaults[method].beta > 0,
  sftWeight: (method) => methodDefaults[method].beta > 0,
  labelSmoothing: (method, names) =>
    method === 'cpo'
      ? names.includes('sigmoid')
      : method === 'simpo' || method === 'alphapo' || names.some((name) => name in defaultSmoothing),
  fDivergenceAlpha: (method, _names, { fDivergence }) => method === 'dpo' && fDivergence === 'alpha_divergence',
  discopopTau: (_, names) => names.includes('discopop'),
  simpoGamma: (method) => method === 'simpo' || method === 'alphapo',
  rewardAlpha: (method) => method === 'alphapo',
  desirableWeight: (method) => method === 'kto',
  undesirableWeight: (method) => method === 'kto',
};

/** What a method reads with some loss that it has. */
export function preferenceKeysOf(method: MethodName): string[] {
  const { losses } = methodDefaults[method];
  const kinds: readonly (readonly LossName[])[] = losses.length === 0 ? [[]] : losses.map((name) => [name]);
  const written: WrittenPreference = { method, fDivergence: 'alpha_divergence' };
  return (Object.keys(preferenceShape) as (keyof WrittenPreference)[]).filter((key) => {
    if (key === 'method') return true;
    if (key === 'loss' || key === 'lossWeights') return losses.length > 0;
    if (key === 'fDivergence') return method === 'dpo';
    return kinds.some((names) => readers[key]?.(method, names, written));
  });
}

/** With every number there. */
export interface PreferenceConfig {
  method: MethodName;
  /** Empty where the method is its own loss. */
  losses: { name: LossName; weight: number; labelSmoothing: number }[];
  beta: number;
  sftWeight: number;
  /** Of a method without losses of its own. */
  labelSmoothing: number;
  fDivergence: FDivergence;
  fDivergenceAlpha: number;
  discopopTau: number;
  simpoGamma: number;
  rewardAlpha: number;
  desirableWeight: number;
  undesirableWeight: number;
}

/** Of a block that `checkPreference` found no fault in. */
export function resolvedPreference(written: WrittenPreference): PreferenceConfig {
  const { method, lossWeights, labelSmoothing } = written;
  const defaults = methodDefaults[method];
  const names = namedLosses(written);
  const sftWeight = method === 'dpo' && names.includes('sft') ? 0 : defaults.sftWeight;
  return {
    method,
    losses: names.map((name, i) => ({
      name,
      weight: lossWeights?.[i] ?? 1,
      labelSmoothing: labelSmoothing ?? defaultSmoothing[name] ?? 0,
    })),
    beta: written.beta ?? defaults.beta,
    sftWeight: written.sftWeight ?? sftWeight,
    labelSmoothing: labelSmoothing ?? 0,
    fDivergence: written.fDivergence,
    fDivergenceAlpha: written.fDivergenceAlpha ?? 0.5,
    discopopTau: written.discopopTau ?? 0.05,
    simpoGamma: written.simpoGamma ?? 1,
    rewardAlpha: written.rewardAlpha ?? 0.25,
    desirableWeight: written.desirableWeight ?? 1,
    undesirableWeight: written.undesirableWeight ?? 1,
  };
}

function namedLosses({ method, loss }: Pick<WrittenPreference, 'method' | 'loss'>): readonly LossName[] {
  if (loss !== undefined) return Array.isArray(loss) ? loss : [loss];
  return methodDefaults[method].losses.slice(0, 1);
}

/** For `superRefine` of the block: knobs that do not go together. */
export function checkPreference(written: WrittenPreference, context: z.RefinementCtx): void {
  const fault = (key: keyof WrittenPreference, message: string) => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  const { method, lossWeights, fDivergence, labelSmoothing } = written;
  const { losses } = methodDefaults[method];
  const names = namedLosses(written);
  const others = names.filter((name) => !losses.includes(name));
  if (others.length > 0) {
    const offer = losses.length === 0 ? 'it has none to choose from: write null' : `it has ${losses.join(', ')}`;
    fault('loss', `${others.join(', ')} is no loss of ${method}: ${offer}`);
    return;
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) fault('loss', `names ${twice} twice: give it a weight in lossWeights instead`);
  if (lossWeights !== undefined && lossWeights.length !== names.length) {
    fault('lossWeights', `${lossWeights.length} for ${names.length} losses (${names.join(', ')}): give one for each`);
  }
  const undefinedFor = names.filter((name) => !divergenceLosses.includes(name));
  if (fDivergence !== 'reverse_kl' && (method !== 'dpo' || undefinedFor.length > 0)) {
    const what = method === 'dpo' ? undefinedFor.join(', ') : method;
    const offer = `${fDivergence} goes with ${divergenceLosses.join(', ')} of dpo`;
    fault('fDivergence', `${what} is defined for reverse_kl alone: ${offer}`);
  }
  if (labelSmoothing === 0 && names.includes('exo_pair')) {
    fault('labelSmoothing', 'exo_pair takes the logarithm of it: give more than 0, for example 0.001');
  }
  const what = names.length === 0 ? method : `${method} with ${names.join(', ')}`;
  for (const [key, isRead] of Object.entries(readers) as [keyof WrittenPreference, Reader][]) {
    if (written[key] === undefined || isRead(method, names, written)) continue;
    fault(key, `is not read by ${what}: remove it, or write null`);
  }
}
