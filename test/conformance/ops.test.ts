// Every fused op on every backend that runs here, against the float64 reference: values, gradients, memory, bad calls.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { sizeOf } from '../../src/base/host-tensor.js';
import { Random } from '../../src/base/random.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { adamw } from '../../src/tensor/ops/adamw.js';
import { attention } from '../../src/tensor/ops/attention.js';
import { cachedAttention, copyColumns } from '../../src/tensor/ops/cached-attention.js';
import { globalNorm } from '../../src/tensor/ops/global-norm.js';
import { swiglu } from '../../src/tensor/ops/swiglu.js';
import {
  concat,
  dispose,
  keep,
  memory,
  mul,
  reshape,
  slice,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
  type Variable,
  variable,
} from '../../src/tensor/tf.js';
import { chosenBackend, onBackend, onEachBackend } from './backends.js';
import { type Case, cases, fp32, type Input } from './cases.js';
import * as reference from './reference.js';

/** A gradient goes through the rounding of two passes. */
const gradientFactor = 5;

interface Expected {
  output: Float64Array;
  /** The gradients are those of Σ projection · output. */
  projection: Float64Array;
  /** Per float input: some elements, and the slope there. */
  slopes: { at: number; slope: number }[][];
}

const known = new Map<Case, Expected>();

/** The reference's answer, once for all backends. */
function expected(one: Case): Expected {
  const found = known.get(one) ?? compute(one);
  known.set(one, found);
  return found;
}

function compute(one: Case): Expected {
  const inputs = one.inputs.map((input) => input.values.slice());
  const output = one.reference(inputs);
  const random = Random.stream(1, one.name);
  const projection = output.map(() => Math.fround(random.normal()));
  const objective = (): number => one.reference(inputs).reduce((total, y, at) => total + y * projection[at], 0);
  const slopes = one.inputs.flatMap(({ dtype }, index) => {
    if (dtype !== 'float32') return [];
    const size = inputs[index].length;
    const all = Array.from({ length: size }, (_, at) => at);
    const drawn = [0, size - 1, ...Array.from({ length: one.slopes - 2 }, () => random.integer(0, size))];
    const chosen = size <= one.slopes ? all : drawn;
    return [chosen.map((at) => ({ at, slope: reference.slope(objective, inputs[index], at) }))];
  });
  return { output, projection, slopes };
}

function assertNear(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number, what: string): void {
  assert.equal(actual.length, wanted.length, what);
  const scale = Array.from(wanted).reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(actual[i] - wanted[i]);
    const message = `${what} [${i}]: ${actual[i]}, not ${wanted[i]} (error ${error}, allowed ${tolerance * scale})`;
    assert.ok(error <= tolerance * scale, message); // NaN fails too
  }
}

function upload({ values, shape, dtype }: Input): Tensor {
  return tensor(dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values), shape, dtype);
}

function uploadVariable(values: Float64Array, shape: number[]): Variable {
  const initial = tensor(Float32Array.from(values), shape, 'float32');
  const result = variable(initial);
  initial.dispose();
  return result;
}

/** Float inputs as variables, so that they can be differentiated; ids, positions and ranges as they are. */
function uploadAll(one: Case): { inputs: Tensor[]; variables: Variable[] } {
  const inputs = one.inputs.map((input) =>
    input.dtype === 'float32' ? uploadVariable(input.values, input.shape) : upload(input),
  );
  return { inputs, variables: inputs.filter((_, index) => one.inputs[index].dtype === 'float32') as Variable[] };
}

function checkForward(one: Case): void {
  const tensors = one.inputs.map(upload);
  const held = memory().numTensors;
  const output = one.run(tensors);
  assert.equal(output.dtype, 'float32');
  assertNear(output.dataSync(), expected(one).output, one.tolerance, 'output');
  output.dispose();
  assert.equal(memory().numTensors, held, 'the forward pass leaves tensors behind');
  dispose(tensors);
}

function checkGradients(one: Case): void {
  const { projection, slopes } = expected(one);
  const { inputs, variables } = uploadAll(one);
  const outputShape = one.run(inputs);
  const weights = tensor(Float32Array.from(projection), outputShape.shape);
  outputShape.dispose();
  const held = memory().numTensors;
  const { value, gradients } = valueAndGradients(() => sum(mul(one.run(inputs), weights)), variables);
  variables.forEach((input, index) => {
    const gradient = gradients[index];
    assert.deepEqual(gradient.shape, input.shape);
    const values = gradient.dataSync();
    assertNear(
      slopes[index].map(({ at }) => values[at]),
      slopes[index].map(({ slope }) => slope),
      one.tolerance * gradientFactor,
      `gradient of input ${index}, at ${slopes[index].map(({ at }) => at).join(' ')}`,
    );
  });
  dispose([value, ...gradients]);
  assert.equal(memory().numTensors, held, 'the gradient leaves tensors behind');
  dispose([weights, ...inputs]);
}

