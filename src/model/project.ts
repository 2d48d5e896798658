// Every linear layer of the decoder goes through `project`, which finds by the model's rows what stands beside a matrix: a
// bias, an adapter. Nothing else of the forward pass knows of adapters.
import { adapterNames } from '../architecture/adapters.js';
import { isTrained, type ParameterSpec } from '../architecture/parameters.js';
import { dropout } from '../tensor/ops/dropout.js';
import { linear } from '../tensor/ops/linear.js';
import { linearPacked, type PackedMatrix } from '../tensor/ops/linear-packed.js';
import { mul, type Tensor1D, type Tensor2D, type Variable } from '../tensor/tf.js';
import { type Model, matrixOf, weight } from './model.js';
import { type Noise, noiseKey } from './noise.js';

interface Lookup {
  /** By the name of the matrix that it stands beside. */
  adapters: Map<string, { a: string; b: string; scale: number }>;
  /** Rows of each decoder layer. */
  layers: ParameterSpec[][];
}

const lookups = new WeakMap<readonly ParameterSpec[], Lookup>();

/** Worked out once for each table. */
function lookupOf({ parameters }: Model): Lookup {
  let lookup = lookups.get(parameters);
  if (lookup !== undefined) return lookup;
  lookup = { adapters: new Map(), layers: [] };
  const scales = new Map(parameters.map(({ name, scale }) => [name, scale]));
  for (const row of parameters) {
    const names = adapterNames(row.name);
    const scale = scales.get(names.b);
    if (scale !== undefined) lookup.adapters.set(row.name, { ...names, scale });
    if (row.layer === undefined) continue;
    lookup.layers[row.layer] ??= [];
    lookup.layers[row.layer].push(row);
  }
  lookups.set(parameters, lookup);
  return lookup;
}

/** x [N, in] → x · Wᵀ (+ bias) (+ residual) (+ what the adapter adds) [N, out]; W is `<name>.weight` [out, in]. */
export function project(
  model: Model,
  name: string,
  x: Tensor2D,
  { residual, noise }: { residual?: Tensor2D; noise?: Noise } = {},
): Tensor2D {
  const y = product(model, `${name}.weight`, x, { bias: biasOf(model, name), residual });
  return adapted(model, name, x, y, noise);
}

/** The same for several matrices that read the same x: packed ones in one go. */
export function projectAll(model: Model, names: readonly string[], x: Tensor2D, noise?: Noise): Tensor2D[] {
  const matrices = names.map((name) => model.packed?.get(`${name}.weight`));
  if (!matrices.every((matrix) => matrix !== undefined && matrix.isQ8 === matrices[0]?.isQ8)) {
    return names.map((name) => project(model, name, x, { noise }));
  }
  const products = names.map((name, i) => ({ matrix: matrices[i] as PackedMatrix, bias: biasOf(model, name) }));
  return linearPacked(x, products).map((y, i) => adapted(model, names[i], x, y, noise));
}

function biasOf(model: Model, name: string): Tensor1D | undefined {
  return model.weights.get(`${name}.bias`) as Tensor1D | undefined;
}

function adapted(model: Model, name: string, x: Tensor2D, y: Tensor2D, noise?: Noise): Tensor2D {
  const adapter = lookupOf(model).adapters.get(`${name}.weight`);
  if (adapter === undefined) return y;
  const heard = noise === undefined ? x : dropout(x, noise.dropout, noiseKey(noise, name));
  const inner = mul(linear(heard, matrixOf(model, adapter.a)), adapter.scale) as Tensor2D; // [N, rank]
  const sum = linear(inner, matrixOf(model, adapter.b), { residual: y });
  y.dispose(); // no backward pass reads it
  return sum;
}

/** x [N, in] → x · Wᵀ (+ bias) (+ residual) [N, out], by W as it is packed where it is. */
export function product(
  model: Model,
  name: string,
  x: Tensor2D,
  extra: { bias?: Tensor1D; residual?: Tensor2D } = {},
): Tensor2D {
  const matrix = model.packed?.get(name);
  if (matrix === undefined) return linear(x, matrixOf(model, name), extra);
  return linearPacked(x, [{ matrix, ...extra }])[0];
}

/** The weights of a layer: those that are trained, and those that are not. */
export function layerWeights(model: Model, layer: number): { trained: Variable[]; frozen: Variable[] } {
  const rows = lookupOf(model).layers[layer];
  // What is held as bf16 is no variable, and nobody asks for its gradient.
  const of = (chosen: readonly ParameterSpec[]): Variable[] =>
    chosen.filter(({ name }) => !model.halves?.has(name)).map(({ name }) => weight(model, name));
  return { trained: of(rows.filter(isTrained)), frozen: of(rows.filter((row) => !isTrained(row))) };
}
