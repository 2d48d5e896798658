// The losses of pairs of answers, one row each: TRL 1.16's by their names, and cDPO. A row is a formula over what the policy
// and the reference make of both answers; each gives the loss of every pair of the micro-batch [pairs].
import type { DpoLossName, PreferenceConfig } from '../../config/preference.js';
import { sort } from '../../tensor/ops/sort.js';
import {
  add,
  exp,
  mul,
  neg,
  relu,
  type Scalar,
  sigmoid,
  softplus,
  sub,
  type Tensor,
  type Tensor1D,
  tensor1d,
} from '../../tensor/tf.js';

/** One tensor or array [pairs] for each side. */
export interface Sides<Values = Tensor1D> {
  chosen: Values;
  rejected: Values;
}

export interface PairTerms {
  /** β. */
  beta: number;
  /** ε: the share of labels that are taken to be wrong. */
  labelSmoothing: number;
  /** τ of discopop. */
  discopopTau: number;
  /** L: log π, summed over each answer's tokens, its end token included. */
  policy: Sides;
  /** The same of the reference; 0 where the method has none. */
  reference: Sides;
  /** Tokens of each answer, its end token included. */
  counts: Sides<Float32Array>;
  /** Of the whole micro-batch: tokens of the chosen answer, on average over its pairs. */
  meanChosen: number;
  /** s = log π − log π_ref. */
  ratios: Sides;
  /** f′(π / π_ref) of the divergence: s for the reverse KL. */
  scores: Sides;
}

export interface PairValues {
  /** log π of each answer, summed over its tokens, its end token included. */
  policy: Sides;
  /** The same of the reference; a method without one ignores it. */
  reference: Sides;
  counts: Sides<Float32Array>;
  /** Default: these pairs are a micro-batch. */
  learnt?: LearntTokens;
  /** Of all tokens but the first of the chosen sequences, the prompt's too: Σ log π, and how many. For orpo. */
  whole?: { sum: Scalar; count: number };
}

/** Of the whole micro-batch, where these pairs are a part of it that one rank computes. */
export interface LearntTokens {
  /** Tokens whose likelihood is learnt, a pair. */
  perPair: number;
  /** What Σ log π of the learnt tokens is divided by, for each pair to have its share: all of them, where all pairs are here. */
  divisor: number;
}

export interface PairFigures {
  /** Of each pair [pairs]; their mean is the loss. */
  losses: Tensor1D;
  /** What the method takes for a reward of each answer. */
  rewards: Sides;
  /** Under TRL's names, beside the rewards; a number [pairs] or one for all of them. */
  figures: Record<string, Tensor>;
}

export interface PairLoss {
  /** s: log π − log π_ref; s̄: per token of the answer; Δ = s_w − s_l; w: chosen, l: rejected. */
  formula: string;
  paper: string;
  /** What it is defined over, where that is more than one pair. */
  over?: 'micro-batch';
  loss(terms: PairTerms): Tensor;
}

