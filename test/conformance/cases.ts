// What the conformance suite runs: for each op, shapes that break kernels (sizes of one, odd sizes, sizes just past a
// power of two, grouped queries, several documents in a row, cached keys, chunk boundaries).
import { sizeOf } from '../../src/base/host-tensor.js';
import { Random } from '../../src/base/random.js';
import { attention } from '../../src/tensor/ops/attention.js';
import { crossEntropy, crossEntropyWithFigures } from '../../src/tensor/ops/cross-entropy.js';
import { crossEntropySum, crossEntropySumWithFigures } from '../../src/tensor/ops/cross-entropy-sum.js';
import { dropout } from '../../src/tensor/ops/dropout.js';
import { embedding } from '../../src/tensor/ops/embedding.js';
import { linear } from '../../src/tensor/ops/linear.js';
import { rmsNorm } from '../../src/tensor/ops/rms-norm.js';
import { type Rotation, rotary } from '../../src/tensor/ops/rotary.js';
import { sort } from '../../src/tensor/ops/sort.js';
import { swiglu } from '../../src/tensor/ops/swiglu.js';
import {
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  tidy,
} from '../../src/tensor/tf.js';
import * as reference from './reference.js';

export interface Input {
  shape: number[];
  dtype: 'float32' | 'int32';
  /** Each exactly representable in the dtype, so that the op and the reference see the same numbers. */
  values: Float64Array;
}

export interface Case {
  op: string;
  name: string;
  /** Those of dtype float32 are differentiated. */
  inputs: Input[];
  run(inputs: Tensor[]): Tensor;
  reference(inputs: Float64Array[]): Float64Array;
  /** Slopes taken per input (all elements where there are no more); a large case takes few. */
  slopes: number;
  /** Largest error, as a share of the largest value of the tensor (or of 1 where that is smaller). */
  tolerance: number;
}

/** fp32 with sums of at most a few hundred terms. */
export const fp32 = 1e-5;
const random = Random.stream(20, 'conformance');

function normal(shape: number[], scale = 1, shift = 0): Input {
  const size = sizeOf(shape);
  const values = Float64Array.from({ length: size }, () => Math.fround(shift + scale * random.normal()));
  return { shape, dtype: 'float32', values };
}

function integers(shape: number[], values: ArrayLike<number>): Input {
  return { shape, dtype: 'int32', values: Float64Array.from(values) };
}

function ids(count: number, below: number): Input {
  const drawn = Array.from({ length: count }, () => random.integer(0, below));
  if (count > 1) [drawn[0], drawn[count - 1]] = [0, below - 1]; // both ends of the table
  return integers([count], drawn);
}

const defaults = { slopes: 48, tolerance: fp32 };

function embeddingCase(vocabulary: number, d: number, n: number): Case {
  return {
    ...defaults,
    op: 'embedding',
    name: `table [${vocabulary}, ${d}], ${n} ids`,
    inputs: [normal([vocabulary, d]), ids(n, vocabulary)],
    run: ([table, which]) => embedding(table as Tensor2D, which as Tensor1D),
    reference: ([table, which]) => reference.embedding(table, which, d),
  };
}

function linearCase(n: number, i: number, o: number, extras: 'none' | 'bias' | 'residual' | 'both'): Case {
  const bias = extras === 'bias' || extras === 'both';
  const residual = extras === 'residual' || extras === 'both';
  return {
    ...defaults,
    op: 'linear',
    name: `[${n}, ${i}] · [${o}, ${i}]ᵀ, extras: ${extras}`,
    inputs: [normal([n, i]), normal([o, i]), ...(bias ? [normal([o])] : []), ...(residual ? [normal([n, o])] : [])],
    run: ([x, weight, ...rest]) =>
      linear(x as Tensor2D, weight as Tensor2D, {
        bias: bias ? (rest[0] as Tensor1D) : undefined,
        residual: residual ? (rest.at(-1) as Tensor2D) : undefined,
      }),
    reference: ([x, weight, ...rest]) =>
      reference.linear(x, weight, [n, i, o], bias ? rest[0] : undefined, residual ? rest.at(-1) : undefined),
  };
}

function rmsNormCase(n: number, d: number, epsilon: number, scale: number): Case {
  return {
    ...defaults,
    op: 'rmsNorm',
    name: `[${n}, ${d}], epsilon ${epsilon}, values near ${scale}`,
    inputs: [normal([n, d], scale), normal([d], 0.5, 1)],
    run: ([x, weight]) => rmsNorm(x as Tensor2D, weight as Tensor1D, epsilon),
    reference: ([x, weight]) => reference.rmsNorm(x, weight, epsilon),
  };
}

