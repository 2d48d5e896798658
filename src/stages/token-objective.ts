// Next-token prediction over packed rows: the objective of pretraining (every token) and of SFT (the assistant's).
import type { TokenBatch } from '../data/types.js';
import { negativeLogLikelihood } from '../train/losses.js';
import type { MicroBatch, Objective } from '../train/objective.js';

export interface PackedMicroBatch extends MicroBatch {
  batch: TokenBatch;
}

/** An endless supply of batches that can be rewound: `PackedBatches`, `MixedBatches`. */
export interface BatchSupply {
  next(): Promise<TokenBatch>;
  /** Plain JSON. */
  readonly state: unknown;
  restore(state: unknown): void;
}

export function tokenObjective(batches: BatchSupply, { zLoss = 0 } = {}): Objective<PackedMicroBatch> {
  return {
    next: async () => describe(await batches.next()),
    state: () => batches.state,
    restore: (state) => batches.restore(state),
    loss: (model, { batch }) => negativeLogLikelihood(model, batch, zLoss),
  };
}

function describe(batch: TokenBatch): PackedMicroBatch {
  let weight = 0;
  let tokens = 0;
  for (let i = 0; i < batch.weights.length; i++) {
    weight += batch.weights[i];
    if (batch.owners[i] >= 0) tokens++;
  }
  return { batch, weight, tokens, ids: batch.sequences };
}