export const pairLosses = {
  sigmoid: {
    formula: '−log σ(βΔ)',
    paper: 'DPO: Rafailov et al. 2023, arXiv 2305.18290, eq. 7',
    loss: (terms) => negativeLogSigmoid(margin(terms)),
  },
  hinge: {
    formula: 'max(0, 1 − βΔ)',
    paper: 'SLiC: Zhao et al. 2023, arXiv 2305.10425',
    loss: (terms) => relu(sub(1, margin(terms))),
  },
  ipo: {
    formula: '(s̄_w − s̄_l − 1 / 2β)²',
    paper: 'IPO: Azar et al. 2023, arXiv 2310.12036, eq. 17',
    loss: (terms) => squared(sub(meanDifference(terms), 1 / (2 * terms.beta))),
  },
  exo_pair: {
    formula: 'σ(βΔ) [log σ(βΔ) − log(1 − ε)] + σ(−βΔ) [log σ(−βΔ) − log ε]',
    paper: 'EXO: Ji et al. 2024, arXiv 2402.00856, eq. 16',
    loss: (terms) => {
      const x = margin(terms);
      const { labelSmoothing: epsilon } = terms;
      const part = (score: Tensor, share: number) =>
        mul(sigmoid(score), neg(add(negativeLogSigmoid(score), Math.log(share))));
      return add(part(x, 1 - epsilon), part(neg(x), epsilon));
    },
  },
  nca_pair: {
    formula: '−log σ(βs_w) − ½ log σ(−βs_w) − ½ log σ(−βs_l)',
    paper: 'NCA: Chen et al. 2024, arXiv 2402.05369',
    loss: (terms) => {
      const { chosen, rejected } = rewards(terms);
      return add(negativeLogSigmoid(chosen), mul(add(softplus(chosen), softplus(rejected)), 0.5));
    },
  },
  robust: {
    formula: '[−(1 − ε) log σ(βΔ) + ε log σ(−βΔ)] / (1 − 2ε)',
    paper: 'robust DPO: Chowdhury et al. 2024, arXiv 2403.00409',
    loss: (terms) => {
      const x = margin(terms);
      const { labelSmoothing: epsilon } = terms;
      const right = mul(negativeLogSigmoid(x), (1 - epsilon) / (1 - 2 * epsilon));
      return sub(right, mul(softplus(x), epsilon / (1 - 2 * epsilon)));
    },
  },
  bco_pair: {
    formula: '−log σ(βs_w) − log σ(−βs_l)',
    paper: 'BCO: Jung et al. 2024, arXiv 2404.04656',
    loss: (terms) => {
      const { chosen, rejected } = rewards(terms);
      return add(negativeLogSigmoid(chosen), softplus(rejected));
    },
  },
  sppo_hard: {
    formula: '(s_w − 1 / 2β)² + (s_l + 1 / 2β)²',
    paper: 'SPPO: Wu et al. 2024, arXiv 2405.00675, with probabilities of 1 and 0',
    loss: ({ ratios, beta }) =>
      add(squared(sub(ratios.chosen, 1 / (2 * beta))), squared(add(ratios.rejected, 1 / (2 * beta)))),
  },
  aot: {
    formula: '−(1 − ε) log σ(βd) − ε log σ(−βd), d = sorted(L_w − L_l) − sorted(L_w − L_l of the reference)',
    paper: 'AOT: Melnyk et al. 2024, arXiv 2406.05882',
    over: 'micro-batch',
    loss: ({ policy, reference, beta, labelSmoothing }) => {
      const gaps = [policy, reference].map(({ chosen, rejected }) => sort(sub(chosen, rejected) as Tensor1D));
      return smoothed(mul(sub(gaps[0], gaps[1]), beta), labelSmoothing);
    },
  },
  aot_unpaired: {
    formula: '−(1 − ε) log σ(βd) − ε log σ(−βd), d = sorted(s_w) − sorted(s_l)',
    paper: 'AOT: Melnyk et al. 2024, arXiv 2406.05882',
    over: 'micro-batch',
    loss: ({ ratios, beta, labelSmoothing }) =>
      smoothed(mul(sub(sort(ratios.chosen), sort(ratios.rejected)), beta), labelSmoothing),
  },
  apo_zero: {
    formula: '1 − σ(βs_w) + σ(βs_l)',
    paper: "APO: D'Oosterlinck et al. 2024, arXiv 2408.06266, eq. 7",
    loss: (terms) => {
      const { chosen, rejected } = rewards(terms);
      return add(sigmoid(neg(chosen)), sigmoid(rejected));
    },
  },
  apo_down: {
    formula: 'σ(βs_w) + 1 − σ(β(s_w − s_l))',
    paper: "APO: D'Oosterlinck et al. 2024, arXiv 2408.06266, eq. 8",
    loss: (terms) => {
      const { chosen, rejected } = rewards(terms);
      return add(sigmoid(chosen), sigmoid(sub(rejected, chosen)));
    },
  },
  discopop: {
    formula: '−log σ(βΔ) (1 − σ(βΔ / τ)) + e^(−βΔ) σ(βΔ / τ)',
    paper: 'DiscoPOP: Lu et al. 2024, arXiv 2406.08414, eq. 5',
    loss: (terms) => {
      const x = margin(terms);
      const modulation = mul(x, 1 / terms.discopopTau);
      // e^(−x) σ(x / τ) as one exponential: as a product it is ∞ · 0 for a pair in a very wrong order.
      const exponential = exp(neg(add(x, negativeLogSigmoid(modulation))));
      return add(mul(negativeLogSigmoid(x), sigmoid(neg(modulation))), exponential);
    },
  },
  sft: {
    formula: '−Σ L_w / Σ tokens of the chosen answers',
    paper: 'MPO: Wang et al. 2024, arXiv 2411.10442',
    over: 'micro-batch',
    loss: ({ policy, meanChosen }) => mul(policy.chosen, -1 / meanChosen),
  },
  sigmoid_norm: {
    formula: '−log σ(β (s̄_w − s̄_l))',
    paper: 'Tülu 3: Lambert et al. 2024, arXiv 2411.15124',
    loss: (terms) => negativeLogSigmoid(mul(meanDifference(terms), terms.beta)),
  },
  cdpo: {
    formula: '−(1 − ε) log σ(βΔ) − ε log σ(−βΔ)',
    paper: 'conservative DPO: Mitchell 2023, ericmitchell.ai/cdpo.pdf',
    loss: (terms) => smoothed(margin(terms), terms.labelSmoothing),
  },
} satisfies Record<DpoLossName, PairLoss>;

