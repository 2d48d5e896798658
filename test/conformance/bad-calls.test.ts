// A wrong call of an op is a JavaScript TypeError that says which op, which argument, what came and what was meant:
// never a crash inside a kernel, never a silently wrong number.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBackend } from '../../src/tensor/backends.js';
import { attention } from '../../src/tensor/ops/attention.js';
import { crossEntropy } from '../../src/tensor/ops/cross-entropy.js';
import { embedding } from '../../src/tensor/ops/embedding.js';
import { linear } from '../../src/tensor/ops/linear.js';
import { rmsNorm } from '../../src/tensor/ops/rms-norm.js';
import { rotary } from '../../src/tensor/ops/rotary.js';
import { swiglu } from '../../src/tensor/ops/swiglu.js';
import { engine, memory, type Tensor, zeros } from '../../src/tensor/tf.js';

// Any shape passes as the one the signature asks for: the mistakes below are those that types cannot see.
const floats = <T extends Tensor>(...shape: number[]): T => zeros(shape, 'float32') as T;
const ints = <T extends Tensor>(...shape: number[]): T => zeros(shape, 'int32') as T;
const disposed = <T extends Tensor>(...shape: number[]): T => {
  const result = floats<T>(...shape);
  result.dispose();
  return result;
};

const badCalls: readonly [call: () => Tensor, message: string][] = [
  [() => embedding(floats(5), ints(2)), 'embedding: table must be float32 [V, d], got float32 [5]'],
  [() => embedding(floats(5, 3), floats(2)), 'embedding: ids must be int32 [N], got float32 [2]'],
  [() => embedding(floats(5, 3), ints(2, 1)), 'embedding: ids must be int32 [N], got int32 [2, 1]'],
  [() => embedding(ints(5, 3), ints(2)), 'embedding: table must be float32 [V, d], got int32 [5, 3]'],
  [
    () => linear(floats(2, 3), floats(4, 5)),
    'linear: weight must be float32 [out, in], got float32 [4, 5] (with N = 2, in = 3, out = 4)',
  ],
  [
    () => linear(floats(2, 3), floats(4, 3), { bias: floats(3) }),
    'linear: bias must be float32 [out], got float32 [3] (with N = 2, in = 3, out = 4)',
  ],
  [
    () => linear(floats(2, 3), floats(4, 3), { residual: floats(4, 2) }),
    'linear: residual must be float32 [N, out], got float32 [4, 2] (with N = 2, in = 3, out = 4)',
  ],
  [() => linear(disposed(2, 3), floats(4, 3)), 'linear: x is disposed'],
  [
    () => rmsNorm(floats(2, 3), floats(2), 1e-6),
    'rmsNorm: weight must be float32 [d], got float32 [2] (with N = 2, d = 3)',
  ],
  [
    () => rotary(floats(2, 1, 4), ints(3), 1e4),
    'rotary: positions must be int32 [N], got int32 [3] (with N = 2, H = 1, D = 4)',
  ],
  [() => rotary(floats(2, 1, 3), ints(2), 1e4), 'rotary: the head dimension must be even, got 3'],
  [
    () => attention(floats(1, 2, 4, 8), floats(1, 2, 2, 6), floats(1, 2, 2, 6), ints(1, 2, 2)),
    'attention: k must be float32 [B, S, G, D], got float32 [1, 2, 2, 6] (with B = 1, T = 2, H = 4, D = 8, S = 2, G = 2)',
  ],
  [
    () => attention(floats(1, 2, 4, 8), floats(1, 3, 2, 8), floats(1, 2, 2, 8), ints(1, 2, 2)),
    'attention: v must be float32 [B, S, G, D], got float32 [1, 2, 2, 8] (with B = 1, T = 2, H = 4, D = 8, S = 3, G = 2)',
  ],
  [
    () => attention(floats(1, 2, 4, 8), floats(1, 2, 2, 8), floats(1, 2, 2, 8), ints(2, 2, 1)),
    'attention: ranges must be int32 [B, T, 2], got int32 [2, 2, 1] (with B = 1, T = 2, H = 4, D = 8, S = 2, G = 2)',
  ],
  [
    () => attention(floats(1, 2, 4, 8), floats(1, 2, 3, 8), floats(1, 2, 3, 8), ints(1, 2, 2)),
    'attention: 4 heads cannot share 3 key/value heads evenly',
  ],
  [
    () => swiglu(floats(2, 3), floats(3, 2)),
    'swiglu: up must be float32 [N, f], got float32 [3, 2] (with N = 2, f = 3)',
  ],
  [
    () => crossEntropy(floats(2, 3), floats(5, 4), ints(2)),
    'crossEntropy: weight must be float32 [V, d], got float32 [5, 4] (with N = 2, d = 3, V = 5)',
  ],
  [
    () => crossEntropy(floats(2, 3), floats(5, 3), ints(3)),
    'crossEntropy: targets must be int32 [N], got int32 [3] (with N = 2, d = 3, V = 5)',
  ],
];

before(async () => {
  await openBackend('cpu');
  engine().startScope();
});
after(() => engine().endScope());

for (const [call, message] of badCalls) {
  test(message, () => assert.throws(call, { name: 'TypeError', message }));
}

test('a refused call leaves nothing behind', () => {
  const [x, weight] = [floats(2, 3), floats(4, 5)];
  const held = memory().numTensors;
  assert.throws(() => linear(x as never, weight as never), TypeError);
  assert.equal(memory().numTensors, held);
});
