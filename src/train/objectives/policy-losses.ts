// The losses of sampled answers, one row each: TRL 1.16's by their names. Each moves the policy towards answers that did better
// than others to their prompt, by how much likelier a token, or an answer, has become since it was sampled (ρ), and bounds that.
// Of a row (an answer) with advantage A; what is summed over tokens is divided by `policyWeight` of the whole step.
import type { PolicyConfig, PolicyLossName } from '../../config/policy.js';
import { withoutGradient } from '../../tensor/backward.js';
import {
  add,
  clone,
  exp,
  expm1,
  mul,
  neg,
  relu,
  type Scalar,
  sigmoid,
  step,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor1d,
} from '../../tensor/tf.js';
import type { RecordMetric, RecordOptions } from '../objective.js';
import { sumByGroup, valuesOfRows } from './sequence-log-probabilities.js';

export interface PolicyValues {
  /** log π of each sampled token [tokens]. */
  logProbabilities: Tensor1D;
  /** The same when it was sampled [tokens]; absent: the policy is still the one that sampled it, and ρ is 1. */
  old?: Tensor1D;
  /** The same of the reference [tokens], where the divergence from it is part of the loss. */
  reference?: Tensor1D;
  /** Of the next token, in nats [tokens]: with a gradient, where `entropyWeight` is above 0. */
  entropies?: Tensor1D;
  /** The row of each token; −1: of none, and nothing is learnt of it. */
  owners: readonly number[];
  /** By row. */
  advantages: readonly number[];
  /** By token, in the place of its row's. */
  tokenAdvantages?: ArrayLike<number>;
  /** Tokens by row. */
  counts: ArrayLike<number>;
  /** `policyWeight` of the micro-batch. */
  weight: number;
}

export interface PolicyFigure {
  value: Tensor;
  how?: RecordOptions;
}

export interface PolicyLossResult {
  /** Summed in the unit of `policyWeight`. */
  total: Scalar;
  /** Under TRL's names. */
  figures: Record<string, PolicyFigure>;
}

/** What a row of the table is made of: tensors [tokens]. */
interface PolicyTerms {
  logProbabilities: Tensor1D;
  /** log π − log π_old. */
  logRatio: Tensor;
  /** ρ: of the token, or of the answer that it belongs to. */
  ratio: Tensor;
  /** A of the token's row, or its own. */
  advantage: Tensor1D;
  /** 1 of tokens whose A is so, else 0. */
  where(isSo: (advantage: number) => boolean): Tensor1D;
  /** Of each token, the sum over its row's. */
  sumOfRow(x: Tensor): Tensor;
  policy: PolicyConfig;
}

interface PolicyLoss {
  /** ρ: π / π_old, of a token or (`ratioLevel: sequence`) e to the mean of its answer's log ratios. */
  formula: string;
  paper: string;
  /** What is summed is divided by this, of the whole step. */
  over: 'tokens' | 'answers' | 'answers × maxNewTokens';
  /** How an answer's tokens are added up: as they are; as a mean over each answer; as a mean over the micro-batch. */
  reduce: 'sum' | 'mean' | 'micro-batch mean';
  /** Whose ρ it takes in the place of the policy's `ratioLevel`: of the whole answer, a sum of log ratios. */
  ratio?: 'whole';
  /** A weight without a gradient, times log π: where ρ is 1, its value follows log π still. */
  isOfLogarithms?: true;
  loss(terms: PolicyTerms): Tensor;
}

/** e to this is still squared in fp32, as a norm of gradients is. */
const maxExponent = 40;
/** VESPO's own bounds of log ρ, and of ρ. */
const vespoBounds = { low: Math.log(1e-8), high: 20 };

const clippedFormula = '−min(ρA, clip(ρ, 1 − clipLow, 1 + clipHigh) A)';