/** The usual frequencies, θ^(−2i/D). */
function powers(theta: number, d: number): Rotation {
  return { frequencies: Array.from({ length: d / 2 }, (_, i) => theta ** ((-2 * i) / d)), scale: 1 };
}

function rotaryCase(positions: number[], h: number, d: number, rotation: Rotation, tolerance = fp32): Case {
  const n = positions.length;
  const { frequencies, scale } = rotation;
  return {
    ...defaults,
    tolerance,
    op: 'rotary',
    name: `[${n}, ${h}, ${d}], frequencies down to ${Math.min(...frequencies).toPrecision(2)}, times ${scale}, positions to ${Math.max(...positions)}`,
    inputs: [normal([n, h, d]), integers([n], positions)],
    run: ([x, where]) => rotary(x as Tensor3D, where as Tensor1D, rotation),
    reference: ([x, where]) => reference.rotary(x, where, [h, d], rotation),
  };
}

/** Causal inside each document; `documents` are their lengths in every row. */
function documentRanges(rows: number, documents: number[]): number[] {
  const starts = documents.map((_, index) => documents.slice(0, index).reduce((a, b) => a + b, 0));
  const row = documents.flatMap((length, index) =>
    Array.from({ length }, (_, at) => [starts[index], starts[index] + at]).flat(),
  );
  return Array.from({ length: rows }, () => row).flat();
}

function attentionCase(name: string, shape: reference.AttentionShape, ranges: number[], scale = 1): Case {
  const { batch, t, s, heads, groups, d } = shape;
  return {
    ...defaults,
    op: 'attention',
    name: `${name}: b ${batch}, t ${t}, s ${s}, heads ${heads}/${groups}, d ${d}`,
    inputs: [
      normal([batch, t, heads, d], scale),
      normal([batch, s, groups, d], scale),
      normal([batch, s, groups, d]),
      integers([batch, t, 2], ranges),
    ],
    run: ([q, k, v, where]) => attention(q as Tensor4D, k as Tensor4D, v as Tensor4D, where as Tensor3D),
    reference: ([q, k, v, where]) => reference.attention(q, k, v, where, shape),
    tolerance: scale > 1 ? 1e-4 : fp32, // a steep softmax magnifies the rounding of its scores
  };
}

/** The same case, its first input in another shape. */
function inFourAxes(one: Case, shape: number[]): Case {
  const [x, ...rest] = one.inputs;
  return { ...one, name: `${one.name}, as [${shape.join(', ')}]`, inputs: [{ ...x, shape }, ...rest] };
}

function dropoutCase(shape: number[], rate: number, key: readonly [number, number]): Case {
  return {
    ...defaults,
    op: 'dropout',
    name: `[${shape}], a share of ${rate}`,
    inputs: [normal(shape)],
    run: ([x]) => dropout(x, rate, key),
    reference: ([x]) => reference.dropout(x, rate, key),
  };
}

function swigluCase(n: number, f: number, scale: number): Case {
  return {
    ...defaults,
    op: 'swiglu',
    name: `[${n}, ${f}], values near ${scale}`,
    inputs: [normal([n, f], scale), normal([n, f])],
    run: ([gate, up]) => swiglu(gate as Tensor2D, up as Tensor2D),
    reference: ([gate, up]) => reference.swiglu(gate, up),
  };
}

function crossEntropyCase(n: number, d: number, vocabulary: number, scale: number, slopes = defaults.slopes): Case {
  return {
    ...defaults,
    slopes,
    op: 'crossEntropy',
    name: `[${n}, ${d}], vocabulary ${vocabulary}, values near ${scale}`,
    inputs: [normal([n, d], scale), normal([vocabulary, d], scale), ids(n, vocabulary)],
    run: ([hidden, weight, targets]) => crossEntropy(hidden as Tensor2D, weight as Tensor2D, targets as Tensor1D),
    reference: ([hidden, weight, targets]) => reference.crossEntropy(hidden, weight, targets, d),
  };
}

const tokenWeights = (n: number) =>
  Float32Array.from({ length: n }, (_, at) => (at % 3 === 1 ? 0 : Math.fround(0.5 + ((at * 7) % 11) / 11)));

/** The weighted sum whose gradients come with it. */
function crossEntropySumCase(n: number, d: number, vocabulary: number, scale: number): Case {
  const weights = tokenWeights(n);
  return {
    ...defaults,
    op: 'crossEntropySum',
    name: `[${n}, ${d}], vocabulary ${vocabulary}, values near ${scale}`,
    inputs: [normal([n, d], scale), normal([vocabulary, d], scale), ids(n, vocabulary)],
    run: ([hidden, weight, targets]) =>
      tidy(() => crossEntropySum(hidden as Tensor2D, weight as Tensor2D, targets as Tensor1D, tensor1d(weights))),
    reference: ([hidden, weight, targets]) =>
      Float64Array.of(
        reference.crossEntropy(hidden, weight, targets, d).reduce((sum, x, at) => sum + x * weights[at], 0),
      ),
  };
}

