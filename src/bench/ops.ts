// Each fused op on a training batch of a model, as a share of its roofline. Traffic counts every input read once and every
// output written once. Data that a cache still holds from the call before comes faster than memory delivers: a
// memory-bound op may then pass 100 %.
import { decoderTable } from '../architecture/parameters.js';
import { rotationOf } from '../architecture/rope.js';
import { Random } from '../base/random.js';
import type { Precision } from '../config/compute.js';
import type { Attributes, Op } from '../tensor/op.js';
import { adamw } from '../tensor/ops/adamw.js';
import { attentionOp } from '../tensor/ops/attention.js';
import { type CacheTensors, cachedAttention } from '../tensor/ops/cached-attention.js';
import { crossEntropyOp } from '../tensor/ops/cross-entropy.js';
import { crossEntropySumOp } from '../tensor/ops/cross-entropy-sum.js';
import { dropoutOp } from '../tensor/ops/dropout.js';
import { embeddingOp } from '../tensor/ops/embedding.js';
import { globalNorm } from '../tensor/ops/global-norm.js';
import { linear, linearOp } from '../tensor/ops/linear.js';
import { canPack, linearPacked, packMatrix } from '../tensor/ops/linear-packed.js';
import { muon } from '../tensor/ops/muon.js';
import { rmsNormOp } from '../tensor/ops/rms-norm.js';
import { rotaryOp } from '../tensor/ops/rotary.js';
import { sort } from '../tensor/ops/sort.js';
import { swigluOp } from '../tensor/ops/swiglu.js';
import {
  dispose,
  keep,
  square,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor3d,
  tidy,
  variable,
} from '../tensor/tf.js';
import { causalRanges, randomIds, randomTensor, rowPositions } from './inputs.js';
import { type MeasureOptions, secondsPerCall } from './measure.js';
import { opCalls } from './op-calls.js';
import { type Limits, type RooflineShare, rooflineShare } from './roofline.js';
import type { Shape } from './shapes.js';

export interface OpResult extends RooflineShare {
  op: string;
  pass: 'forward' | 'backward' | 'step';
  shape: string;
  precision: Precision;
  milliseconds: number;
  gflops: number;
  /** Compulsory traffic per second. */
  gigabytesPerSecond: number;
}

/** One kernel call: its arithmetic, and its compulsory traffic in numbers of 4 bytes. */
interface Call {
  pass: OpResult['pass'];
  flops: number;
  numbers: number;
  run(): Tensor;
}

interface Case {
  op: string;
  /** Makes the inputs; they live in the caller's `tidy`, variables until `release`. */
  prepare(): { calls: Call[]; release?(): void };
}

/** Every fused op on a training batch of `shape`, on the current backend. */
export function* measureOps(
  shape: Shape,
  context: { precision: Precision; limits: Limits },
  options: MeasureOptions = {},
): Generator<OpResult> {
  for (const { op, prepare } of casesOf(shape)) {
    const timed: { call: Call; seconds: number }[] = [];
    tidy(() => {
      const { calls, release } = prepare();
      for (const call of calls) timed.push({ call, seconds: secondsPerCall(call.run, options).median });
      release?.();
    });
    for (const { call, seconds } of timed) {
      const { pass, flops, numbers } = call;
      const bytes = 4 * numbers;
      yield {
        op,
        pass,
        shape: shape.name,
        precision: context.precision,
        milliseconds: seconds * 1000,
        gflops: (flops * 1e-9) / seconds,
        gigabytesPerSecond: (bytes * 1e-9) / seconds,
        ...rooflineShare({ operations: flops, bytes }, seconds, context.limits),
      };
    }
  }
}

