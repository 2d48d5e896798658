// A model's weights as tensors on the current backend: created, loaded, disposed.
// Which ones there are is said by architecture/parameters.ts; a model carries the rows of that table it was built from.
import { decoderTable, isTrained, type ParameterSpec } from '../architecture/parameters.js';
import { floatsOf, type HostTensor, halvesOf, sizeOf } from '../base/host-tensor.js';
import { Random } from '../base/random.js';
import type { InitialHeads, ModelConfig } from '../config/model.js';
import { overwrite } from '../tensor/host.js';
import { canHoldHalves, type HalfMatrix, halfMatrix, type Matrix } from '../tensor/matrix.js';
import type { PackedMatrix } from '../tensor/ops/linear-packed.js';
import type { Lent } from '../tensor/recompute.js';
import { keep, type Tensor1D, type Tensor2D, tensor, type Variable, variable } from '../tensor/tf.js';
import { checkTensors } from './check-tensors.js';
import { InductionHeads } from './induction.js';

/** A decoder's weights on the current backend, by Hugging Face name. */
export interface Model {
  config: ModelConfig;
  /** What it is made of, in the order of `weights`. */
  parameters: readonly ParameterSpec[];
  weights: Map<string, Variable>;
  /** Matrices of bf16 that nobody trains, in the place of their weights. */
  halves?: ReadonlyMap<string, HalfMatrix>;
  /** Matrices that are there packed, for products without a gradient: beside their weights (packed.ts), or in their place. */
  packed?: ReadonlyMap<string, PackedMatrix>;
  /** Where several ranks hold the layers in shares: `weights` has those of a layer only while it is lent. */
  shards?: LayerShards;
}

/** This rank's shares of the weights of layers (train/layer-shards.ts). */
export interface LayerShards {
  /** Whether it is a layer's, and so in shares. */
  has(name: string): boolean;
  /** For one pass of the layer, which all ranks make together. */
  lend(layer: number): Lent;
  /** The whole parameter's values become these: this rank takes its share. */
  assign(name: string, values: Float32Array): void;
  dispose(): void;
}

/**
 * A fresh model: the same seed gives the same weights on every backend. `heads`: all at random where absent, or such that the
 * first two layers begin with heads that copy (induction.ts).
 */
export function initModel(
  config: ModelConfig,
  seed: number,
  { rows = decoderTable(config), heads }: { rows?: readonly ParameterSpec[]; heads?: InitialHeads } = {},
): Model {
  const induction = heads === 'induction' ? new InductionHeads(config, seed) : undefined;
  return build(config, rows, (row) => {
    // An output projection of its own begins as the embedding: what was read is what is said.
    const name = induction !== undefined && row.part === 'head' ? 'model.embed_tokens.weight' : row.name;
    const values = initialValues({ ...row, name }, seed);
    induction?.apply(row, values);
    return createVariable(row, values);
  });
}

/**
 * The same model with other parameters: those that it has stay as they are, new ones are initialised, and the weights of
 * those that are no longer listed are disposed. Replaces `model`, whose weights it takes over.
 */
export function withParameters(model: Model, rows: readonly ParameterSpec[], seed: number): Model {
  const names = new Set(rows.map(({ name }) => name));
  for (const [name, value] of model.weights) if (!names.has(name)) value.dispose();
  for (const [name, { words }] of model.halves ?? []) if (!names.has(name)) words.dispose();
  return build(model.config, rows, (row) => {
    const half = model.halves?.get(row.name);
    if (half !== undefined && isTrained(row)) throw new Error(`${row.name} is held as bf16 and cannot be trained`);
    if (half !== undefined) return half;
    const value = model.weights.get(row.name) ?? createVariable(row, initialValues(row, seed));
    value.trainable = isTrained(row);
    return value;
  });
}

