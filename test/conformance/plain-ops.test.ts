// The plain ops that `native` has taken over, held against TensorFlow.js's own kernels of the cpu backend: every rank,
// broadcasting, empty tensors, sizes for one thread and for several, values at the ends of the range. The same of the backend
// that TEST_BACKEND names.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { sizeOf } from '../../src/base/host-tensor.js';
import { Random } from '../../src/base/random.js';
import { openBackend } from '../../src/tensor/backends.js';
import { nativeBackend } from '../../src/tensor/native/index.js';
import * as tf from '../../src/tensor/tf.js';
import { chosenBackend } from './backends.js';

const tested = chosenBackend('native');
/** TensorFlow takes numbers nearer to zero for zero, and gives zero for them. */
const smallest = tested === 'tensorflow' ? 2 ** -126 : 0;

interface Case {
  name: string;
  /** Filled with random numbers, whole ones where the dtype is int32. */
  shapes: number[][];
  dtype?: 'float32' | 'int32';
  run(...inputs: tf.Tensor[]): tf.Tensor;
  /** Largest error, as a share of the value (or of 1, where that is more); 0 unless given. */
  tolerance?: number;
}

const broadcasts: number[][][] = [
  [[], []],
  [[1], [7]],
  [
    [5, 1],
    [1, 3],
  ],
  [[3], [4, 2, 3]],
  [
    [2, 1, 3, 1, 2],
    [4, 1, 5, 1],
  ],
  [
    [2, 1, 2, 1, 3, 1],
    [1, 3, 1, 2, 1, 2],
  ],
  [
    [0, 3],
    [1, 3],
  ],
  [
    [130, 131],
    [130, 131],
  ],
  [[130, 131], [131]],
  [
    [130, 131],
    [130, 1],
  ],
  [
    [17, 33, 31],
    [33, 1],
  ],
  [[40000], []],
];

const sums: [shape: number[], axes?: number[]][] = [
  [[]],
  [[3], [0]],
  [[4, 5], [1]],
  [[4, 5], [0]],
  [
    [2, 3, 4, 5],
    [1, 3],
  ],
  [
    [2, 3, 4, 5],
    [0, 2],
  ],
  [
    [2, 3, 1, 2, 3, 2],
    [-1, 0],
  ],
  [[0, 4], [0]],
  [[700, 33], [0]],
  [[700, 33], [1]],
  [[40001]],
  [[17, 40, 50], [1]],
];

/** Ops that only move elements: for both dtypes. */
const movements: Case[] = [
  { name: 'slice of a row', shapes: [[7]], run: (x) => tf.slice(x, [2], [3]) },
  { name: 'slice, to the end', shapes: [[4, 5, 6]], run: (x) => tf.slice(x, [1, 0, 2], [2, -1, -1]) },
  { name: 'slice of nothing', shapes: [[4, 5]], run: (x) => tf.slice(x, [4, 1], [0, 2]) },
  { name: 'slice, large', shapes: [[300, 131]], run: (x) => tf.slice(x, [3, 1], [290, 129]) },
  { name: 'concat of one', shapes: [[2, 3]], run: (x) => tf.concat([x], 0) },
  {
    name: 'concat, last axis',
    shapes: [
      [2, 3],
      [2, 1],
      [2, 4],
    ],
    run: (...all) => tf.concat(all, -1),
  },
  {
    name: 'concat with nothing',
    shapes: [
      [2, 0, 3],
      [2, 5, 3],
    ],
    run: (...all) => tf.concat(all, 1),
  },
  {
    name: 'concat, large',
    shapes: [
      [2, 90, 131],
      [2, 77, 131],
    ],
    run: (...all) => tf.concat(all, 1),
  },
  { name: 'transpose', shapes: [[5, 7]], run: (x) => tf.transpose(x) },
  { name: 'transpose, four axes', shapes: [[2, 3, 4, 5]], run: (x) => tf.transpose(x, [0, 2, 1, 3]) },
  { name: 'transpose, six axes', shapes: [[2, 3, 1, 2, 3, 2]], run: (x) => tf.transpose(x, [5, 0, 3, 2, 4, 1]) },
  { name: 'transpose, large', shapes: [[301, 131]], run: (x) => tf.transpose(x) },
  { name: 'tile', shapes: [[2, 3]], run: (x) => tf.tile(x, [3, 2]) },
  { name: 'tile, no copies', shapes: [[2, 3]], run: (x) => tf.tile(x, [0, 2]) },
  { name: 'tile, three axes', shapes: [[2, 1, 3]], run: (x) => tf.tile(x, [1, 4, 2]) },
  { name: 'tile, large', shapes: [[1, 131]], run: (x) => tf.tile(x, [300, 1]) },
];

