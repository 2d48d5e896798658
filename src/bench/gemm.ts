// The matrix product, as the models call it (`linear`: y = x · Wᵀ), as a share of this machine's multiply-add peak.
import type { Precision } from '../config/compute.js';
import { linearOp } from '../tensor/ops/linear.js';
import { tidy } from '../tensor/tf.js';
import { randomTensor } from './inputs.js';
import { type MeasureOptions, secondsPerCall } from './measure.js';
import { opCalls } from './op-calls.js';
import { type Peaks, peakFor, type Shape, shareOf } from './shapes.js';

/** x [m, k] · Wᵀ, W [n, k]. */
export interface Product {
  name: string;
  m: number;
  n: number;
  k: number;
}

export interface GemmResult extends Product {
  /** forward: y. backward: dx and dW, two products. */
  pass: 'forward' | 'backward';
  precision: Precision;
  milliseconds: number;
  gflops: number;
  /** Share of the multiply-add peak; null where it is not known. */
  ofPeak: number | null;
}

export function squareProducts(sides: readonly number[] = [256, 512, 1024, 2048]): Product[] {
  return sides.map((side) => ({ name: `square ${side}`, m: side, n: side, k: side }));
}

/** The products of one decoder layer on a training batch, and the output projection on 512 rows of it. */
export function modelProducts({ name, config, rows, columns }: Shape): Product[] {
  const { hidden_size: d, intermediate_size: f, num_attention_heads: heads, head_dim: head } = config;
  const m = rows * columns;
  return [
    { name: `${name} q_proj`, m, n: heads * head, k: d },
    { name: `${name} up_proj`, m, n: f, k: d },
    { name: `${name} down_proj`, m, n: d, k: f },
    { name: `${name} output`, m: Math.min(m, 512), n: config.vocab_size, k: d },
  ];
}

/** Forward and backward of each product on the current backend. */
export function* measureGemm(
  products: readonly Product[],
  context: { precision: Precision; peaks: Peaks },
  options: MeasureOptions = {},
): Generator<GemmResult> {
  const peak = peakFor(context.precision, context.peaks);
  for (const product of products) {
    const { m, n, k } = product;
    const [forward, backward] = tidy(() => {
      const inputs = [randomTensor([m, k]), randomTensor([n, k])];
      const calls = opCalls(linearOp, inputs, { bias: false, residual: false, halves: false });
      return [secondsPerCall(calls.forward, options).median, secondsPerCall(calls.backward, options).median];
    });
    const result = (pass: GemmResult['pass'], products: number, seconds: number): GemmResult => {
      const gflops = (2e-9 * products * m * n * k) / seconds;
      const { precision } = context;
      return { ...product, pass, precision, milliseconds: seconds * 1000, gflops, ofPeak: shareOf(gflops, peak) };
    };
    yield result('forward', 1, forward);
    yield result('backward', 2, backward);
  }
}
