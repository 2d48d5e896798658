// Next-token prediction over packed rows: the objective of pretraining (every token) and of SFT (the assistant's). Like
// every loss it is a sum, so that accumulated micro-batches weigh each token alike.
import { rowsOf } from '../../data/sequences.js';
import type { TokenBatch } from '../../data/types.js';
import { type ForwardOptions, outputWeight } from '../../model/forward.js';
import type { Model } from '../../model/model.js';
import { crossEntropy } from '../../tensor/ops/cross-entropy.js';
import { crossEntropySum } from '../../tensor/ops/cross-entropy-sum.js';
import { embedding } from '../../tensor/ops/embedding.js';
import { add, mul, type Scalar, sum, tensor1d } from '../../tensor/tf.js';
import type { LossContext, Objective } from '../objective.js';
import { countedStates } from './counted-states.js';

/** An endless supply of batches that can be rewound: `PackedBatches`, `MixedBatches`. */
export interface BatchSupply {
  next(): Promise<TokenBatch>;
  /** Plain JSON. */
  readonly state: unknown;
  restore(state: unknown): void;
}

export function tokenObjective(batches: BatchSupply, { zLoss = 0 } = {}) {
  return {
    division: { units: ({ rows }) => rows, part: rowsOf },
    next: () => batches.next(),
    state: () => batches.state,
    restore: (state) => batches.restore(state),
    loss: (model, batch, { record: _, ...pass }: Partial<LossContext> = {}) =>
      negativeLogLikelihood(model, batch, { zLoss, ...pass }),
  } satisfies Objective<TokenBatch>;
}

/**
 * Weighted sum of the negative log-likelihood over the batch, in nats; `zLoss` adds so many times (log Z)², Z the sum of
 * the exponentials of the logits, which keeps them from drifting (Chowdhery et al. 2022, PaLM, §5).
 */
export function negativeLogLikelihood(
  model: Model,
  batch: TokenBatch,
  { zLoss = 0, ...options }: { zLoss?: number } & ForwardOptions = {},
): Scalar {
  const { hidden, targets, positions } = countedStates(model, batch, options);
  const weights = tensor1d(Float32Array.from(positions, (position) => batch.weights[position]));
  const output = outputWeight(model);
  if (zLoss === 0) return crossEntropySum(hidden, output, targets, weights);
  const losses = crossEntropy(hidden, output, targets);
  // Each loss is log Z less the target's logit.
  const logZ = add(losses, sum(mul(hidden, embedding(output, targets)), 1));
  return sum(mul(add(losses, mul(mul(logZ, logZ), zLoss)), weights)) as Scalar;
}