const { add, sub, mul, div, neg, square, relu, sigmoid, softplus, exp, sqrt, rsqrt, log, expm1, step } = tf;
const binary = Object.entries({ add, sub, mul, div });
const unary = Object.entries({
  neg,
  square,
  relu,
  sigmoid,
  softplus,
  exp,
  sqrt,
  rsqrt,
  log,
  expm1,
  step: (x: tf.Tensor) => step(x),
});

const cases: Case[] = [
  ...binary.flatMap(([name, run]) => broadcasts.map((shapes): Case => ({ name, shapes, run }))),
  ...unary.flatMap(([name, run]) =>
    [[], [17], [33000]].map((shape) => ({ name, shapes: [shape], run, tolerance: 1e-6 })),
  ),
  ...sums.flatMap(([shape, axes]) =>
    [true, false].map((keep) => ({
      name: `sum over ${axes ?? 'all'}${keep ? ', kept' : ''}`,
      shapes: [shape],
      run: (x: tf.Tensor) => tf.sum(x, axes, keep),
      tolerance: 1e-5,
    })),
  ),
  ...movements,
  ...movements.map((one) => ({ ...one, dtype: 'int32' as const })),
  { name: 'cast', shapes: [[5, 7]], dtype: 'int32', run: (x) => tf.cast(x, 'float32') },
  { name: 'zerosLike', shapes: [[5, 7]], run: tf.zerosLike },
  { name: 'zeros', shapes: [], run: () => tf.zeros([3, 4]) },
  { name: 'ones', shapes: [], run: () => tf.ones([40000]) },
];

interface Answer {
  shape: number[];
  dtype: string;
  values: number[];
}

function answer(run: () => tf.Tensor): Answer {
  const result = tf.tidy(run);
  const found = { shape: [...result.shape], dtype: result.dtype, values: [...result.dataSync()] };
  result.dispose();
  return found;
}

function ask({ shapes, dtype = 'float32', run }: Case): Answer {
  const random = Random.stream(9, JSON.stringify(shapes));
  const draw = (): number => (dtype === 'int32' ? random.integer(-1000, 1000) : random.normal());
  const values = shapes.map((shape) => Array.from({ length: sizeOf(shape) }, draw));
  return answer(() => run(...shapes.map((shape, i) => tf.tensor(values[i], shape, dtype))));
}

function assertEqual(actual: Answer, cpu: Answer, tolerance = 0): void {
  assert.deepEqual([actual.shape, actual.dtype], [cpu.shape, cpu.dtype]);
  actual.values.forEach((value, i) => {
    const wanted = Math.abs(cpu.values[i]) < smallest ? 0 : cpu.values[i];
    // fp32 has no room for what JavaScript's 64 bits still tell from 0 or from infinity.
    const isNear =
      Object.is(value, Math.fround(wanted)) || Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    assert.ok(isNear || (value === 0 && wanted === 0), `[${i}]: ${value}, not ${wanted}`);
  });
}

/** The same on cpu, then on the backend under test; on native no JavaScript kernel may have helped. */
async function compare(t: TestContext, asked: () => Answer, tolerance?: number): Promise<void> {
  await openBackend('cpu');
  const wanted = asked();
  try {
    await openBackend(tested);
  } catch (error) {
    if (process.env.TEST_BACKEND) throw error;
    return t.skip(error instanceof Error ? error.message : String(error));
  }
  const backend = tested === 'native' ? nativeBackend() : undefined;
  backend?.javaScriptKernels.clear();
  const used = backend?.arena.figures.used;
  assertEqual(asked(), wanted, tolerance);
  assert.deepEqual(
    [...(backend?.javaScriptKernels ?? [])].filter((kernel) => !['Identity', 'Reshape'].includes(kernel)),
    [],
  );
  assert.equal(backend?.arena.figures.used, used, 'something stays in the arena');
}

for (const one of cases) {
  const shapes = one.shapes.map((shape) => `[${shape}]`).join(' ');
  // TensorFlow does not stretch six axes in turn ("not supported yet"), and says so.
  const skip = tested === 'tensorflow' && binary.some(([name]) => name === one.name) && one.shapes[0].length > 5;
  test(`${one.name} ${shapes} ${one.dtype ?? 'float32'}`, { skip }, (t) => compare(t, () => ask(one), one.tolerance));
}

const finite = [0, 1e-45, 1e-38, 1, 20, 88.5, 104, 3.4e38]
  .filter((x) => x === 0 || x >= smallest)
  .flatMap((x) => [x, -x]);
const ends = [...finite, Infinity, -Infinity, Number.NaN];

for (const [name, run] of unary) {
  test(`${name} of the ends of the range`, (t) => compare(t, () => answer(() => run(tf.tensor(ends))), 1e-6));
}
for (const [name, run] of binary) {
  const left = ends.flatMap((each) => ends.map(() => each));
  const right = ends.flatMap(() => ends);
  test(`${name} of the ends of the range`, (t) =>
    compare(t, () => answer(() => run(tf.tensor(left), tf.tensor(right)))));
}
