// bf16 products on the native engine: operands rounded to bf16, sums in fp32. So against a float64 reference of the
// rounded operands the error is that of fp32; against unrounded ones it is that of bf16 (8 bits, 2^-8 of the operands).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { openBackend } from '../../src/tensor/backends.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { nativeBackend } from '../../src/tensor/native/index.js';
import { crossEntropy } from '../../src/tensor/ops/cross-entropy.js';
import { linear } from '../../src/tensor/ops/linear.js';
import { dispose, mul, sum, type Tensor, type Tensor1D, type Tensor2D, tensor, tidy } from '../../src/tensor/tf.js';
import { fp32 } from './cases.js';
import * as reference from './reference.js';

const opened = await openBackend('native').then(
  () => undefined,
  (error: Error) => error.message,
);
const addon = nativeBackend()?.addon;
const modes = addon?.hasBf16() ? ['bf16', 'bf16-pairs'] : ['bf16'];

/** To bf16, to the nearest, ties to even. */
function rounded(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0];
}

const random = Random.stream(7, 'bf16');
const normal = (size: number) => Float64Array.from({ length: size }, () => Math.fround(random.normal()));
const upload = (values: Float64Array, shape: number[]) => tensor(Float32Array.from(values), shape);

function largestError(actual: ArrayLike<number>, wanted: Float64Array): number {
  assert.equal(actual.length, wanted.length);
  const scale = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  return wanted.reduce((most, x, i) => Math.max(most, Math.abs(actual[i] - x) / scale), 0);
}

/** [a, b] → [b, a]. */
function turned(values: Float64Array, a: number, b: number): Float64Array {
  return Float64Array.from({ length: a * b }, (_, at) => values[(at % a) * b + Math.floor(at / a)]);
}

describe('bf16 products', { skip: opened }, () => {
  before(async () => {
    await openBackend('native');
  });
  after(() => addon?.setPrecision('fp32'));

  for (const mode of modes) {
    for (const [n, i, o] of [
      [65, 1, 17],
      [70, 33, 45],
      [130, 661, 65], // several blocks of depth, odd sizes
      [9, 40, 50], // as many rows as decoding has
    ]) {
      test(`${mode}: linear [${n}, ${i}] · [${o}, ${i}]ᵀ is exact but for fp32's rounding`, () => {
        addon?.setPrecision(mode as 'bf16');
        const [x, w, dy] = [normal(n * i), normal(o * i), normal(n * o)];
        const [rx, rw, rdy] = [x, w, dy].map((values) => values.map(rounded));
        const tensors = [upload(x, [n, i]), upload(w, [o, i]), upload(dy, [n, o])];
        const [tx, tw, tdy] = tensors as Tensor2D[];
        const { value, gradients } = valueAndGradients(() => sum(mul(linear(tx, tw), tdy)), [tx, tw]);
        const y = tidy(() => linear(tx, tw).dataSync());
        const product = (a: Float64Array, b: Float64Array, shape: [number, number, number]) =>
          reference.linear(a, b, shape);
        assert.ok(largestError(y, product(rx, rw, [n, i, o])) < fp32);
        assert.ok(largestError(gradients[0].dataSync(), product(rdy, turned(rw, o, i), [n, o, i])) < fp32);
        const dw = product(turned(rdy, n, o), turned(rx, n, i), [o, n, i]);
        assert.ok(largestError(gradients[1].dataSync(), dw) < fp32);
        dispose([value, ...gradients, ...tensors]);
      });
    }

    test(`${mode}: cross-entropy is within bf16's rounding`, () => {
      addon?.setPrecision(mode as 'bf16');
      const [n, d, vocabulary] = [37, 65, 700];
      const [h, w] = [normal(n * d), normal(vocabulary * d)];
      const targets = Int32Array.from({ length: n }, () => random.integer(0, vocabulary));
      const tensors: Tensor[] = [upload(h, [n, d]), upload(w, [vocabulary, d]), tensor(targets, [n], 'int32')];
      const [th, tw, tt] = tensors as [Tensor2D, Tensor2D, Tensor1D];
      const { value, gradients } = valueAndGradients(() => sum(crossEntropy(th, tw, tt)), [th, tw]);
      const losses = tidy(() => crossEntropy(th, tw, tt).dataSync());
      const asDoubles = Float64Array.from(targets);
      const exact = reference.crossEntropy(h.map(rounded), w.map(rounded), asDoubles, d);
      assert.ok(largestError(losses, exact) < fp32, `${largestError(losses, exact)}`);
      addon?.setPrecision('fp32');
      const plain = valueAndGradients(() => sum(crossEntropy(th, tw, tt)), [th, tw]);
      plain.gradients.forEach((gradient, index) => {
        const error = largestError(gradients[index].dataSync(), Float64Array.from(gradient.dataSync()));
        assert.ok(error > 0 && error < 2e-2, `gradient ${index}: ${error}`);
      });
      dispose([value, ...gradients, plain.value, ...plain.gradients, ...tensors]);
    });
  }
});
