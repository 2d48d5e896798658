// What the trainer needs of a stage: batches that can be rewound to any point, and a loss over them.
import type { Model } from '../model/model.js';
import type { Scalar, Tensor } from '../tensor/tf.js';

export interface MicroBatch {
  /** What the loss sum is divided by: tokens with loss, or pairs. */
  weight: number;
  /** Input tokens, padding excluded: for the speed and the count of tokens seen. */
  tokens: number;
  /** Ids of what is in it: named when a loss is not finite. */
  ids: readonly string[];
}

/** Keeps a figure of the batch (a sum over it, any shape) for the step's metrics: divided by the batch's weight. */
export type Record = (name: string, value: Tensor) => void;

export interface Objective<Batch extends MicroBatch> {
  next(): Promise<Batch>;
  /** The data cursor as plain JSON: restored, the same batches follow. */
  state(): unknown;
  restore(state: unknown): void;
  /** The loss summed over the batch. Runs on the gradient tape; temporary tensors are disposed by the caller. */
  loss(model: Model, batch: Batch, record: Record): Scalar;
}
