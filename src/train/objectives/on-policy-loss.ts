// The loss of a policy that is still the one that sampled: whatever log π is, ρ is 1, so that ∂loss/∂log π is known before log π
// is. Then one pass over the vocabulary gives the loss and its gradient, where log π and its gradient take one each.
import type { PolicyConfig } from '../../config/policy.js';
import { outputWeight } from '../../model/forward.js';
import type { Model } from '../../model/model.js';
import { valueAndGradients, withoutGradient } from '../../tensor/backward.js';
import { crossEntropySumWithFigures } from '../../tensor/ops/cross-entropy-sum.js';
import { add, clone, neg, type Scalar, sub, type Tensor1D, zeros } from '../../tensor/tf.js';
import type { LossContext } from '../objective.js';
import { policyLoss, policyLosses, recordFigures } from './policy-losses.js';
import type { OnlineBatch } from './sampled-batches.js';
import { entropiesOf, sampledStates } from './sequence-log-probabilities.js';

/** Whether nothing of the loss of a batch depends on log π but through ρ, and on nothing else (a critic). */
export function isOnPolicy({ old, reference, credit }: OnlineBatch, { entropyWeight }: PolicyConfig): boolean {
  return old === undefined && reference === undefined && credit === undefined && entropyWeight === 0;
}

/** As `policyLoss` of the batch's tokens has it, where `isOnPolicy`. */
export function onPolicyLoss(
  model: Model,
  batch: OnlineBatch,
  { policy, temperature }: { policy: PolicyConfig; temperature: number },
  { record, ...pass }: LossContext,
): Scalar {
  const { hidden, targets, owners, counts } = sampledStates(model, batch, { temperature, ...pass });
  const { advantages, weight } = batch;
  const start = zeros([owners.length]) as Tensor1D; // any log π will do
  const { value, gradients } = valueAndGradients(() => {
    const { total, figures } = policyLoss({ logProbabilities: start, owners, counts, advantages, weight }, policy);
    recordFigures(record, figures);
    return total;
  }, [start]);
  const weights = neg(gradients[0]) as Tensor1D;
  // Σ gradient · log π.
  const { total, figures } = crossEntropySumWithFigures(hidden, outputWeight(model), targets, weights);
  record('entropy', entropiesOf(figures), { weights: owners.map((owner) => Number(owner >= 0)) });
  const { isOfLogarithms } = policyLosses[policy.policyLoss] as { isOfLogarithms?: true };
  const moved = isOfLogarithms
    ? total
    : sub(
        total,
        withoutGradient(() => clone(total)),
      );
  return add(value, moved) as Scalar;
}
