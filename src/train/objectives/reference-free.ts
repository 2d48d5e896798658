// Methods of pairs that need no reference: CPO and its losses, SimPO, AlphaPO, and ORPO. Some compare log π of whole answers,
// some log π per token. All but AlphaPO keep the chosen answer likely by its NLL, which is over the micro-batch's tokens.
import type { PreferenceConfig } from '../../config/preference.js';
import {
  add,
  expm1,
  log,
  mul,
  neg,
  relu,
  reshape,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  zerosLike,
} from '../../tensor/tf.js';
import { isPerToken } from './methods.js';
import {
  learntTokens,
  negativeLogSigmoid,
  type PairFigures,
  type PairTerms,
  type PairValues,
  perToken,
  sides,
  smoothed,
  weightedLosses,
} from './pair-losses.js';

/** Nearer to a probability of 1 than this, log odds would be infinite. */
const minCertainty = 1e-7;

/** CPO, SimPO and AlphaPO. */
export function referenceFree(values: PairValues, preference: PreferenceConfig): PairFigures {
  const { policy, counts } = values;
  const learnt = learntTokens(values);
  const { method, beta, labelSmoothing, simpoGamma, rewardAlpha, sftWeight } = preference;
  const perAnswer = isPerToken(preference) ? sides((side) => perToken(policy[side], counts[side])) : policy;
  const shaped = method === 'alphapo' ? sides((side) => alphaReward(perAnswer[side], rewardAlpha)) : perAnswer;
  const losses =
    method === 'cpo'
      ? cpoLosses(values, preference)
      : (smoothed(sub(mul(sub(shaped.chosen, shaped.rejected), beta), simpoGamma), labelSmoothing) as Tensor1D);
  const nll = mul(sum(policy.chosen), -1 / learnt.divisor);
  return {
    losses: sftWeight > 0 ? add(losses, mul(nll, sftWeight)) : losses,
    rewards: sides((side) => mul(shaped[side], beta) as Tensor1D),
    figures: {
      ...{ 'logps/chosen': perAnswer.chosen, 'logps/rejected': perAnswer.rejected },
      ...(sftWeight > 0 && { nll_loss: nll }),
    },
  };
}

/** DPO's losses with a reference that finds every answer certain, so that log π stands where its ratio would. */
function cpoLosses(values: PairValues, preference: PreferenceConfig): Tensor1D {
  const { policy, counts } = values;
  const losses = preference.losses.map((loss) =>
    loss.name === 'sigmoid' ? ({ ...loss, name: 'cdpo' } as const) : loss,
  );
  const reference = sides((side) => zerosLike(policy[side]));
  const terms: Omit<PairTerms, 'labelSmoothing'> = {
    ...{ beta: preference.beta, discopopTau: preference.discopopTau },
    ...{ policy, reference, counts, ratios: policy, scores: policy },
    meanChosen: learntTokens(values).perPair,
  };
  return weightedLosses(terms, { ...preference, losses });
}

/** (1 − p^−α) / α of p = e^logProbability, whose limit for α → 0 is log p. */
function alphaReward(logProbability: Tensor1D, alpha: number): Tensor1D {
  if (alpha === 0) return logProbability;
  return mul(expm1(mul(logProbability, -alpha)), -1 / alpha) as Tensor1D;
}

/** ORPO: the odds of the chosen answer against those of the rejected one, by log π per token. */
export function oddsRatio(values: PairValues, { beta, sftWeight }: PreferenceConfig): PairFigures {
  const { policy, counts, whole } = values;
  if (whole === undefined) throw new Error('orpo learns the prompt too: its batch has that');
  const means = sides((side) => perToken(policy[side], counts[side]));
  const odds = sides((side) => logOdds(means[side]));
  const difference = sub(odds.chosen, odds.rejected);
  const negativeRatio = negativeLogSigmoid(difference);
  const nll = mul(whole.sum, -1 / learntTokens(values).divisor);
  return {
    losses: add(mul(negativeRatio, beta), mul(reshape(nll, [1]), sftWeight)) as Tensor1D,
    rewards: sides((side) => mul(means[side], beta) as Tensor1D),
    figures: {
      ...{ 'logps/chosen': means.chosen, 'logps/rejected': means.rejected, nll_loss: nll },
      ...{ log_odds_ratio: neg(negativeRatio), log_odds_chosen: difference },
    },
  };
}

/** log(p / (1 − p)) of p = e^logProbability. */
function logOdds(logProbability: Tensor1D): Tensor {
  const certainty = neg(add(relu(sub(neg(logProbability), minCertainty)), minCertainty)); // −1e-7 at most
  return sub(certainty, log(neg(expm1(certainty))));
}