// Costs are those of the op as it is defined: the backward passes of attention and cross-entropy compute the scores
// and logits again, because the forward pass does not keep them. Exponentials count as one operation.
function casesOf(shape: Shape): Case[] {
  const { rows, columns, config } = shape;
  const { hidden_size: d, intermediate_size: f, vocab_size: vocab, rms_norm_eps: epsilon } = config;
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim: head } = config;
  const n = rows * columns;
  const pairs = (rows * heads * columns * (columns + 1)) / 2;
  const queries = n * heads * head;
  const keys = n * groups * head;
  const ids = (limit: number): Tensor => tensor1d(randomIds(n, limit, Random.stream(2, 'ids')), 'int32');
  const positions = (): Tensor => tensor1d(rowPositions(rows, columns), 'int32');
  const ranges = (): Tensor => tensor3d(causalRanges(rows, columns), [rows, columns, 2], 'int32');
  const random = (...size: number[]): Tensor => randomTensor(size);
  return [
    fused(
      embeddingOp,
      () => [random(vocab, d), ids(vocab)],
      { halves: false },
      [0, 2 * n * d],
      [n * d, (n + vocab) * d],
    ),
    fused(rmsNormOp, () => [random(n, d), random(d)], { epsilon }, [4 * n * d, 2 * n * d], [9 * n * d, 3 * n * d]),
    fused(
      rotaryOp,
      () => [random(n, heads, head), positions()],
      rotationOf(config),
      [3 * queries, 2 * queries],
      [3 * queries, 2 * queries],
    ),
    fused(
      attentionOp,
      () => [
        random(rows, columns, heads, head),
        random(rows, columns, groups, head),
        random(rows, columns, groups, head),
        ranges(),
      ],
      {},
      [4 * pairs * head, 2 * queries + 2 * keys],
      [10 * pairs * head, 4 * queries + 4 * keys],
    ),
    // A hash of a place is some ten operations on whole numbers: they are not counted.
    fused(
      dropoutOp,
      () => [random(n, d)],
      { threshold: 2 ** 29, factor: 8 / 7, key: [1, 2] },
      [n * d, 2 * n * d],
      [n * d, 2 * n * d],
    ),
    fused(swigluOp, () => [random(n, f), random(n, f)], {}, [5 * n * f, 3 * n * f], [10 * n * f, 5 * n * f]),
    fused(
      linearOp,
      () => [random(n, f), random(d, f), random(n, d)],
      { bias: false, residual: true, halves: false },
      [2 * n * f * d, n * f + d * f + 2 * n * d],
      [4 * n * f * d, 2 * n * f + 2 * d * f + n * d],
    ),
    fused(
      crossEntropyOp,
      () => [random(n, d), randomTensor([vocab, d], 0.1), ids(vocab)],
      { halves: false },
      [2 * n * vocab * d, (n + vocab) * d],
      [6 * n * vocab * d, 2 * (n + vocab) * d],
    ),
    // Forward gives the gradients too; backward only scales them.
    fused(
      crossEntropySumOp,
      () => [random(n, d), randomTensor([vocab, d], 0.1), ids(vocab), random(n)],
      { halves: false },
      [6 * n * vocab * d, 2 * (n + vocab) * d],
      [(n + vocab) * d, 2 * (n + vocab) * d],
    ),
    adamwCase(shape),
    muonCase(shape),
    globalNormCase(shape),
    sortCase(),
    linearPackedCase(shape),
    cachedAttentionCase(shape),
  ];
}

function fused<A extends Attributes>(
  op: Op<A>,
  inputs: () => Tensor[],
  attributes: A,
  forward: [flops: number, numbers: number],
  backward: [flops: number, numbers: number],
): Case {
  return {
    op: op.name,
    prepare: () => {
      const calls = opCalls(op, inputs(), attributes);
      return {
        calls: [
          { pass: 'forward', flops: forward[0], numbers: forward[1], run: calls.forward },
          { pass: 'backward', flops: backward[0], numbers: backward[1], run: calls.backward },
        ],
      };
    },
  };
}

/** One call over all parameters of the model: reads p, g, m, v; writes p, m, v. */
function adamwCase({ config, parameters: count }: Shape): Case {
  const settings = { learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, step: 10, gradientScale: 0.5 };
  return {
    op: 'AdamW',
    prepare: () => {
      const parameters = decoderTable(config).map(({ shape: size }) => ({
        variable: variable(randomTensor(size)),
        gradient: randomTensor(size),
        m: variable(randomTensor(size)),
        v: variable(square(randomTensor(size))),
        weightDecay: 0.1,
      }));
      const run = (): Tensor => {
        adamw(parameters, settings);
        return parameters[0].variable;
      };
      const release = () => dispose(parameters.flatMap(({ variable: p, m, v }) => [p, m, v]));
      return { calls: [{ pass: 'step', flops: 12 * count, numbers: 7 * count, run }], release };
    },
  };
}

