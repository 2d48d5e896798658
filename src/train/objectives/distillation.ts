// Learning from a teacher by all that it holds likely, and not by what it says: at every token of an answer, most usefully one that
// the student gave itself, the two distributions over the whole vocabulary are brought together (Agarwal et al. 2023, GKD).
import type { TokenBatch } from '../../data/types.js';
import { outputWeight } from '../../model/forward.js';
import type { Model } from '../../model/model.js';
import { withoutGradient } from '../../tensor/backward.js';
import { mul, type Scalar, sum, type Tensor2D, tensor1d } from '../../tensor/tf.js';
import type { LossContext } from '../objective.js';
import { countedStates } from './counted-states.js';
import { type Predictions, tokenDivergences, tokenEntropies } from './vocabulary.js';

export interface DistillationOptions {
  /** 0: KL(teacher ‖ student); 1: KL(student ‖ teacher); between them the Jensen–Shannon divergence. */
  beta: number;
  /** Both distributions are taken at it. */
  temperature: number;
}

/**
 * Divergence from the teacher, summed over the batch's counted tokens, in nats. Both models have one vocabulary; the teacher may
 * be wider and deeper, and is left as it was.
 */
export function distillationLoss(
  student: Model,
  teacher: Model,
  batch: TokenBatch,
  { beta, temperature }: DistillationOptions,
  { record, ...pass }: LossContext,
): Scalar {
  const { hidden, positions } = countedStates(student, batch, pass);
  const cooled = (states: Tensor2D): Tensor2D => mul(states, 1 / temperature) as Tensor2D;
  const own: Predictions = { hidden: cooled(hidden), weight: outputWeight(student) };
  const theirs: Predictions = {
    hidden: withoutGradient(() => cooled(countedStates(teacher, batch, {}).hidden)),
    weight: outputWeight(teacher),
  };
  const weights = Float32Array.from(positions, (position) => batch.weights[position]);
  const losses = tokenDivergences(own, theirs, beta);
  record('divergence', losses, { weights });
  record(
    'entropy',
    withoutGradient(() => tokenEntropies(own)),
    { weights },
  );
  return sum(mul(losses, tensor1d(weights))) as Scalar;
}
