// What the critic beside a policy learns: at every counted token of an answer, the return that came of it from there on. How far it may
// move from what it said when the answer was sampled is bounded, as the policy's ratio is: the larger of both squared errors counts.
// By its values and the rewards, scaled by all before them, an answer's tokens get their credit (credit.ts).
import type { ModelConfig } from '../../config/model.js';
import type { PpoConfig } from '../../config/ppo.js';
import type { TokenBatch } from '../../data/types.js';
import { criticOf, valuesOfStates } from '../../model/critic.js';
import type { Model } from '../../model/model.js';
import { add, mul, relu, type Scalar, step, sub, sum, type Tensor1D, tensor1d } from '../../tensor/tf.js';
import type { LossContext } from '../objective.js';
import { countedStates } from './counted-states.js';
import { noRewards, type RewardScale, type SamplingCredit, type SamplingSteps, samplingCredit } from './credit.js';
import { type PolicyFigure, recordFigures } from './policy-losses.js';

/** By counted token, in the order of the batch. */
export interface TokenCredit {
  advantages: Float32Array;
  returns: Float32Array;
  /** What the critic said when they were sampled. */
  values: Float32Array;
}

export interface CriticOptions {
  knobs: PpoConfig;
  /** Of the critic that is part of the model (model/critic.ts). */
  config: ModelConfig;
  klWeight: number;
}

export class Critic {
  readonly #options: CriticOptions;
  /** Of all rewards that it was given. */
  scale: RewardScale = noRewards;

  constructor(options: CriticOptions) {
    this.#options = options;
  }

  /** While it warms up the policy stays as it is. */
  learnsAlone(step: number): boolean {
    return step <= this.#options.knobs.criticWarmup;
  }

  /** What it says of each counted token of the batch, before that is written [n]. */
  values(model: Model, batch: TokenBatch, pass: Pick<LossContext, 'recompute'> = {}): Tensor1D {
    const critic = criticOf(model, this.#options.config);
    return valuesOfStates(critic, countedStates(critic, batch, pass).hidden);
  }

  /** What the tokens of a sampling are learnt by. Its rewards belong to the scale from now on. */
  credit(steps: SamplingSteps): SamplingCredit {
    const { knobs: ppo, klWeight } = this.#options;
    const { scale, ...credit } = samplingCredit(steps, { ppo, klWeight, scale: this.scale });
    this.scale = scale;
    return credit;
  }

  /** `valueLoss` of a micro-batch. @param isCounted 1 of each of its tokens, 0 of one that stands in for none. */
  loss(
    model: Model,
    batch: TokenBatch & { credit: TokenCredit },
    isCounted: Float32Array,
    { record, recompute }: LossContext,
  ): Scalar {
    const own = this.values(model, batch, { recompute });
    const { total, figures } = valueLoss(own, batch.credit, this.#options.knobs, isCounted);
    recordFigures(record, figures);
    return total;
  }
}

/**
 * ½ max((V − R)², (clip(V) − R)²) of each token, summed and times `valueWeight`.
 * @param isCounted 1 of each token, 0 of one that stands in for none.
 */
export function valueLoss(
  own: Tensor1D,
  { values, returns }: Pick<TokenCredit, 'values' | 'returns'>,
  { valueWeight, valueClip }: Pick<PpoConfig, 'valueWeight' | 'valueClip'>,
  isCounted: Float32Array,
): { total: Scalar; figures: Record<string, PolicyFigure> } {
  const [before, wanted] = [tensor1d(values), tensor1d(returns)];
  const moved = sub(own, before);
  // moved, between −valueClip and valueClip.
  const bounded = sub(relu(add(moved, valueClip)), add(relu(sub(moved, valueClip)), valueClip));
  const [plain, clipped] = [sub(own, wanted), sub(add(before, bounded), wanted)].map((error) => mul(error, error));
  const further = sub(clipped, plain);
  const losses = mul(add(plain, relu(further)), 0.5);
  const how = { weights: isCounted };
  return {
    total: mul(sum(mul(losses, tensor1d(isCounted))), valueWeight) as Scalar,
    figures: {
      'loss/value_avg': { value: losses, how },
      'val/clipfrac_avg': { value: step(further), how },
    },
  };
}
