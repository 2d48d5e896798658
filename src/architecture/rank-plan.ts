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

interface StepShape {
  /** Of a micro-batch; a rank computes its share of them at a time. */
  rows: number;
  columns: number;
  /** Rows of a micro-batch that no two ranks share: 2 of a pair, all of them where micro-batches are not cut; default: 1. */
  together?: number;
}

/** Memory of one rank in a step, in bytes. */
export function rankMemory(
  config: ModelShape,
  { rows, columns, together = 1 }: StepShape,
  { ranks, ...kind }: TrainingKind & { ranks: number },
) {
  const { table = decoderTable(config), accumulation = 1 } = kind;
  const own = ownShare({ units: Math.ceil(rows / together), accumulation, ranks });
  const most = Math.min(rows, own.units * together);
  const whole = trainingMemory(config, { rows: most, columns }, { ...kind, table, accumulation: own.parts });
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

/**
 * The most that a rank computes of a step: units of one micro-batch at once, and parts of micro-batches, whose gradients it adds up.
 * The step's units in a row are cut into as many runs as there are ranks.
 */
export function ownShare({ units, accumulation, ranks }: { units: number; accumulation: number; ranks: number }) {
  const total = units * accumulation;
  let parts = 0;
  for (let rank = 0; rank < ranks; rank++) {
    const [from, to] = [Math.floor((total * rank) / ranks), Math.floor((total * (rank + 1)) / ranks)];
    if (from < to) parts = Math.max(parts, Math.ceil(to / units) - Math.floor(from / units));
  }
  return { units: Math.min(units, Math.ceil(total / ranks)), parts };
}
