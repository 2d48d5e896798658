// What the training loop needs of an objective: batches that can be rewound to any point, and a loss over them.
import type { ParameterSpec } from '../architecture/parameters.js';
import type { ForwardOptions } from '../model/forward.js';
import type { Model } from '../model/model.js';
import type { Communicator } from '../tensor/communicator.js';
import type { Scalar, Tensor } from '../tensor/tf.js';

export interface MicroBatch {
  /** What the loss sum is divided by: tokens with loss, or pairs. */
  readonly weight: number;
  /** Input tokens, padding excluded: for the speed and the count of tokens seen. */
  readonly tokenCount: number;
  /** Ids of what is in it: named when a loss is not finite. */
  readonly ids: readonly string[];
}

/** How elements become a figure. */
export interface RecordOptions {
  /** What an element counts as, made of it on the host. */
  each?(element: number): number;
  /** Of each element (of a number: how often it counts); the figure is their weighted mean over the step. */
  weights?: ArrayLike<number>;
  /** In the place of a mean: the least or the greatest of the step's elements that have a weight. */
  extreme?: 'min' | 'max';
}

/**
 * Keeps a figure of the batch for the step's metrics: the weighted mean over the tensor's elements, or, without weights,
 * their sum divided by the batch's weight. A figure that nothing in the step counted for is left away.
 */
export type RecordMetric = (name: string, value: Tensor, options?: RecordOptions) => void;

/** How the step wants its forward pass, and where figures go. */
export interface LossContext extends Pick<ForwardOptions, 'recompute' | 'observe' | 'noise'> {
  record: RecordMetric;
}

/** How a micro-batch is divided over ranks that train together. */
export interface Division<Batch extends MicroBatch> {
  /** Rows, pairs or what else of it can be apart: the loss is a sum over them. */
  units(batch: Batch): number;
  /** The units from `begin` up to `end`, without it. */
  part(batch: Batch, begin: number, end: number): Batch;
  /** Whether anything of a part is learnt. Default: where it has a weight. */
  counts?(part: Batch): boolean;
  /** A micro-batch is one unit, never cut. */
  isWhole?: true;
}

/** Of losses that compare all of a micro-batch: each is one rank's as it is. */
export const undivided = {
  units: () => 1,
  part: <Batch extends MicroBatch>(batch: Batch): Batch => batch,
  isWhole: true as const,
};

export interface Objective<Batch extends MicroBatch> {
  /** Absent: it trains in one process only. Where it is there, `next` gives the same micro-batches on every rank. */
  readonly division?: Division<Batch>;
  /**
   * The next micro-batch of `step`, for which the model as it is then may be asked: it must be left as it was. All ranks ask for it
   * at once.
   */
  next(at: { model: Model; step: number; communicator?: Communicator }): Promise<Batch>;
  /** The data cursor as plain JSON: restored, the same batches follow. */
  state(): unknown;
  restore(state: unknown): void;
  /** Figures that follow from the step's recorded ones. */
  summarize?(figures: Readonly<Record<string, number>>): Record<string, number>;
  /** Whether a parameter is learnt at `step`; where it is not, it stays as it is. Default: all that are trained. */
  trains?(row: ParameterSpec, step: number): boolean;
  /** The loss summed over the batch. Runs on the gradient tape; temporary tensors are disposed by the caller. */
  loss(model: Model, batch: Batch, context: LossContext): Scalar;
}