/** The sum of the op that gives figures beside it. */
function sumWithFiguresCase(n: number, d: number, vocabulary: number, scale: number): Case {
  const sum = crossEntropySumCase(n, d, vocabulary, scale);
  const weights = tokenWeights(n);
  const run: Case['run'] = ([hidden, weight, targets]) =>
    tidy(() => {
      const [h, w, ids] = [hidden as Tensor2D, weight as Tensor2D, targets as Tensor1D];
      return crossEntropySumWithFigures(h, w, ids, tensor1d(weights)).total;
    });
  return { ...sum, op: 'crossEntropySumWithFigures', run };
}

/** The loss of the op that gives figures beside it. */
function withFiguresCase(n: number, d: number, vocabulary: number, scale: number): Case {
  const run: Case['run'] = ([hidden, weight, targets]) => {
    const both = crossEntropyWithFigures(hidden as Tensor2D, weight as Tensor2D, targets as Tensor1D);
    both.figures.dispose();
    return both.losses;
  };
  return { ...crossEntropyCase(n, d, vocabulary, scale), op: 'crossEntropyWithFigures', run };
}

function sortCase(n: number): Case {
  return {
    ...defaults,
    op: 'sort',
    name: `[${n}]`,
    inputs: [normal([n], 100)],
    run: ([x]) => sort(x as Tensor1D),
    reference: ([x]) => x.slice().sort(),
  };
}

const square = { batch: 1, heads: 1, groups: 1 };

const smallCases: readonly Case[] = [
  embeddingCase(1, 1, 1),
  embeddingCase(7, 5, 33), // every id repeats: its gradient is a sum
  embeddingCase(130, 17, 3),
  linearCase(1, 1, 1, 'both'),
  linearCase(5, 3, 7, 'none'),
  linearCase(5, 3, 7, 'bias'),
  linearCase(5, 3, 7, 'residual'),
  linearCase(1, 65, 33, 'both'),
  linearCase(67, 33, 129, 'both'),
  linearCase(3, 2, 2100, 'none'), // more rows of the matrix's gradient than are packed at a time
  rmsNormCase(1, 1, 1e-6, 1),
  rmsNormCase(5, 7, 1e-2, 1),
  rmsNormCase(3, 65, 1e-6, 100),
  rmsNormCase(4, 9, 1e-5, 1e-3), // epsilon outweighs the mean square
  rotaryCase([0], 1, 2, powers(10000, 2)),
  rotaryCase([0, 1, 2, 0, 1, 31], 3, 6, powers(500, 6)),
  rotaryCase([1023, 7, 512], 2, 34, powers(10000, 34), 2e-4), // an fp32 angle near 1,000 is exact to 6e-5
  rotaryCase([3, 0, 9], 2, 6, { frequencies: [0.25, 2, 0], scale: 1.25 }),
  // The same frequencies at another scale, and others at the same: a table kept for one must not serve the other.
  rotaryCase([3, 0, 9], 2, 6, { frequencies: [0.25, 2, 0], scale: 0.5 }),
  rotaryCase([3, 0, 9], 2, 6, { frequencies: [0.25, 2, 1], scale: 0.5 }),
  attentionCase('one key', { ...square, t: 1, s: 1, d: 1 }, [0, 0]),
  attentionCase('causal', { ...square, t: 5, s: 5, d: 3 }, documentRanges(1, [5])),
  attentionCase('grouped', { batch: 2, t: 6, s: 6, heads: 6, groups: 2, d: 4 }, documentRanges(2, [6])),
  attentionCase('one group', { batch: 1, t: 4, s: 4, heads: 3, groups: 1, d: 2 }, documentRanges(1, [4])),
  attentionCase('documents', { batch: 2, t: 9, s: 9, heads: 4, groups: 4, d: 3 }, documentRanges(2, [1, 5, 3])),
  attentionCase(
    'rows differ',
    { batch: 2, t: 3, s: 3, heads: 2, groups: 1, d: 5 },
    [0, 0, 0, 1, 0, 2, 0, 0, 1, 1, 1, 2],
  ),
  attentionCase('cached, padded', { batch: 2, t: 1, s: 7, heads: 4, groups: 2, d: 4 }, [0, 6, 3, 6]),
  attentionCase('cached, two new', { batch: 1, t: 2, s: 6, heads: 2, groups: 2, d: 4 }, [1, 4, 1, 5]),
  attentionCase('steep', { batch: 1, t: 6, s: 6, heads: 2, groups: 1, d: 4 }, documentRanges(1, [6]), 6),
  attentionCase('long', { batch: 1, t: 67, s: 67, heads: 2, groups: 1, d: 17 }, documentRanges(1, [33, 34])),
  swigluCase(1, 1, 1),
  swigluCase(5, 7, 1),
  swigluCase(3, 131, 20),
  dropoutCase([1], 0.5, [1, 2]),
  dropoutCase([5, 7], 0.25, [0xffffffff, 0]),
  dropoutCase([3, 131], 0.9, [7, 0x80000001]),
  crossEntropyCase(1, 1, 2, 1),
  crossEntropyCase(7, 5, 11, 1),
  crossEntropyCase(9, 33, 65, 2),
  crossEntropyCase(4, 3, 5, 12), // logits in the hundreds
  withFiguresCase(7, 5, 11, 1),
  withFiguresCase(9, 33, 650, 0.5), // more than one block of the vocabulary
  sortCase(1),
  sortCase(17),
  crossEntropySumCase(1, 1, 2, 1),
  crossEntropySumCase(7, 5, 11, 1),
  crossEntropySumCase(31, 17, 357, 1), // more than one block of the vocabulary
  crossEntropySumCase(19, 361, 40, 0.2), // more than one part of the depth
  crossEntropySumCase(463, 9, 45, 1), // more rows than are held at a time
  sumWithFiguresCase(7, 5, 11, 1),
  sumWithFiguresCase(31, 17, 720, 1),
  crossEntropyCase(65, 1, 65536, 1, 4), // 4,259,840 logits: more than are held at a time
];

