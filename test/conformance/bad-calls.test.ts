// A wrong call of an op is a JavaScript TypeError that says which op, which argument, what came and what was meant:
// never a crash inside a kernel, never a silently wrong number, and nothing stays allocated. Wrong contents (an id that
// is not in the table) are an Error too.
import assert from 'node:assert/strict';
import { nativeBackend } from '../../src/tensor/native/index.js';
import { type AdamwSettings, adamw } from '../../src/tensor/ops/adamw.js';
import { attention } from '../../src/tensor/ops/attention.js';
import { cachedAttention, copyColumns } from '../../src/tensor/ops/cached-attention.js';
import { crossEntropy } from '../../src/tensor/ops/cross-entropy.js';
import { embedding } from '../../src/tensor/ops/embedding.js';
import { globalNorm } from '../../src/tensor/ops/global-norm.js';
import { linear } from '../../src/tensor/ops/linear.js';
import { rmsNorm } from '../../src/tensor/ops/rms-norm.js';
import { rotary } from '../../src/tensor/ops/rotary.js';
import { swiglu } from '../../src/tensor/ops/swiglu.js';
import {
  add,
  cast,
  concat,
  engine,
  memory,
  slice,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tidy,
  tile,
  transpose,
  type Variable,
  variable,
  zeros,
} from '../../src/tensor/tf.js';
import { onEachBackend } from './backends.js';

// Any shape passes as the one the signature asks for: the mistakes below are those that types cannot see.
const floats = <T extends Tensor>(...shape: number[]): T => zeros(shape, 'float32') as T;
const ints = <T extends Tensor>(...shape: number[]): T => zeros(shape, 'int32') as T;
const disposed = <T extends Tensor>(...shape: number[]): T => {
  const result = floats<T>(...shape);
  result.dispose();
  return result;
};

const idsOf = <T extends Tensor>(ids: number[], shape = [ids.length]): T => tensor(ids, shape, 'int32') as T;

const settings: AdamwSettings = {
  learningRate: 1,
  beta1: 0.9,
  beta2: 0.9,
  epsilon: 1e-8,
  step: 1,
  gradientScale: 1,
};

/** A step on two parameters of which the second has this gradient and first moment. The first must stay as it is. */
function attendOver(wrong: Record<string, Tensor>): void {
  const fresh = { q: floats<Tensor3D>(2, 4, 3), k: floats<Tensor3D>(2, 2, 3), v: floats<Tensor3D>(2, 2, 3) };
  const cache = { keys: floats<Tensor4D>(1, 64, 2, 3), values: floats<Tensor4D>(1, 64, 2, 3) };
  const { q, k, v, ranges, columns, keys, values } = {
    ...{ ...fresh, ...cache, ranges: ints<Tensor2D>(2, 2), columns: ints<Tensor1D>(2) },
    ...wrong,
  };
  cachedAttention([q, k, v], { ranges, columns }, { keys, values });
}

function adamwWith(gradient: Tensor, m: Tensor = floats(2)): void {
  const [first, second] = [floats(3), floats(2)].map((initial) => variable(initial));
  const moments = () => ({ m: m as Variable, v: floats<Tensor>(2) as Variable, weightDecay: 0 });
  const good = { m: floats<Tensor>(3) as Variable, v: floats<Tensor>(3) as Variable, weightDecay: 0 };
  try {
    adamw(
      [
        { variable: first, gradient: tensor([1, 1, 1]), ...good },
        { variable: second, gradient, ...moments() },
      ],
      settings,
    );
  } finally {
    assert.deepEqual([...first.dataSync()], [0, 0, 0]);
    first.dispose();
    second.dispose();
  }
}

const turning = (...frequencies: number[]) => ({ frequencies, scale: 1 });

const badCalls: readonly [call: () => unknown, message: string][] = [
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
  [() => rmsNorm(floats(2, 3), floats(2), 1e-6), 'rmsNorm: weight must be float32 [d], got float32 [2] (with d = 3)'],
  [
    () => rotary(floats(2, 1, 4), ints(3), turning(1, 0.1)),
    'rotary: positions must be int32 [2], got int32 [3] (with H = 1, D = 4)',
  ],
  [() => rotary(floats(2, 1, 3), ints(2), turning(1)), 'rotary: the head dimension must be even, got 3'],
  [() => rotary(floats(2, 1, 4), ints(2), turning(1)), 'rotary: 2 frequencies are needed, got 1'],
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
  [() => crossEntropy(floats(2, 3), disposed(5, 3), ints(2)), 'crossEntropy: weight is disposed'],
  [
    () => attendOver({ k: floats(2, 2, 5) }),
    'cachedAttention: k must be float32 [N, G, D], got float32 [2, 2, 5] (with N = 2, H = 4, D = 3, G = 2)',
  ],
  [
    () =>
      attendOver({ k: floats(2, 3, 3), v: floats(2, 3, 3), keys: floats(1, 64, 3, 3), values: floats(1, 64, 3, 3) }),
    'cachedAttention: 4 heads cannot share 3 key/value heads evenly',
  ],
  [
    () => attendOver({ keys: floats(2, 64, 2, 3) }),
    'cachedAttention: keys must be float32 [1, C, G, D], got float32 [2, 64, 2, 3] (with N = 2, H = 4, D = 3, G = 2)',
  ],
  [
    () => attendOver({ keys: floats(1, 40, 2, 3), values: floats(1, 40, 2, 3) }),
    'cachedAttention: columns come in multiples of 64, got 40',
  ],
  [
    () => attendOver({ columns: ints(3) }),
    'cachedAttention: columns must be int32 [N], got int32 [3] (with N = 2, H = 4, D = 3, G = 2)',
  ],
  [() => attendOver({ values: disposed(1, 64, 2, 3) }), 'cachedAttention: values is disposed'],
  [
    () => copyColumns({ keys: floats(1, 64, 2, 3), values: floats(1, 64, 2, 3) }, { from: 0, to: [8, 60], count: 5 }),
    'copyColumns: 5 from 0 to 8,60 in a cache of 64 columns',
  ],
  [() => adamwWith(floats(3)), 'adamw: gradient must be float32 [2], got float32 [3]'],
  [() => adamwWith(ints(2)), 'adamw: gradient must be float32 [2], got int32 [2]'],
  [() => adamwWith(disposed(2)), 'adamw: gradient is disposed'],
  [() => adamwWith(floats(2), disposed(2)), 'adamw: m is disposed'],
  [() => globalNorm([floats(2), disposed(2)]), 'globalNorm: a tensor is disposed'],
  [() => globalNorm([ints(2)]), 'globalNorm: a tensor must be float32 [2], got int32 [2]'],
];