/** The loss of each pair [pairs]: the losses of the configuration, weighted and added up. */
export function weightedLosses(terms: Omit<PairTerms, 'labelSmoothing'>, { losses }: PreferenceConfig): Tensor1D {
  const parts = losses.map(({ name, weight, labelSmoothing }) => {
    const loss = pairLosses[name as DpoLossName].loss({ ...terms, labelSmoothing });
    return weight === 1 ? loss : mul(loss, weight);
  });
  return parts.reduce((total, part) => add(total, part)) as Tensor1D;
}

export function sides<Value>(of: (side: keyof Sides) => Value): Sides<Value> {
  return { chosen: of('chosen'), rejected: of('rejected') };
}

/** Whether it compares the sorted answers of a micro-batch, in which no pair keeps its place. */
export function isSorting(name: string): boolean {
  return name === 'aot' || name === 'aot_unpaired';
}

/** −log σ(x) = softplus(−x). */
export function negativeLogSigmoid(x: Tensor): Tensor {
  return softplus(neg(x));
}

/** −(1 − ε) log σ(x) − ε log σ(−x). */
export function smoothed(x: Tensor, epsilon: number): Tensor {
  if (epsilon === 0) return negativeLogSigmoid(x);
  return add(mul(negativeLogSigmoid(x), 1 - epsilon), mul(softplus(x), epsilon));
}

/** What is summed over each answer's tokens, per token. */
export function perToken(sums: Tensor1D, counts: Float32Array): Tensor1D {
  return mul(sums, tensor1d(counts.map((count) => 1 / Math.max(1, count))));
}

export function tokensIn(counts: Float32Array): number {
  return Math.max(
    1,
    counts.reduce((total, count) => total + count, 0),
  );
}

/** βΔ. */
function margin({ scores, beta }: PairTerms): Tensor {
  return sub(mul(scores.chosen, beta), mul(scores.rejected, beta));
}

function meanDifference({ scores, counts }: PairTerms): Tensor {
  return sub(perToken(scores.chosen, counts.chosen), perToken(scores.rejected, counts.rejected));
}

/** βs. */
function rewards({ ratios, beta }: PairTerms): Sides {
  return { chosen: mul(ratios.chosen, beta), rejected: mul(ratios.rejected, beta) };
}

function squared(x: Tensor): Tensor {
  return mul(x, x);
}

/** What is learnt of these pairs, which are a micro-batch unless `values` says otherwise. */
export function learntTokens({ counts: { chosen }, learnt, whole }: PairValues): LearntTokens {
  const divisor = Math.max(1, whole?.count ?? tokensIn(chosen));
  return learnt ?? { perPair: divisor / chosen.length, divisor };
}
