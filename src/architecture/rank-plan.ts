// What training on several ranks takes beside training on one: which share of the moments a rank holds, the memory through which
// gradients are summed, and what goes over the wire in a step. The one place that says so, for the plan and for the check before a
// training.
import { sizeOf } from '../base/host-tensor.js';
import type { ModelShape } from './config.js';
import { type TrainingKind, trainingMemory } from './cost.js';
import { decoderTable, isTrained, type ParameterSpec } from './parameters.js';

const float = 4;

/** fp32 numbers of a bucket, where no single parameter has more, and of one call of MPI: 4 MiB. */
export const bucketElements = 1 << 20;

/** Of the moments, what one of so many ranks holds, on average: Muon's matrices are whole, by owner. */
export function momentsShare(ranks: number): number {
  return 1 / ranks;
}

/** Bytes of a rank's memory through which gradients go: MPI's two buffers, and a bucket, which is no smaller than the largest tensor. */
export function exchangeMemory(table: readonly ParameterSpec[], ranks: number): number {
  if (ranks === 1) return 0;
  const largest = table.filter(isTrained).reduce((most, { shape }) => Math.max(most, sizeOf(shape)), bucketElements);
  return 2 * float * bucketElements + float * largest;
}

/**
 * Bytes that a rank sends in a step, and receives as many: each gradient once as a part of sums and once as a sum, of all but its own
 * share. No all-reduce moves less (Patarasuk and Yuan 2009).
 */
export function wireBytes(table: readonly ParameterSpec[], ranks: number): number {
  const gradients = float * table.filter(isTrained).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return (2 * gradients * (ranks - 1)) / ranks;
}

/**
 * Memory of one rank in a step, in bytes.
 * @param rows of a micro-batch; a rank computes its share of them at a time.
 */
export function rankMemory(
  config: ModelShape,
  { rows, columns }: { rows: number; columns: number },
  { ranks, ...kind }: TrainingKind & { ranks: number },
) {
  const { table = decoderTable(config), accumulation = 1 } = kind;
  const most = maxRows({ rows, accumulation, ranks });
  const parts = Math.ceil(accumulation / ranks); // of micro-batches, whose gradients this rank adds up
  const whole = trainingMemory(config, { rows: most, columns }, { ...kind, table, accumulation: parts });
  const moments = whole.moments * momentsShare(ranks);
  const exchange = exchangeMemory(table, ranks);
  const change = moments - whole.moments + exchange;
  return {
    ...{ rows: most, weights: whole.weights, gradients: whole.gradients, moments, exchange },
    ...{ activations: whole.activations, recomputedActivations: whole.recomputedActivations },
    peak: whole.peak + change,
    recomputedPeak: whole.recomputedPeak + change,
    /** Of the first rank alone: the copy of weights and moments that is being written. */
    saved: whole.saved,
  };
}

/** Rows of one micro-batch that a rank computes at once, at most: the step's rows in a row, cut into as many runs as there are ranks. */
function maxRows({ rows, accumulation, ranks }: { rows: number; accumulation: number; ranks: number }): number {
  return Math.min(rows, Math.ceil((rows * accumulation) / ranks));
}