/** Shapes are right, contents are not: on every backend an Error of its own words. */
const badContents: Record<string, () => Tensor> = {
  'an id past the table': () => embedding(floats(5, 3), idsOf([0, 5])),
  'a negative id': () => embedding(floats(5, 3), idsOf([-1, 2])),
  'a target past the vocabulary': () => crossEntropy(floats(2, 3), floats(5, 3), idsOf([0, 5])),
  'a negative target': () => crossEntropy(floats(2, 3), floats(5, 3), idsOf([-1, 0])),
};

/** One row of two queries and three keys. */
const attend = (ranges: number[]): Tensor =>
  attention(floats(1, 2, 2, 4), floats(1, 3, 2, 4), floats(1, 3, 2, 4), idsOf(ranges, [1, 2, 2]));

/** The portable bodies take these as they come (ranges end at the edge; one that sees nothing sees everything). */
const badOnNative: Record<string, () => Tensor> = {
  'a range past the keys': () => attend([0, 0, 0, 3]),
  'a range from below 0': () => attend([-1, 0, 0, 2]),
  'an empty range': () => attend([1, 0, 0, 2]),
  'a negative position': () => rotary(floats(2, 1, 4), idsOf([-1, 3]), turning(1, 0.1)),
  'a frequency that is no number': () => rotary(floats(2, 1, 4), idsOf([1, 3]), turning(1, Number.NaN)),
  'an endless scale': () => rotary(floats(2, 1, 4), idsOf([1, 3]), { ...turning(1, 0.1), scale: Infinity }),
  'add of 2 and 3': () => add(floats(2), floats(3)),
  'add of 3 and 2': () => add(floats(3), floats(2)),
  'sum over an axis that is not there': () => sum(floats(2, 3), 2),
  'slice past the last row': () => slice(floats(4, 3), [2, 0], [3, 3]),
  'slice past the last column': () => slice(floats(4, 3), [0, 2], [2, 2]),
  'slice from below 0': () => slice(floats(4, 3), [-1, 0], [2, 2]),
  'concat of 3 and 2 rows': () => concat([floats<Tensor>(3, 3), floats(2, 3)], 1),
  'concat of 2 and 3 rows': () => concat([floats<Tensor>(2, 3), floats(3, 3)], 1),
  'concat along an axis that is not there': () => concat([floats<Tensor>(2, 3), floats(2, 3)], 2),
  'tile by a negative number': () => tile(floats<Tensor>(2, 3), [-1, 2]),
  'transpose of one axis twice': () => transpose(floats<Tensor>(2, 3), [0, 0]),
  'add of a disposed tensor': () => add(disposed(3), floats(3)),
  'sum of a disposed tensor': () => sum(disposed(3)),
  'slice of a disposed tensor': () => slice(disposed<Tensor>(3), [0], [2]),
  'concat with a disposed tensor': () => concat([floats<Tensor>(3), disposed(3)]),
  'cast of a disposed tensor': () => cast(disposed(2), 'int32'),
};

/** Throws as `error` says, and nothing stays allocated. */
function assertRefused(call: () => unknown, error: assert.AssertPredicate): void {
  const held = () => [memory().numTensors, nativeBackend()?.arena.figures.used];
  const before = held();
  tidy(() => assert.throws(call, error));
  assert.deepEqual(held(), before);
}

await onEachBackend('refused', async (t) => {
  for (const [call, message] of badCalls) {
    await t.test(message, () => assertRefused(call, { name: 'TypeError', message }));
  }
  for (const [what, call] of Object.entries(badContents)) {
    await t.test(what, () => assertRefused(call, /(index value|an id|a target) .*not in/));
  }
  if (engine().backendName !== 'native') return;
  for (const [what, call] of Object.entries(badOnNative)) await t.test(what, () => assertRefused(call, Error));
});
