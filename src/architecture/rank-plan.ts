// What training on several ranks takes beside training on one: which share of moments and weights a rank holds, the memory through which
// gradients are summed, and what goes over the wire in a step. The one place that says so, for the plan and for the check before a
// training.
import { sizeOf } from '../base/host-tensor.js';
import type { TrainConfig } from '../config/train.js';
import type { ModelShape } from './config.js';
import { type TrainingKind, trainingMemory } from './cost.js';
import { decoderTable, isTrained, type ParameterSpec, sizeOfTable } from './parameters.js';

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
 * @param passes where layers are held in shares: of a step, in each of which their weights go twice and their gradients once.
 */
export function wireBytes(table: readonly ParameterSpec[], ranks: number, passes?: number): number {
  const trained = table.filter(isTrained);
  const layers = passes === undefined ? 0 : float * sizeOfTable(trained.filter(isOfLayer));
  const others = float * sizeOfTable(trained) - layers;
  return ((2 * others + 3 * (passes ?? 0) * layers) * (ranks - 1)) / ranks;
}

const isOfLayer = ({ layer }: ParameterSpec): boolean => layer !== undefined;

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
  { ranks, shard, ...kind }: TrainingKind & { ranks: number } & Partial<Pick<TrainConfig, 'shard'>>,
) {
  const { table = decoderTable(config), accumulation = 1 } = kind;
  const own = ownShare({ units: Math.ceil(rows / together), accumulation, ranks });
  const most = Math.min(rows, own.units * together);
  const whole = trainingMemory(config, { rows: most, columns }, { ...kind, table, accumulation: own.parts });
  const moments = whole.moments * momentsShare(ranks);
  const exchange = exchangeMemory(table, ranks);
  /** `saved`, of the first rank alone: the copy of weights and moments that is being written. */
  const step = { rows: most, passes: own.parts, moments, exchange, saved: whole.saved };
  if (shard === 'weights' && ranks > 1)
    return {
      ...step,
      ...shardedStep(config, { table, ranks, columns, step, recomputedActivations: whole.recomputedActivations }),
    };
  const change = moments - whole.moments + exchange;
  return {
    ...step,
    ...{ weights: whole.weights, gradients: whole.gradients },
    ...{ activations: whole.activations, recomputedActivations: whole.recomputedActivations },
    peak: whole.peak + change,
    recomputedPeak: whole.recomputedPeak + change,
    /** Of the first rank alone: weights of others that it gathers while it evaluates. */
    gathered: 0,
  };
}

/**
 * Where layers are held in shares: this rank's of them all, one of them whole with its gradients, and what is outside them. Activations are
 * recomputed.
 */
function shardedStep(
  config: ModelShape,
  {
    table,
    ranks,
    columns,
    step: { rows, passes, moments, exchange },
    recomputedActivations,
  }: {
    table: readonly ParameterSpec[];
    ranks: number;
    columns: number;
    step: { rows: number; passes: number; moments: number; exchange: number };
    recomputedActivations: number;
  },
) {
  const { hidden_size: d, intermediate_size: f, num_hidden_layers: layers, vocab_size: vocabulary } = config;
  const inLayers = float * sizeOfTable(table.filter(isOfLayer));
  const outside = float * sizeOfTable(table) - inLayers;
  const [share, layer] = [inLayers / ranks, inLayers / layers];
  const stream = float * rows * columns * d;
  const embedding = float * vocabulary * d;
  const passing = float * rows * columns * (3 * f + 2 * d); // as trainingMemory has it
  const accumulated = passes > 1 ? outside : 0;
  const fixed = outside + share + moments + exchange + accumulated;
  // Of the last layer, which goes backward first, and of the first one, when sums of all are there.
  const lastLayer = recomputedActivations + embedding + stream + passing + 2 * layer + (passes > 1 ? share : 0);
  const firstLayer = recomputedActivations - (layers - 1) * stream + embedding + stream + passing + 2 * layer + share;
  const end = share + outside + (config.tie_word_embeddings ? 2 * embedding : 0) + 2 * stream;
  const peak = fixed + Math.max(lastLayer, firstLayer, end);
  return {
    ...{ weights: outside + share + layer, gradients: outside + accumulated + share + layer },
    ...{ activations: recomputedActivations, recomputedActivations, peak, recomputedPeak: peak },
    gathered: inLayers,
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