function normals(random: Random, size: number): Float64Array {
  return Float64Array.from({ length: size }, () => Math.fround(random.normal()));
}

/** Four steps on several parameters, some of them decayed, with a clipped gradient. */
function checkAdamw(): void {
  const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };
  const random = Random.stream(2, 'adamw');
  const draw = (size: number) => normals(random, size);
  const parameters = [
    { shape: [5, 3], weightDecay: 0.1 },
    { shape: [7], weightDecay: 0 },
    { shape: [19, 1009], weightDecay: 0.2 }, // for several threads, none of whose parts is even
    { shape: [1], weightDecay: 0 },
  ].map(({ shape, weightDecay }) => {
    const size = sizeOf(shape);
    const truth = { p: draw(size), m: new Float64Array(size), v: new Float64Array(size) };
    const [p, m, v] = [truth.p, truth.m, truth.v].map((values) => uploadVariable(values, shape));
    return { shape, weightDecay, truth, variable: p, m, v };
  });
  const held = memory().numTensors;
  for (let step = 1; step <= 4; step++) {
    const gradientScale = step === 2 ? 0.25 : 1;
    const gradients = parameters.map(({ truth }) => draw(truth.p.length));
    gradients[0][0] = 0; // a row no token touched: only decay moves it
    const uploaded = parameters.map(({ shape }, i) => tensor(Float32Array.from(gradients[i]), shape));
    adamw(
      parameters.map((parameter, i) => ({ ...parameter, gradient: uploaded[i] })),
      { ...settings, step, gradientScale },
    );
    dispose(uploaded);
    parameters.forEach(({ truth: { p, m, v }, weightDecay }, i) => {
      const scaled = gradients[i].map((g) => g * gradientScale);
      reference.adamw(p, scaled, m, v, step, { ...settings, weightDecay });
    });
  }
  assert.equal(memory().numTensors, held, 'the optimizer leaves tensors behind');
  for (const { truth, variable: p, m, v } of parameters) {
    assertNear(p.dataSync(), truth.p, fp32 / 10, 'parameter');
    assertNear(m.dataSync(), truth.m, fp32 / 10, 'first moment');
    assertNear(v.dataSync(), truth.v, fp32 / 10, 'second moment');
    dispose([p, m, v]);
  }
}

function checkGlobalNorm(sizes: number[]): void {
  const values = sizes.map((size, i) => normals(Random.stream(i, 'norm'), size));
  const tensors = values.map((each) => tensor(Float32Array.from(each), [each.length]));
  const held = memory().numTensors;
  const norm = tidy(() => globalNorm(tensors).dataSync());
  assertNear(norm, [reference.globalNorm(values)], fp32, 'norm');
  assert.equal(memory().numTensors, held, 'the norm leaves tensors behind');
  dispose(tensors);
}

const sizesOf = (x: Tensor): number[] => x.shape;

/**
 * Sequences that grow in stretches of one cache, by pieces of any length side by side, see what they would see of keys of
 * their own; what goes nowhere is seen by nobody, and a copied beginning is as good as one that was read.
 */