/** One call over the matrices that Muon steps: of two ways to apply its three polynomials, the one of fewer products. */
function muonCase({ config }: Shape): Case {
  const matrices = decoderTable(config).filter(({ update }) => update === 'muon');
  const costs = matrices.map(({ shape: [out, input] }) => {
    const [short, long] = [Math.min(out, input), Math.max(out, input)];
    return { flops: 2 * short ** 2 * Math.min(6 * long + 3 * short, 2 * long + 9 * short), numbers: 5 * out * input };
  });
  return {
    op: 'Muon',
    prepare: () => {
      const parameters = matrices.map(({ shape: size }) => ({
        variable: variable(randomTensor(size)),
        gradient: randomTensor(size),
        m: variable(randomTensor(size)),
        weightDecay: 0.1,
      }));
      const run = (): Tensor => {
        muon(parameters, { learningRate: 1e-3, gradientScale: 0.5 });
        return parameters[0].variable;
      };
      const release = () => dispose(parameters.flatMap(({ variable: p, m }) => [p, m]));
      const sum = (name: 'flops' | 'numbers'): number => costs.reduce((total, cost) => total + cost[name], 0);
      return { calls: [{ pass: 'step', flops: sum('flops'), numbers: sum('numbers'), run }], release };
    },
  };
}

/** Over the gradients of all parameters of the model. */
function globalNormCase({ config, parameters: count }: Shape): Case {
  return {
    op: 'GlobalNorm',
    prepare: () => {
      const gradients = decoderTable(config).map(({ shape: size }) => randomTensor(size));
      const run = (): Tensor => globalNorm(gradients);
      return { calls: [{ pass: 'step', flops: 2 * count, numbers: count, run }] };
    },
  };
}

/** The margins of a batch of pairs, as losses of optimal transport order them. */
function sortCase(): Case {
  const count = 1024;
  return {
    op: 'Sort',
    prepare: () => {
      const margins = randomTensor([count]) as Tensor1D;
      const run = (): Tensor => sort(margins);
      return { calls: [{ pass: 'forward', flops: count * Math.log2(count), numbers: 2 * count, run }] };
    },
  };
}

/** The up projection of one decoded token of 32 sequences. */
function linearPackedCase({ config: { hidden_size: d, intermediate_size: f } }: Shape): Case {
  const batch = 32;
  return {
    op: 'LinearPacked',
    prepare: () => {
      const [x, weight] = [randomTensor([batch, d]) as Tensor2D, randomTensor([f, d]) as Tensor2D];
      const packed = canPack() ? packMatrix(weight) : undefined;
      const run = (): Tensor => (packed === undefined ? linear(x, weight) : linearPacked(x, [{ matrix: packed }])[0]);
      const numbers = batch * (d + f) + d * f;
      return { calls: [{ pass: 'forward', flops: 2 * batch * d * f, numbers, run }] };
    },
  };
}

/** One decoded token of 32 sequences, each with a full context in the cache that they share. */
function cachedAttentionCase({ config, columns }: Shape): Case {
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim: head } = config;
  const batch = 32;
  return {
    op: 'CachedAttention',
    prepare: () => {
      const states = (count: number): Tensor3D => randomTensor([batch, count, head]) as Tensor3D;
      const fresh = [states(heads), states(groups), states(groups)] as const;
      const room = (): Tensor4D => keep(randomTensor([1, batch * columns, groups, head]) as Tensor4D);
      let cache: CacheTensors = { keys: room(), values: room() };
      const starts = Array.from({ length: batch }, (_, row) => row * columns);
      const lasts = starts.map((start) => start + columns - 1);
      const at = {
        ranges: tensor2d(
          starts.flatMap((start, row) => [start, lasts[row]]),
          [batch, 2],
          'int32',
        ),
        columns: tensor1d(lasts, 'int32'),
      };
      const run = (): Tensor => {
        const [out, held] = cachedAttention(fresh, at, cache);
        cache = { keys: keep(held.keys), values: keep(held.values) };
        return out;
      };
      const pairs = batch * columns;
      const numbers = 2 * pairs * groups * head + 2 * batch * (heads + groups) * head;
      const release = (): void => dispose([cache.keys, cache.values]);
      return { calls: [{ pass: 'forward', flops: 4 * pairs * heads * head, numbers, run }], release };
    },
  };
}
