// A matrix of bf16 that nobody trains gives the bits that the floats it stands for give, forward and back, however many
// rows meet it; what no gradient is asked of costs none.
import assert from 'node:assert/strict';
import { Random } from '../../src/base/random.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { type HalfMatrix, halfMatrix, type Matrix } from '../../src/tensor/matrix.js';
import { nativeBackend } from '../../src/tensor/native/index.js';
import { crossEntropy } from '../../src/tensor/ops/cross-entropy.js';
import { crossEntropySum } from '../../src/tensor/ops/cross-entropy-sum.js';
import { embedding } from '../../src/tensor/ops/embedding.js';
import { linear } from '../../src/tensor/ops/linear.js';
import {
  dispose,
  memory,
  mul,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  variable,
} from '../../src/tensor/tf.js';
import { onBackend } from './backends.js';

const random = Random.stream(31, 'halves');
const normals = (size: number): Float32Array => Float32Array.from({ length: size }, () => random.normal());

/** The same numbers as floats and as bf16. */
function both(rows: number, columns: number): [floats: Tensor2D, halves: HalfMatrix] {
  const bits = new Uint16Array(new Uint32Array(normals(rows * columns).buffer).map((word) => word >>> 16));
  const floats = new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
  return [tensor2d(floats, [rows, columns]), halfMatrix(bits, [rows, columns])];
}

/** The value of `run` and its gradient for `x`, by a frozen matrix held either way. */
function bitsOf(run: (x: Tensor2D, matrix: Matrix) => Tensor, x: Tensor2D, matrix: Matrix): ArrayLike<number>[] {
  const { value, gradients } = valueAndGradients(() => run(x, matrix), [x]);
  const bits = [value, ...gradients].map((tensor) => tensor.dataSync().slice());
  dispose([value, ...gradients]);
  return bits;
}

for (const precision of ['fp32', 'bf16'] as const) {
  await onBackend('a matrix of bf16 gives the bits of its floats', 'native', { precision }, async (t) => {
    for (const [n, d, out] of [
      [1, 2, 1],
      [3, 66, 35],
      [65, 360, 33],
      [130, 706, 70],
    ] as const) {
      await t.test(`${n} rows, [${out}, ${d}]`, () => {
        const held = memory().numTensors;
        const [floats, halves] = both(out, d);
        const x = tensor2d(normals(n * d), [n, d]);
        const slope = tensor2d(normals(n * out), [n, out]);
        const bias = tensor1d(normals(out));
        const [targets, weights] = [
          tensor1d(
            Array.from({ length: n }, (_, i) => (i * 7) % out),
            'int32',
          ),
          tensor1d(normals(n)),
        ];
        const runs: ((x: Tensor2D, matrix: Matrix) => Tensor)[] = [
          (states, matrix) => sum(mul(linear(states, matrix, { bias, residual: slope }), slope)),
          (states, matrix) => sum(mul(crossEntropy(states, matrix, targets), weights)),
          (states, matrix) => crossEntropySum(states, matrix, targets, weights),
        ];
        for (const run of runs) assert.deepEqual(bitsOf(run, x, halves), bitsOf(run, x, floats));
        const frozen = variable(floats, false);
        assert.deepEqual(bitsOf(runs[2], x, frozen), bitsOf(runs[2], x, floats), 'a frozen projection of floats');
        const rows: Tensor1D = tensor1d([out - 1, 0, out >> 1], 'int32');
        const looked = [embedding(floats, rows), embedding(halves, rows)];
        assert.deepEqual(looked[1].dataSync(), looked[0].dataSync());
        dispose([floats, halves.words, x, slope, bias, targets, weights, frozen, rows, ...looked]);
        assert.equal(memory().numTensors, held);
      });
    }
    await t.test('a weight that nobody asks about has no gradient', () => {
      const [floats] = both(40, 64);
      const x = tensor2d(normals(80 * 64), [80, 64]);
      const call = t.mock.method(nativeBackend() as NonNullable<ReturnType<typeof nativeBackend>>, 'run');
      bitsOf((states, matrix) => sum(linear(states, matrix)), x, floats);
      const [grad] = call.mock.calls.filter(({ arguments: [name] }) => name === 'LinearGrad');
      assert.deepEqual(grad.arguments[2], [[80, 64]]);
      dispose([floats, x]);
    });
    await t.test('another size is refused', () => {
      const [floats, halves] = both(4, 6);
      assert.throws(() => linear(floats, both(4, 8)[1]), /weight is of bf16 \[4, 8\], and in is 6/);
      dispose([floats, halves.words]);
    });
  });
}
