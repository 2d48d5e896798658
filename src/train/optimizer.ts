// One step over the rows of a model that are trained: AdamW, or Muon for the layers' matrices and AdamW for the rest. The
// moments are plain tensors that a checkpoint can hold.
import { isTrained, type ParameterSpec } from '../architecture/parameters.js';
import { UserError } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';
import type { TrainConfig } from '../config/train.js';
import { type Model, weight } from '../model/model.js';
import { type AdamwParameter, adamw } from '../tensor/ops/adamw.js';
import { type MuonParameter, muon } from '../tensor/ops/muon.js';
import { dispose, type Tensor, tensor, type Variable, variable, zerosLike } from '../tensor/tf.js';

export interface OptimizerState {
  /** By parameter name: first and second moments. What Muon steps has no second one. Checkpoints store them by these keys. */
  moments: Map<string, { m: Variable; v?: Variable }>;
}

export function createOptimizer(model: Model, kind: TrainConfig['optimizer'] = 'adamw'): OptimizerState {
  const moments: OptimizerState['moments'] = new Map();
  for (const { name, update } of model.parameters.filter(isTrained)) {
    const value = weight(model, name);
    const m = zeroMoment(value);
    moments.set(name, kind === 'muon' && update === 'muon' ? { m } : { m, v: zeroMoment(value) });
  }
  return { moments };
}

/** One step, in place, of `rows` (default: all that are trained). `gradients` by parameter name; `step` counts from 1. */
export function optimizerStep(
  model: Model,
  state: OptimizerState,
  gradients: ReadonlyMap<string, Tensor>,
  config: TrainConfig,
  {
    rows = model.parameters.filter(isTrained),
    ...at
  }: { step: number; learningRate: number; gradientScale: number; rows?: readonly ParameterSpec[] },
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
    const parameter = { variable: weight(model, name), gradient, m, weightDecay: decay ? config.weightDecay : 0 };
    if (v === undefined) byMuon.push(parameter);
    else byAdamw.push({ ...parameter, v });
  }
  adamw(byAdamw, { ...at, beta1: config.beta1, beta2: config.beta2, epsilon: config.epsilon });
  muon(byMuon, { ...at, momentum: config.momentum });
}

/** The moments under the names that a checkpoint stores them by. */
export function optimizerTensors({ moments }: OptimizerState): [string, Variable][] {
  return [...moments].flatMap(([name, pair]) =>
    Object.entries(pair).map(([kind, moment]): [string, Variable] => [`${kind}.${name}`, moment]),
  );
}

/** Restores the values of what `optimizerTensors` gave. */
export function restoreOptimizer(state: OptimizerState, tensors: ReadonlyMap<string, HostTensor>, where: string): void {
  for (const [name, moment] of optimizerTensors(state)) {
    const stored = tensors.get(name);
    if (stored === undefined || stored.shape.join() !== moment.shape.join()) {
      throw new UserError({
        where,
        what: `the optimizer state of ${name.slice(2)} is missing or has another shape`,
        next: 'Resume from another checkpoint, or start the stage afresh in a new folder',
      });
    }
    const values = tensor(stored.data, stored.shape, 'float32');
    moment.assign(values);
    values.dispose();
  }
}

export function disposeOptimizer(state: OptimizerState): void {
  dispose(optimizerTensors(state).map(([, moment]) => moment));
}

function zeroMoment(value: Tensor): Variable {
  const zero = zerosLike(value);
  const moment = variable(zero, false);
  zero.dispose();
  return moment;
}
