// Threads take pieces as they come free, here more threads than there are cores, so that every run hands them out otherwise:
// products, attention, the loss and their gradients have the same bits again and again. Where work is cut by sizes
// alone, they are those of one thread.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Random } from '../../src/base/random.js';
import { causalRanges } from '../../src/bench/inputs.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { findEngine } from '../../src/tensor/native/engine-file.js';
import { nativeBackend } from '../../src/tensor/native/index.js';
import { attention } from '../../src/tensor/ops/attention.js';
import { crossEntropySum } from '../../src/tensor/ops/cross-entropy-sum.js';
import { linear } from '../../src/tensor/ops/linear.js';
import {
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tidy,
  variable,
} from '../../src/tensor/tf.js';
import { openNative } from './native-world.js';

const random = Random.stream(11, 'threads');
const numbers = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );

/** By name: the function of some tensors, and their shapes. */
const functions: Record<string, { of: (...inputs: Tensor[]) => Tensor; shapes: number[][]; byCores?: true }> = {
  // More than one block of B in both directions, rows and columns that fill no tile.
  product: {
    of: (x, w) => linear(x as Tensor2D, w as Tensor2D),
    shapes: [
      [203, 400],
      [1100, 400],
    ],
  },
  // One group of heads to each of two rows: the gradients of its keys are added up from parts.
  attention: {
    of: (q, k, v) => attention(q as Tensor4D, k as Tensor4D, v as Tensor4D, ranges()),
    shapes: [
      [2, 300, 4, 32],
      [2, 300, 1, 32],
      [2, 300, 1, 32],
    ],
    byCores: true,
  },
  // Three chunks of rows, and a last block of the vocabulary that is not whole.
  loss: {
    of: (hidden, weight) => crossEntropySum(hidden as Tensor2D, weight as Tensor2D, targets(), weights()),
    shapes: [
      [1500, 48],
      [1000, 48],
    ],
  },
};
const ranges = () => tensor(causalRanges(2, 300), [2, 300, 2], 'int32') as Tensor3D;
const targets = () =>
  tensor(
    Int32Array.from({ length: 1500 }, (_, i) => (i * 7) % 1000),
    [1500],
    'int32',
  ) as never;
const weights = () =>
  tensor(
    Float32Array.from({ length: 1500 }, (_, i) => 1 + (i % 3)),
    [1500],
  ) as never;

for (const [name, { of, shapes, byCores }] of Object.entries(functions)) {
  test(`${name} and its gradients have the same bits whichever thread takes what`, async (t) => {
    if ((await openNative(t)) === undefined) return;
    const addon = nativeBackend()?.addon;
    assert.ok(addon);
    const inputs = shapes.map((shape) => variable(numbers(...shape)));
    const dy = tidy(() => numbers(...of(...inputs).shape));
    const run = (): string[] =>
      tidy(() => {
        const { value, gradients } = valueAndGradients(() => of(...inputs), inputs, dy);
        const results = [value, ...gradients];
        return results.map((result) => createHash('sha256').update(result.dataSync()).digest('hex'));
      });
    const threads = addon.threads();
    try {
      addon.setThreads(1);
      const single = run();
      for (const count of [2, 3, 4, availableParallelism() + 3]) {
        addon.setThreads(count);
        const first = run();
        for (let again = 0; again < 6; again++) assert.deepEqual(run(), first, `${count} threads`);
        if (byCores === undefined) assert.deepEqual(first, single, `${count} threads against one`);
      }
    } finally {
      addon.setThreads(threads);
      for (const tensor of [...inputs, dy]) tensor.dispose();
    }
  });
}

test('memory that runs out in a piece, on whichever thread, is an error of the call', async (t) => {
  const addon = (await openNative(t))?.addon;
  if (addon === undefined) return;
  // Scores of so many heads with so many keys would be 2^47 bytes: more than there are addresses.
  const [count, heads, capacity] = [8, 2 ** 21, 2 ** 24];
  const sizes = [count * heads, count, count, 2 * count, count, capacity, capacity, count * heads];
  const slab = new ArrayBuffer(4 * sizes.reduce((a, b) => a + b, 16));
  const base = addon.addSlab(slab);
  const tensors = sizes.flatMap((size, i) => [base + 4 * sizes.slice(0, i).reduce((a, b) => a + b, 0), size]);
  const integers = (i: number): Int32Array => new Int32Array(slab, tensors[2 * i] - base, sizes[i]);
  integers(3).set(Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? i : capacity - 1)));
  integers(4).fill(capacity);
  const frame = Float64Array.from([sizes.length, 5, ...tensors, count, heads, 1, 1, capacity]);
  const threads = addon.threads();
  addon.setThreads(4);
  try {
    for (let again = 0; again < 3; again++) {
      const call = () => addon.call(addon.kernels.indexOf('CachedAttention'), frame, frame.length);
      assert.throws(call, /^Error: CachedAttention: out of memory$/);
    }
  } finally {
    addon.setThreads(threads);
    addon.removeSlab(base);
  }
});