function initialValues({ name, shape, init }: ParameterSpec, seed: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if ('value' in init) return values.fill(init.value);
  const random = Random.stream(seed, name);
  const next = 'std' in init ? () => random.normal() * init.std : () => (2 * random.uniform() - 1) * init.within;
  for (let i = 0; i < values.length; i++) values[i] = next();
  return values;
}

/** A model from stored tensors. Throws as `checkTensors` does. */
export function modelFromTensors(
  config: ModelConfig,
  tensors: ReadonlyMap<string, HostTensor>,
  where: string,
  rows: readonly ParameterSpec[] = decoderTable(config),
): Model {
  checkTensors(rows, tensors, where);
  return build(config, rows, (row) => createVariable(row, floatsOf(tensors.get(row.name) as HostTensor)));
}

/**
 * The same, of weights that nobody will train: matrices whose numbers are all bf16 stay so, where the backend computes with
 * them. Takes each tensor out of `tensors` once it has its place, so that the two together are little more than one.
 */
export function frozenFromTensors(config: ModelConfig, tensors: Map<string, HostTensor>, where: string): Model {
  const rows = decoderTable(config).map((row): ParameterSpec => ({ ...row, update: 'frozen' }));
  checkTensors(rows, tensors, where);
  return build(config, rows, (row) => {
    const stored = tensors.get(row.name) as HostTensor;
    tensors.delete(row.name);
    const [out, input] = row.shape;
    const halves = input !== undefined && input % 2 === 0 && canHoldHalves() ? halvesOf(stored) : undefined;
    if (halves === undefined) return createVariable(row, stored.data);
    const matrix = halfMatrix(halves, [out, input]);
    keep(matrix.words);
    return matrix;
  });
}

/** Stored values into the weights that are trained; the rest stays as it is. Throws as `checkTensors` does. */
export function assignTrained(model: Model, tensors: ReadonlyMap<string, HostTensor>, where: string): void {
  const rows = model.parameters.filter(isTrained);
  checkTensors(rows, tensors, where);
  for (const { name } of rows) {
    const values = floatsOf(tensors.get(name) as HostTensor);
    if (model.shards?.has(name)) model.shards.assign(name, values);
    else overwrite(weight(model, name), values);
  }
}

export function disposeModel(model: Model): void {
  for (const value of model.weights.values()) value.dispose();
  for (const { words } of model.halves?.values() ?? []) words.dispose();
  disposePacked(model);
  model.shards?.dispose();
}

/** What is packed, and not the weights. */
export function disposePacked(model: Model): void {
  for (const { packed } of model.packed?.values() ?? []) packed.dispose();
}

export function weight(model: Model, name: string): Variable {
  const found = model.weights.get(name);
  if (found === undefined) throw new Error(`the model has no parameter ${name}`);
  return found;
}

/** As it is held: a variable, or bf16. */
export const matrixOf = (model: Model, name: string): Matrix => model.halves?.get(name) ?? floatMatrixOf(model, name);
export const floatMatrixOf = (model: Model, name: string): Tensor2D =>
  weight(model, name) as Variable as unknown as Tensor2D;
export const vectorOf = (model: Model, name: string): Tensor1D =>
  weight(model, name) as Variable as unknown as Tensor1D;

function build(
  config: ModelConfig,
  parameters: readonly ParameterSpec[],
  held: (row: ParameterSpec) => Variable | HalfMatrix,
): Model {
  const weights = new Map<string, Variable>();
  const halves = new Map<string, HalfMatrix>();
  for (const row of parameters) {
    const value = held(row);
    if ('words' in value) halves.set(row.name, value);
    else weights.set(row.name, value);
  }
  return { config, parameters, weights, ...(halves.size > 0 && { halves }) };
}

// tfjs keeps its own registry of variable names; ours are found in the map.
function createVariable(row: ParameterSpec, values: Float32Array): Variable {
  const initial = tensor(values, row.shape, 'float32');
  const value = variable(initial, isTrained(row));
  initial.dispose();
  return value;
}
