// Threads take pieces as they come free, here more threads than there are cores, so that every run hands them out otherwise:
// products, attention, the loss and their gradients have the same bits again and again. Where work is cut by sizes
// alone, they are those of one thread.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { causalRanges } from '../../src/bench/inputs.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
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