test('two courses of jobs end, each with its own results, whoever is late and whatever fails', async (t) => {
  const addon = (await openNative(t))?.addon;
  if (addon === undefined) return;
  // The loss of evaluation, whose parts meet at barriers, between products that are cut into pieces.
  const [n, d, v] = [64, 64, 512];
  const sizes = [n * d, v * d, n, n * v, n, n];
  const size = sizes.reduce((a, b) => a + b, 0);
  const slab = new ArrayBuffer(2 * 4 * size);
  const base = addon.addSlab(slab);
  const framesOf = (course: number): { frames: Float64Array; results: Float32Array } => {
    const from = course * size;
    const at = (i: number) => from + sizes.slice(0, i).reduce((a, b) => a + b, 0);
    const tensors = (...which: number[]) => which.flatMap((i) => [base + 4 * at(i), sizes[i]]);
    const values = new Float32Array(slab, 4 * from, size);
    for (let i = 0; i < sizes[0] + sizes[1]; i++) values[i] = random.normal();
    new Int32Array(slab, 4 * at(2), n).fill(7);
    const call = (name: string, frame: number[]) => [addon.kernels.indexOf(name), frame.length, ...frame];
    const product = call('Linear', [3, 6, ...tensors(0, 1, 3), n, d, v, 0, 0, 0]);
    const loss = call('CrossEntropy', [5, 4, ...tensors(0, 1, 2, 4, 5), n, d, v, 0]);
    return {
      frames: Float64Array.from([...product, ...loss, ...product, ...product]),
      results: new Float32Array(slab, 4 * at(3), n * v + 2 * n),
    };
  };
  const courses = [framesOf(0), framesOf(1)];
  const wrong = Float64Array.from([addon.kernels.length, 2, 0, 0]);
  const lead = courses[0].frames[1] + 2;
  const threads = addon.threads();
  try {
    addon.setThreads(1);
    for (const { frames } of courses) addon.replay(frames);
    const wanted = courses.map(({ results }) => results.slice());
    for (const count of [1, 2, 3, availableParallelism() + 3]) {
      addon.setThreads(count);
      for (let again = 0; again < 60; again++) {
        for (const { results } of courses) results.fill(0);
        addon.replayTwo(courses[0].frames, courses[1].frames, again % 2 === 0 ? 0 : lead);
        for (const [i, { results }] of courses.entries()) assert.deepEqual(results, wanted[i], `${count} threads`);
        const [first, second] = again % 2 === 0 ? [wrong, courses[1].frames] : [courses[0].frames, wrong];
        assert.throws(() => addon.replayTwo(first, second, 0), /no such kernel/);
      }
    }
  } finally {
    addon.setThreads(threads);
    addon.removeSlab(base);
  }
});

/** Multiplies two matrices of whole numbers again and again, and says how often that went wrong. */
const multiplier = `
const { parentPort, workerData } = require('node:worker_threads');
const addon = require(workerData);
addon.setThreads(2);
const [n, k] = [64, 256];
const slab = new ArrayBuffer(4 * (2 * n * k + n * n));
const base = addon.addSlab(slab);
const x = new Float32Array(slab, 0, n * k).map((_, i) => (i % 5) - 2);
const w = new Float32Array(slab, 4 * n * k, n * k).map((_, i) => (i % 7) - 3);
new Float32Array(slab).set([...x, ...w]);
const y = new Float32Array(slab, 8 * n * k, n * n);
const wanted = y.map((_, at) => {
  let sum = 0;
  for (let d = 0; d < k; d++) sum += x[Math.floor(at / n) * k + d] * w[(at % n) * k + d];
  return sum;
});
const frame = Float64Array.from([3, 6, base, n * k, base + 4 * n * k, n * k, base + 8 * n * k, n * n, n, k, n, 0, 0, 0]);
let wrong = 0;
for (let round = 0; round < 1000; round++) {
  y.fill(0);
  addon.call(addon.kernels.indexOf('Linear'), frame, frame.length);
  if (y.some((value, i) => value !== wanted[i])) wrong++;
}
addon.removeSlab(base);
parentPort.postMessage(wrong);
`;

test("Node's worker threads compute side by side, each what it would alone", async (t) => {
  const addon = (await openNative(t))?.addon;
  if (addon === undefined) return;
  const threads = addon.threads();
  const wrong = [0, 1, 2].map(
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(multiplier, { eval: true, workerData: findEngine().path });
        worker.once('message', resolve).once('error', reject);
      }),
  );
  assert.deepEqual(await Promise.all(wrong), [0, 0, 0]);
  addon.setThreads(threads);
});