export const policyLosses = {
  dapo: {
    formula: `${clippedFormula}, summed over tokens`,
    paper: 'DAPO: Yu et al. 2025, arXiv 2503.14476',
    ...{ over: 'tokens', reduce: 'sum', loss: clippedLoss },
  },
  grpo: {
    formula: `${clippedFormula}, a mean over the answer's tokens`,
    paper:
      'GRPO: Shao et al. 2024, arXiv 2402.03300; with ratioLevel sequence GSPO: Zheng et al. 2025, arXiv 2507.18071',
    ...{ over: 'answers', reduce: 'mean', loss: clippedLoss },
  },
  bnpo: {
    formula: `${clippedFormula}, a mean over the micro-batch's tokens`,
    paper: 'TRL 1.16, loss_type bnpo',
    ...{ over: 'answers', reduce: 'micro-batch mean', loss: clippedLoss },
  },
  dr_grpo: {
    formula: `${clippedFormula}, summed over tokens`,
    paper: 'Dr. GRPO: Liu et al. 2025, arXiv 2503.20783',
    ...{ over: 'answers × maxNewTokens', reduce: 'sum', loss: clippedLoss },
  },
  cispo: {
    formula: '−min(ρ, clipHigh) A log π, the first factor without a gradient, summed over tokens',
    paper: 'CISPO: MiniMax-M1 2025, arXiv 2506.13585',
    ...{ over: 'tokens', reduce: 'sum', isOfLogarithms: true },
    loss: ({ ratio, advantage, logProbabilities, policy }) => {
      const weight = withoutGradient(() => mul(neg(atMost(ratio, policy.clipHigh)), advantage));
      return mul(weight, logProbabilities);
    },
  },
  sapo: {
    formula: "−(4 / τ) σ(τ(ρ − 1)) A, a mean over the answer's tokens",
    paper: 'SAPO: 2025, arXiv 2511.20347',
    ...{ over: 'answers', reduce: 'mean' },
    loss: ({ ratio, advantage, where, policy }) => {
      const { positive, negative } = policy.sapoTemperature;
      const isPositive = where((value) => value > 0);
      const temperature = add(mul(isPositive, positive - negative), negative);
      const scale = add(mul(isPositive, 4 / positive - 4 / negative), 4 / negative);
      return neg(mul(mul(sigmoid(mul(temperature, sub(ratio, 1))), scale), advantage));
    },
  },
  luspo: {
    formula: `${clippedFormula}, summed over tokens`,
    paper: 'LUSPO: 2026, arXiv 2602.05261',
    ...{ over: 'answers', reduce: 'sum', loss: clippedLoss },
  },
  vespo: {
    formula: '−φ(ρ) A log π, φ(ρ) = e^λ ρ^k e^(−λρ) of the whole answer, without a gradient, summed over tokens',
    paper: 'VESPO: 2026, arXiv 2602.10693',
    ...{ over: 'tokens', reduce: 'sum', ratio: 'whole', isOfLogarithms: true },
    loss: (terms) => {
      const weight = withoutGradient(() => neg(mul(vespoWeight(terms), terms.advantage)));
      return mul(weight, terms.logProbabilities);
    },
  },
  rloo: {
    formula: `${clippedFormula}, ρ of the whole answer`,
    paper: 'RLOO: Ahmadian et al. 2024, arXiv 2402.14740, with the clipping of TRL',
    ...{ over: 'answers', reduce: 'mean', ratio: 'whole', loss: clippedLoss },
  },
  ppo: {
    formula: `${clippedFormula}, A of the token, summed over tokens`,
    paper: 'PPO: Schulman et al. 2017, arXiv 1707.06347',
    ...{ over: 'tokens', reduce: 'sum', loss: clippedLoss },
  },
} as const satisfies Record<PolicyLossName, PolicyLoss>;

/** What a micro-batch weighs, so that Σ total / Σ weight over a step is TRL's loss of all its rows. */
export function policyWeight(
  { policyLoss: name }: Pick<PolicyConfig, 'policyLoss'>,
  { tokens, rows, maxNewTokens }: { tokens: number; rows: number; maxNewTokens: number },
): number {
  const { over }: PolicyLoss = policyLosses[name];
  if (over === 'tokens') return tokens;
  return over === 'answers' ? rows : rows * maxNewTokens;
}

/**
 * The loss of a micro-batch: of its tokens, of their distance to the reference, and of how undecided the policy still is.
 * Its rows all have an advantage: one without a reward is not in the batch.
 */