function checkCachedAttention(heads: number, groups: number, d: number): void {
  const random = Random.stream(9, `cache ${heads}`);
  const upload = (...shape: number[]): Tensor => tensor(Float32Array.from(normals(random, sizeOf(shape))), [...shape]);
  const capacity = 512;
  const held = memory().numTensors;
  let cache = { keys: upload(1, capacity, groups, d) as Tensor4D, values: upload(1, capacity, groups, d) as Tensor4D };
  const sequences = [0, 64, 256, 448].map((start) => ({
    start,
    q: [] as Tensor[],
    k: [] as Tensor[],
    v: [] as Tensor[],
  }));
  const grow = (lengths: readonly number[], nowhere = 0): void => {
    const pieces = sequences.map((sequence, i) => {
      const from = sequence.k.reduce((total, { shape }) => total + shape[0], 0);
      const [q, k, v] = [upload(lengths[i], heads, d), upload(lengths[i], groups, d), upload(lengths[i], groups, d)];
      sequence.q.push(q);
      sequence.k.push(k);
      sequence.v.push(v);
      const columns = Array.from({ length: lengths[i] }, (_, t) => sequence.start + from + t);
      return { q, k, v, columns, ranges: columns.flatMap((column) => [sequence.start, column]) };
    });
    const lost = { q: upload(nowhere, heads, d), k: upload(nowhere, groups, d), v: upload(nowhere, groups, d) };
    const places = { columns: Array<number>(nowhere).fill(capacity), ranges: Array<number>(2 * nowhere).fill(0) };
    const all = [...pieces, { ...lost, ...places }].filter(({ columns }) => columns.length > 0);
    const joined = (name: 'q' | 'k' | 'v'): Tensor3D => concat(all.map((piece) => piece[name])) as Tensor3D;
    const columns = all.flatMap((piece) => piece.columns);
    const ranges = tensor2d(
      all.flatMap((piece) => piece.ranges),
      [columns.length, 2],
      'int32',
    );
    const fresh = [joined('q'), joined('k'), joined('v')] as const;
    const [out, next] = cachedAttention(fresh, { ranges, columns: tensor1d(columns, 'int32') }, cache);
    cache = next;
    const rows = out.dataSync();
    let at = 0;
    for (const [i, sequence] of sequences.entries()) {
      const [q, k, v] = (['q', 'k', 'v'] as const).map((name) => concat(sequence[name]));
      const own = (x: Tensor): Tensor4D =>
        reshape(x, [1, ...sizesOf(x)] as [number, number, number, number]) as Tensor4D;
      const total = q.shape[0];
      const causal = Int32Array.from({ length: 2 * total }, (_, t) => (t % 2) * (t >> 1));
      const alone = attention(own(q), own(k), own(v), tensor(causal, [1, total, 2], 'int32') as Tensor3D).dataSync();
      const size = lengths[i] * heads * d;
      assertNear(
        rows.subarray(at, at + size),
        alone.subarray(alone.length - size),
        fp32,
        `sequence ${i} of ${total} tokens`,
      );
      at += size;
    }
  };
  tidy(() => {
    grow([1, 70, 3, 33]);
    grow([1, 1, 1, 1], 2);
    grow([9, 1, 40, 4], 1);
    cache = copyColumns(cache, { from: 64, to: [200, 300], count: 50 });
    cache = copyColumns(cache, { from: 300, to: [384], count: 50 });
    for (const name of ['q', 'k', 'v'] as const) {
      const beginning = concat(sequences[1][name]);
      sequences[3] = {
        ...sequences[3],
        start: 384,
        [name]: [slice(beginning, [0, 0, 0], [50, sizesOf(beginning)[1], d])],
      };
    }
    grow([1, 1, 5, 1]);
    grow([1, 1, 60, 7]);
    keep(cache.keys);
    keep(cache.values);
  });
  dispose([cache.keys, cache.values]);
  assert.equal(memory().numTensors, held, 'the cache leaves tensors behind');
}

/** x² σ(x): swiglu of a tensor with itself. */
function checkSharedInput(): void {
  const x = uploadVariable(Float64Array.of(0.7), [1, 1]);
  const same = x as Tensor as Tensor2D;
  const { value, gradients } = valueAndGradients(() => sum(swiglu(same, same)), [x]);
  const sigmoid = 1 / (1 + Math.exp(-0.7));
  assertNear(gradients[0].dataSync(), [1.4 * sigmoid + 0.49 * sigmoid * (1 - sigmoid)], fp32, 'gradient');
  dispose([value, gradients[0], x]);
}

async function checkAll(t: TestContext): Promise<void> {
  for (const one of cases) {
    await t.test(`${one.op} ${one.name}`, () => checkForward(one));
    await t.test(`${one.op} ${one.name}, gradients`, () => checkGradients(one));
  }
  await t.test('a tensor used twice gets the sum of both gradients', checkSharedInput);
  await t.test('adamw, four steps', checkAdamw);
  await t.test('globalNorm of one value', () => checkGlobalNorm([1]));
  await t.test('globalNorm of several tensors, odd sizes', () => checkGlobalNorm([1, 3, 17, 16384, 20011, 5]));
  await t.test('attention over a cache, as many heads as groups', () => checkCachedAttention(3, 3, 7));
  await t.test('attention over a cache, grouped queries', () => checkCachedAttention(12, 2, 36));
}

// Work that does not divide evenly, and work that is not divided at all.
if (chosenBackend('native') === 'native') {
  for (const threads of [1, 3]) await onBackend('ops', 'native', { threads }, checkAll);
}
await onEachBackend('ops', checkAll);
