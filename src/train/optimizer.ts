// One step over the rows of a model that are trained: AdamW, or Muon for the layers' matrices and AdamW for the rest. The
// moments are plain tensors that a checkpoint can hold; of ranks that train together each keeps those that shards.ts gives it.
import { isTrained, type ParameterSpec } from '../architecture/parameters.js';
import { UserError } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';
import type { TrainConfig } from '../config/train.js';
import { type Model, weight } from '../model/model.js';
import { alone, type Communicator } from '../tensor/communicator.js';
import { overwrite } from '../tensor/host.js';
import { type AdamwParameter, adamw } from '../tensor/ops/adamw.js';
import { type MuonParameter, muon } from '../tensor/ops/muon.js';
import { dispose, type Tensor, type Variable, variable, zeros } from '../tensor/tf.js';
import { shardsOf } from './layer-shards.js';
import { type Bucket, bucketSize, bucketsOf, isByMuon, isWhole, type Piece } from './shards.js';

export interface OptimizerState {
  kind: TrainConfig['optimizer'];
  /** What is trained, in the order of the model. */
  rows: readonly ParameterSpec[];
  /** Who keeps which moments. */
  buckets: readonly Bucket[];
  /**
   * This rank's, by parameter name: first and second moments, of its shape, or [n] where others keep the rest of it. What Muon
   * steps has no second one.
   */
  moments: Map<string, { m: Variable; v?: Variable }>;
  /** Elements that they are of. */
  pieces: Map<string, Piece>;
  /** For any bucket that is exchanged; of a process alone, none. Kept, for garbage of this size is let go late. */
  room: Float32Array;
}

/** `communicator`: as the steps will have it. */
export function createOptimizer(
  model: Model,
  kind: TrainConfig['optimizer'] = 'adamw',
  { rank, size }: Pick<Communicator, 'rank' | 'size'> = alone,
): OptimizerState {
  const rows = model.parameters.filter(isTrained);
  const shards = shardsOf(model);
  const buckets = shards?.buckets ?? bucketsOf(rows, { kind, size });
  const own = new Map(buckets.flat().flatMap((piece) => (piece.rank === rank ? [[piece.row.name, piece]] : [])));
  const moments: OptimizerState['moments'] = new Map();
  const pieces: OptimizerState['pieces'] = new Map();
  for (const row of rows) {
    const piece = own.get(row.name);
    if (piece === undefined) continue;
    const shape = isWhole(piece) ? row.shape : [piece.to - piece.from];
    const m = zeroMoment(shape);
    moments.set(row.name, isByMuon(row, kind) ? { m } : { m, v: zeroMoment(shape) });
    pieces.set(row.name, piece);
  }
  const room = shards?.room ?? new Float32Array(size === 1 ? 0 : Math.max(0, ...buckets.map(bucketSize)));
  return { kind, rows, buckets, moments, pieces, room };
}

export interface UpdateContext {
  /** From 1. */
  step: number;
  learningRate: number;
  gradientScale: number;
}

/**
 * One step, in place, of `rows` (default: all that are trained). `gradients` by parameter name.
 * @param cut in the place of a weight that this rank updates a part of: that part.
 */
export function optimizerStep(
  model: Model,
  state: OptimizerState,
  gradients: ReadonlyMap<string, Tensor>,
  config: TrainConfig,
  {
    rows = model.parameters.filter(isTrained),
    cut,
    ...at
  }: UpdateContext & { rows?: readonly ParameterSpec[]; cut?: ReadonlyMap<string, Variable> },
): void {
  const byMuon: MuonParameter[] = [];
  const byAdamw: AdamwParameter[] = [];
  for (const { name, decay } of rows) {
    const gradient = gradients.get(name);
    const moments = state.moments.get(name);
    if (gradient === undefined || moments === undefined) {
      throw new Error(`${name} is trained, but has no ${gradient === undefined ? 'gradient' : 'moments'}`);
    }
    const { m, v } = moments;
    const held = cut?.get(name) ?? weight(model, name);
    const parameter = { variable: held, gradient, m, weightDecay: decay ? config.weightDecay : 0 };
    if (v === undefined) byMuon.push(parameter);
    else byAdamw.push({ ...parameter, v });
  }
  adamw(byAdamw, { ...at, beta1: config.beta1, beta2: config.beta2, epsilon: config.epsilon });
  muon(byMuon, { ...at, momentum: config.momentum });
}

/** Which moments a parameter has, in the order that a checkpoint stores them in. */
export function momentKinds(row: ParameterSpec, kind: TrainConfig['optimizer']): ('m' | 'v')[] {
  return isByMuon(row, kind) ? ['m'] : ['m', 'v'];
}

/** The name that a checkpoint stores it by. */
export function momentName(kind: string, name: string): string {
  return `${kind}.${name}`;
}

/** This rank's moments under the names that a checkpoint stores them by. */
export function optimizerTensors({ moments }: OptimizerState): [string, Variable][] {
  return [...moments].flatMap(([name, pair]) =>
    Object.entries(pair).map(([kind, moment]): [string, Variable] => [momentName(kind, name), moment]),
  );
}

/** Restores what this rank keeps of the moments of all. */
export function restoreOptimizer(state: OptimizerState, tensors: ReadonlyMap<string, HostTensor>, where: string): void {
  for (const row of state.rows) {
    for (const kind of momentKinds(row, state.kind)) {
      const stored = tensors.get(momentName(kind, row.name));
      if (stored === undefined || stored.shape.join() !== row.shape.join()) {
        throw new UserError({
          where,
          what: `the optimizer state of ${row.name} is missing or has another shape`,
          next: 'Resume from another checkpoint, or start the stage afresh in a new folder',
        });
      }
      const [moment, piece] = [state.moments.get(row.name)?.[kind], state.pieces.get(row.name)];
      if (moment === undefined || piece === undefined) continue; // another rank's
      overwrite(moment, stored.data.subarray(piece.from, piece.to));
    }
  }
}

export function disposeOptimizer(state: OptimizerState): void {
  dispose(optimizerTensors(state).map(([, moment]) => moment));
}

function zeroMoment(shape: number[]): Variable {
  const zero = zeros(shape);
  const moment = variable(zero, false);
  zero.dispose();
  return moment;
}