export function policyLoss(values: PolicyValues, policy: PolicyConfig): PolicyLossResult {
  const { logProbabilities, reference, entropies, owners, counts } = values;
  const row: PolicyLoss = policyLosses[policy.policyLoss];
  const level = row.ratio ?? policy.ratioLevel;
  const terms = termsOf(values, policy, level);
  const isCounted = Float32Array.from(owners, (owner) => (owner < 0 ? 0 : 1));
  const tokens = Math.max(1, sumOf(counts));
  const share = { sum: () => 1, mean: meanShare, 'micro-batch mean': () => counts.length / tokens }[row.reduce];
  const shares = isCounted.map((counted, token) => (counted === 0 ? 0 : share(owners[token])));
  const figures: Record<string, PolicyFigure> = {};

  let losses = row.loss(terms);
  if (policy.klIn === 'loss') {
    if (reference === undefined) throw new Error('klIn loss: the reference has not been asked');
    const kl = divergence(logProbabilities, reference, terms.logRatio);
    figures.kl = { value: kl, how: { weights: isCounted } };
    losses = add(losses, mul(kl, policy.klWeight));
  }
  let total = sum(mul(losses, tensor1d(shares))) as Scalar;
  if (entropies !== undefined) figures.entropy = { value: entropies, how: { weights: isCounted } };
  if (policy.entropyWeight > 0) {
    if (entropies === undefined) throw new Error('entropyWeight: the entropies have not been computed');
    figures.policy_loss = { value: total };
    const bonus = mul(sum(mul(entropies, tensor1d(isCounted))), (policy.entropyWeight * values.weight) / tokens);
    total = sub(total, bonus) as Scalar;
  }
  const weights = level === 'token' ? isCounted : isCounted.map((counted, t) => counted * meanShare(owners[t]));
  return { total, figures: { ...figures, ...boundFigures(terms, row, values, weights) } };

  function meanShare(owner: number): number {
    return owner < 0 ? 0 : inverse(counts[owner]);
  }
}

/** How far the policy has moved since it sampled, which PPO is watched by. */
export function movedFigures({ logProbabilities, old, owners }: PolicyValues): Record<string, PolicyFigure> {
  if (old === undefined) return {};
  const moved = sub(logProbabilities, old);
  const how = { weights: Float32Array.from(owners, (owner) => (owner < 0 ? 0 : 1)) };
  return {
    'policy/approxkl_avg': { value: mul(mul(moved, moved), 0.5), how },
    'val/ratio': { value: moved, how: { ...how, each: Math.exp } },
  };
}

/** For the step's metrics. */
export function recordFigures(record: RecordMetric, figures: Readonly<Record<string, PolicyFigure>>): void {
  for (const [name, { value, how }] of Object.entries(figures)) record(name, value, how);
}

function termsOf(values: PolicyValues, policy: PolicyConfig, level: 'token' | 'sequence' | 'whole'): PolicyTerms {
  const { logProbabilities, owners, advantages, tokenAdvantages, counts } = values;
  const old = values.old ?? withoutGradient(() => clone(logProbabilities));
  const byToken = (of: (owner: number, token: number) => number) =>
    tensor1d(Float32Array.from(owners, (owner, token) => (owner < 0 ? 0 : of(owner, token))));
  const advantageOf = (owner: number, token: number) => tokenAdvantages?.[token] ?? advantages[owner];
  const logRatio = mul(
    sub(logProbabilities, old),
    byToken(() => 1),
  );
  const sumOfRow = (x: Tensor) => valuesOfRows(sumByGroup(x as Tensor1D, owners, counts.length), owners);
  const ofLevel = {
    token: () => logRatio,
    sequence: () =>
      mul(
        sumOfRow(logRatio),
        byToken((owner) => inverse(counts[owner])),
      ),
    whole: () => sumOfRow(logRatio),
  };
  return {
    ...{ logProbabilities, logRatio, sumOfRow, policy },
    ratio: exp(within(ofLevel[level](), -maxExponent, maxExponent)),
    advantage: byToken(advantageOf),
    where: (isSo) => byToken((owner, token) => Number(isSo(advantageOf(owner, token)))),
  };
}

