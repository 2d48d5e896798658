// What the training loop needs of an objective: batches that can be rewound to any point, and a loss over them.
import type { ForwardOptions } from '../model/forward.js';
import type { Model } from '../model/model.js';
import type { Scalar, Tensor } from '../tensor/tf.js';

export interface MicroBatch {
  /** What the loss sum is divided by: tokens with loss, or pairs. */
  readonly weight: number;
  /** Input tokens, padding excluded: for the speed and the count of tokens seen. */
  readonly tokenCount: number;
  /** Ids of what is in it: named when a loss is not finite. */
  readonly ids: readonly string[];
}

/** Which of the processes that train together this one is. */
export interface Rank {
  index: number;
  size: number;
}

/** Of a process that trains by itself. */
export const soleRank: Rank = { index: 0, size: 1 };

/**
 * Keeps a figure of the batch for the step's metrics: the sum over the tensor's elements, or over what `each` makes of
 * them on the host, divided by the batch's weight.
 */
export type RecordMetric = (name: string, value: Tensor, each?: (element: number) => number) => void;

/** How the step wants its forward pass, and where figures go. */
export interface LossContext extends Pick<ForwardOptions, 'recompute' | 'observe' | 'noise'> {
  record: RecordMetric;
}

export interface Objective<Batch extends MicroBatch> {
  /** The next micro-batch of `step`, for which the model as it is then may be asked: it must be left as it was. */
  next(at: { model: Model; step: number; rank: Rank }): Promise<Batch>;
  /** The data cursor as plain JSON: restored, the same batches follow. */
  state(): unknown;
  restore(state: unknown): void;
  /** The loss summed over the batch. Runs on the gradient tape; temporary tensors are disposed by the caller. */
  loss(model: Model, batch: Batch, context: LossContext): Scalar;
}