/**
 * Past the sizes at which native kernels change their way: 4 and 64 rows of `linear`, 4 queries of `attention`, tiles of
 * 6, 12 or 14 rows and 8, 16 or 32 columns, rows of up to 8 vectors, a depth or a block of keys or vocabulary of 320,
 * 96 queries, 1,024 columns, and enough elements for a second thread.
 */
const largeCases: readonly Case[] = [
  embeddingCase(40, 300, 90),
  ...[2, 3, 4, 5, 63, 64, 65].map((rows) => linearCase(rows, 9, 37, 'both')),
  ...[8, 12, 14, 15, 16, 32].map((edge) => linearCase(70 + edge, edge, edge + 1, 'residual')),
  ...[6, 8, 12, 14, 16, 32].map((edge) => linearCase(6, edge, edge, 'bias')),
  linearCase(4, 700, 6, 'both'),
  linearCase(7, 700, 34, 'both'),
  linearCase(71, 650, 33, 'both'),
  linearCase(650, 5, 6, 'bias'),
  linearCase(5, 3, 1100, 'both'),
  linearCase(66, 5, 1100, 'both'),
  linearCase(66, 1100, 5, 'none'),
  ...[4, 8, 16].flatMap((lanes) =>
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((vectors) => rmsNormCase(3, vectors * lanes, 1e-6, 1)),
  ),
  rmsNormCase(600, 32, 1e-6, 1),
  rmsNormCase(130, 129, 1e-6, 1),
  rotaryCase([...Array(41).keys()], 4, 128, powers(10000, 128)),
  rotaryCase([0, 5, 11], 2, 512, { ...powers(10000, 512), scale: 1.5 }),
  inFourAxes(rmsNormCase(12, 16, 1e-6, 1), [2, 3, 2, 16]), // as the heads of attention lie
  inFourAxes(rotaryCase([0, 1, 2, 3, 0, 1], 2, 8, powers(10000, 8)), [2, 3, 2, 8]),
  ...[1, 2, 4, 5].map((t) => {
    const ranges = Array.from({ length: t }, (_, at) => [at, 345 + at]).flat();
    return attentionCase('many keys', { batch: 1, t, s: 350, heads: 4, groups: 2, d: 18 }, ranges);
  }),
  attentionCase(
    'long documents',
    { batch: 1, t: 345, s: 345, heads: 2, groups: 1, d: 5 },
    documentRanges(1, [7, 326, 12]),
  ),
  attentionCase('wide heads', { batch: 1, t: 17, s: 17, heads: 2, groups: 2, d: 330 }, documentRanges(1, [17])),
  attentionCase('three groups', { batch: 1, t: 40, s: 40, heads: 6, groups: 3, d: 4 }, documentRanges(1, [17, 23])),
  dropoutCase([131, 257], 0.5, [3, 4]),
  swigluCase(131, 131, 3),
  crossEntropyCase(5, 330, 700, 0.2),
  crossEntropyCase(500, 1, 330, 1),
];

// Their reference takes a while: few slopes are enough to tell one way from the other.
export const cases: readonly Case[] = [...smallCases, ...largeCases.map((one) => ({ ...one, slopes: 6 }))];
