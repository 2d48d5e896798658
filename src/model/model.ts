// A model's weights as tensors on the current backend: made afresh, from stored tensors, copied out, let go.
// Which ones there are is said by architecture/parameters.ts.

import { type ParameterSpec, parameterTable } from '../architecture/parameters.js';
import { UserError } from '../base/errors.js';
import { type HostTensor, sizeOf } from '../base/host-tensor.js';
import { Random } from '../base/random.js';
import type { ModelConfig } from '../config/model.js';
import { type Tensor, type Tensor1D, type Tensor2D, tensor, type Variable, variable } from '../tensor/tf.js';

/** A decoder's weights on the current backend, by Hugging Face name. */
export interface Model {
  config: ModelConfig;
  weights: Map<string, Variable>;
  /** Gradients recompute each layer's activations instead of keeping them (see tensor/checkpoint.ts). */
  checkpointing?: boolean;
  /** Sees what goes through the layers, where somebody asks: it must neither change nor keep it. */
  observe?: Observe;
}

/**
 * `attention`, `mlp`: the residual stream after it [N, d]; `queries`, `keys`: as they are compared [B, T, heads, D]. Twice the
 * same where a layer is computed again.
 */
export type Observe = (layer: number, what: 'attention' | 'mlp' | 'queries' | 'keys', states: Tensor) => void;

/** A fresh model: the same seed gives the same weights on every backend. */
export function initModel(config: ModelConfig, seed: number): Model {
  return build(config, (spec) => {
    const values = new Float32Array(sizeOf(spec.shape));
    if ('value' in spec.init) return values.fill(spec.init.value);
    const random = Random.stream(seed, spec.name);
    for (let i = 0; i < values.length; i++) values[i] = random.normal() * spec.init.std;
    return values;
  });
}

/** Missing, extra or misshapen tensors are a UserError that names them. */
export function checkTensors(config: ModelConfig, tensors: ReadonlyMap<string, HostTensor>, where: string): void {
  const specs = parameterTable(config);
  const known = new Set(specs.map((spec) => spec.name));
  const faults = specs.flatMap(({ name, shape }) => {
    const stored = tensors.get(name);
    if (stored === undefined) return [`${name} is missing`];
    if (stored.shape.join() === shape.join()) return [];
    return [`${name} is [${stored.shape.join(', ')}], config.json asks for [${shape.join(', ')}]`];
  });
  faults.push(...[...tensors.keys()].filter((name) => !known.has(name)).map((name) => `${name} is unknown`));
  if (faults.length > 0) {
    const more = faults.length > 3 ? `; and ${faults.length - 3} more` : '';
    throw new UserError({
      where,
      what: 'the weights do not fit the configuration',
      why: faults.slice(0, 3).join('; ') + more,
      next: 'Use the config.json and model.safetensors of one checkpoint together',
    });
  }
}

/** A model from stored tensors. Throws as `checkTensors` does. */
export function modelFromTensors(config: ModelConfig, tensors: ReadonlyMap<string, HostTensor>, where: string): Model {
  checkTensors(config, tensors, where);
  return build(config, (spec) => (tensors.get(spec.name) as HostTensor).data);
}

/** Copies the weights out, in the table's order. */
export function modelTensors(model: Model): HostTensor[] {
  return parameterTable(model.config).map(({ name, shape }) => ({
    name,
    shape,
    data: (weight(model, name).dataSync() as Float32Array).slice(),
  }));
}

export function disposeModel(model: Model): void {
  for (const value of model.weights.values()) value.dispose();
}

export function weight(model: Model, name: string): Variable {
  const found = model.weights.get(name);
  if (found === undefined) throw new Error(`the model has no parameter ${name}`);
  return found;
}

export const matrixOf = (model: Model, name: string): Tensor2D =>
  weight(model, name) as Variable as unknown as Tensor2D;
export const vectorOf = (model: Model, name: string): Tensor1D =>
  weight(model, name) as Variable as unknown as Tensor1D;

function build(config: ModelConfig, values: (spec: ParameterSpec) => Float32Array): Model {
  const weights = new Map<string, Variable>();
  for (const spec of parameterTable(config)) {
    const initial = tensor(values(spec), spec.shape, 'float32');
    // tfjs keeps its own registry of variable names; ours are found in the map.
    weights.set(spec.name, variable(initial, true));
    initial.dispose();
  }
  return { config, weights };
}