/** The pessimistic one of the ratio and the clipped ratio, each times the advantage. */
function clippedLoss({ ratio, advantage, policy: { clipLow, clipHigh, clipDelta } }: PolicyTerms): Tensor {
  const clipped = mul(atLeast(atMost(ratio, 1 + clipHigh), 1 - clipLow), advantage);
  const unclipped = mul(Number.isFinite(clipDelta) ? atMost(ratio, clipDelta) : ratio, advantage);
  return sub(relu(sub(clipped, unclipped)), clipped); // −min
}

/** φ of each token's answer. */
function vespoWeight({ logRatio, sumOfRow, where, policy: { vespo } }: PolicyTerms): Tensor {
  const { low, high } = vespoBounds;
  const logWeight = within(sumOfRow(within(logRatio, -high, high)), low, high);
  const isGood = where((advantage) => advantage >= 0);
  const of = (key: 'power' | 'decay') =>
    add(mul(isGood, vespo.positive[key] - vespo.negative[key]), vespo.negative[key]);
  return exp(add(mul(of('power'), logWeight), mul(of('decay'), sub(1, exp(logWeight)))));
}

/**
 * How far each token is from the reference: k3 = π_ref / π − 1 − log(π_ref / π), which is never negative, times the token's ρ,
 * for the gradient of that is the gradient of the KL divergence, and that of k3 alone is not (arXiv 2512.21852).
 */
function divergence(logProbabilities: Tensor1D, reference: Tensor1D, logRatio: Tensor): Tensor {
  const ahead = within(sub(reference, logProbabilities), -maxExponent, maxExponent);
  return mul(sub(expm1(ahead), ahead), exp(within(logRatio, -maxExponent, maxExponent)));
}

/** How often the bounds were met. `weights` of each token, so that an answer counts once where it has one ratio. */
function boundFigures(
  terms: PolicyTerms,
  { loss }: PolicyLoss,
  { owners, counts }: PolicyValues,
  weights: Float32Array,
): Record<string, PolicyFigure> {
  const { ratio, where, policy } = terms;
  const share = (value: Tensor): PolicyFigure => ({ value, how: { weights } });
  const ofRows = (value: Tensor, extreme: 'min' | 'max'): PolicyFigure => {
    const means = mul(
      sumByGroup(value as Tensor1D, owners, counts.length),
      tensor1d(Float32Array.from(counts, inverse)),
    );
    return { value: means, how: { weights: Float32Array.from(counts, Math.sign), extreme } };
  };
  const better = where((advantage) => advantage > 0);
  if (policy.policyLoss === 'cispo') {
    return { cispo_clip_ratio: share(mul(step(sub(ratio, policy.clipHigh)), better)) };
  }
  if (policy.policyLoss === 'vespo') return { 'vespo/phi_seq_mean': share(vespoWeight(terms)) };
  if (loss !== clippedLoss) return {};
  const low = mul(
    step(sub(1 - policy.clipLow, ratio)),
    where((advantage) => advantage < 0),
  );
  const high = mul(step(sub(ratio, 1 + policy.clipHigh)), better);
  return {
    'clip_ratio/low_mean': share(low),
    'clip_ratio/high_mean': share(high),
    'clip_ratio/region_mean': share(add(low, high)),
    'clip_ratio/low_min': ofRows(low, 'min'),
    'clip_ratio/high_max': ofRows(high, 'max'),
  };
}

/** The smaller of x and a bound near it. */
function atMost(x: Tensor, bound: number): Tensor {
  return sub(bound, relu(sub(bound, x)));
}

function atLeast(x: Tensor, bound: number): Tensor {
  return add(bound, relu(sub(x, bound)));
}

/** x between bounds that it seldom meets: what is between them stays exact. */
function within(x: Tensor, low: number, high: number): Tensor {
  const bounded = sub(x, relu(sub(x, high)));
  return add(bounded, relu(sub(low, bounded)));
}

function inverse(count: number): number {
  return 1 / Math.max(1, count);
}

function sumOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}
