import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { embedding } from '../../src/tensor/ops/embedding.js';
import { recomputed } from '../../src/tensor/recompute.js';
import {
  add,
  memory,
  mul,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor,
  tidy,
  type Variable,
  variable,
} from '../../src/tensor/tf.js';
import { onEachBackend } from '../conformance/backends.js';

/** The gradients of `loss`, on the host, with nothing left behind. */
function gradients(loss: () => Tensor, variables: Variable[]): number[][] {
  const { value, gradients: tensors } = valueAndGradients(() => sum(loss()), variables);
  value.dispose();
  return tensors.map((gradient) => {
    const values = [...gradient.dataSync()];
    gradient.dispose();
    return values;
  });
}

await onEachBackend('recomputed', async (t) => {
  const [a, b] = tidy(() => [variable(tensor([2, 3])), variable(tensor([5, 7]))]);
  const table = tidy(() => variable(tensor([1, 2, 3, 4, 5, 6], [3, 2])));
  const product = ([x, y]: Tensor[]): Tensor => mul(mul(x, x), y); // x²y

  await t.test('gives the value outside a gradient', () => {
    assert.deepEqual(
      tidy(() => [...recomputed(product, [a, b]).dataSync()]),
      [20, 63],
    );
  });

  await t.test('gradients flow to every input, Variable or not, and through what comes before and after', () => {
    // L = 3 (a + b)² b: dL/da = 6 (a + b) b, dL/db = that + 3 (a + b)²
    const loss = (): Tensor => mul(recomputed(product, [add(a, b), b]), 3);
    assert.deepEqual(gradients(loss, [a, b]), [
      [210, 420],
      [210 + 147, 420 + 300],
    ]);
  });

  await t.test('a tensor of ids made in the forward pass is still there in the backward pass', () => {
    const loss = (): Tensor => {
      const rows = ([weights, ids]: Tensor[]): Tensor => embedding(weights as Tensor2D, ids as Tensor1D);
      return recomputed(rows, [table, tensor([2, 0, 2], [3], 'int32')]);
    };
    assert.deepEqual(gradients(loss, [table]), [[1, 1, 0, 0, 2, 2]]);
  });

  await t.test('one inside another', () => {
    const loss = (): Tensor => recomputed(([x, y]) => mul(recomputed(product, [x, y]), x), [a, b]); // x³y
    assert.deepEqual(gradients(loss, [a, b]), [
      [60, 189],
      [8, 27],
    ]);
  });

  await t.test('a Variable that is used but not an input is refused, not lost', () => {
    assert.throws(
      () => gradients(() => recomputed(([x]) => mul(x, b), [a]), [a, b]),
      /a Variable of shape \[2\] that is not among/,
    );
  });

  await t.test('no tensor is left behind', () => {
    const { numTensors, numBytes } = memory();
    gradients(() => recomputed(product, [add(a, b), b]), [a, b]);
    assert.deepEqual([memory().numTensors, memory().numBytes], [numTensors, numBytes]);
  });
  for (const each of [a, b, table]) each.dispose();
});

describe('the body', () => {
  test('runs once in the forward pass and once in the backward pass', () => {
    const x = tidy(() => variable(tensor([2, 3])));
    let calls = 0;
    const body = ([each]: Tensor[]): Tensor => {
      calls++;
      return mul(each, each);
    };
    tidy(() => recomputed(body, [x]));
    assert.equal(calls, 1);
    gradients(() => recomputed(body, [x]), [x]);
    assert.equal(calls, 3);
    x.dispose();
  });
});
