import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sizeOf } from '../../src/base/host-tensor.js';
import { Random } from '../../src/base/random.js';
import { openBackend } from '../../src/tensor/backends.js';
import { matMul, memory, type Tensor, tensor, tensor1d, unsortedSegmentSum } from '../../src/tensor/tf.js';

const random = Random.stream(2, 'repairs');
const filled = (shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
    shape,
  );

/** Row-major product of one [m, k] and one [k, n], in float64. */
function product(a: Float32Array, b: Float32Array, m: number, k: number, n: number): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    let total = 0;
    for (let i = 0; i < k; i++) total += a[Math.floor(at / n) * k + i] * b[i * n + (at % n)];
    return total;
  });
}

describe('wasm repairs', () => {
  for (const [batch, m, k, n] of [
    [1, 3, 5, 2],
    [4, 3, 5, 2],
    [7, 1, 9, 33],
    [2, 64, 16, 17],
  ]) {
    for (const [transposeA, transposeB] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ]) {
      test(`BatchMatMul [${batch}, ${m}, ${k}] · [${batch}, ${k}, ${n}], transposed ${transposeA} ${transposeB}`, async () => {
        await openBackend('wasm');
        const a = filled(transposeA ? [batch, k, m] : [batch, m, k]);
        const b = filled(transposeB ? [batch, n, k] : [batch, k, n]);
        const flat = (x: Tensor, entry: number, rows: number, columns: number, swapped: boolean): Float32Array => {
          const values = x.dataSync().slice(entry * rows * columns, (entry + 1) * rows * columns) as Float32Array;
          if (!swapped) return values;
          return Float32Array.from(
            { length: values.length },
            (_, at) => values[(at % columns) * rows + Math.floor(at / columns)],
          );
        };
        const { numTensors, numBytes } = memory();
        const result = matMul(a, b, transposeA, transposeB);
        const values = result.dataSync();
        for (let entry = 0; entry < batch; entry++) {
          const expected = product(flat(a, entry, m, k, transposeA), flat(b, entry, k, n, transposeB), m, k, n);
          expected.forEach((value, i) => {
            assert.ok(Math.abs(values[entry * m * n + i] - value) < 1e-4);
          });
        }
        result.dispose();
        assert.equal(memory().numTensors, numTensors);
        assert.equal(memory().numBytes, numBytes);
      });
    }
  }

  test('a thousand batched products leave the wasm heap as it was', async () => {
    await openBackend('wasm');
    const [a, b] = [filled([4, 32, 16]), filled([4, 16, 32])];
    for (let i = 0; i < 1000; i++) matMul(a, b).dispose();
    // The operands are still whole: a view that freed memory of theirs would have handed it to the products.
    const first = matMul(a, b);
    const second = matMul(a, b);
    assert.deepEqual(first.dataSync(), second.dataSync());
  });

  test('UnsortedSegmentSum adds rows with the same id and drops ids out of range', async () => {
    await openBackend('wasm');
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
    const ids = tensor1d([2, 0, 2, -1], 'int32');
    const result = unsortedSegmentSum(x, ids, 3);
    assert.deepEqual([...result.dataSync()], [3, 4, 0, 0, 6, 8]);
  });
});
