// The linear layer on a matrix that was packed once, in the order in which the native engine multiplies: decoding reads
// each weight once for every token, and packing would cost as much again. Numbers are those of `linear`, bit for bit.
// q8_0 holds blocks of 32 as GGUF does, and multiplies by the numbers that they stand for.
import { checkTensor } from '../check.js';
import { runKernel } from '../op.js';
import { engine, getKernel, type Tensor, type Tensor1D, type Tensor2D, tensor, tidy } from '../tf.js';

export interface PackedMatrix {
  /** [out, in] of the matrix. */
  shape: readonly [out: number, input: number];
  packed: Tensor1D;
  isQ8: boolean;
}

/** Whether the current backend multiplies packed matrices. */
export function canPack(): boolean {
  return getKernel('LinearPacked', engine().backendName) !== undefined;
}

/** Packs a matrix [out, in]; the result is the caller's to dispose. Only where `canPack`. */
export function packMatrix(weight: Tensor2D): PackedMatrix {
  checkTensor('packMatrix', 'weight', weight, ['out', 'in']);
  const [packed] = runKernel('PackLinear', [weight], {});
  return { shape: weight.shape, packed: packed as Tensor1D, isQ8: false };
}

/** Packs it again where it was, after its numbers have changed. */
export function repackMatrix(weight: Tensor2D, { packed }: PackedMatrix): void {
  runKernel('PackLinear', [weight, packed], {});
}

/** From the bytes of q8_0 blocks, row after row as GGUF stores them. */
export function packQ8(blocks: Uint8Array, [out, input]: readonly [number, number]): PackedMatrix {
  const bytes = new Uint8Array(Math.ceil(blocks.length / 4) * 4);
  bytes.set(blocks);
  return tidy(() => {
    const words = tensor(new Int32Array(bytes.buffer), [bytes.length / 4], 'int32');
    const [packed] = runKernel('PackLinearQ8', [words], { out, input });
    return { shape: [out, input] as const, packed: packed as Tensor1D, isQ8: true };
  });
}

/** x [N, in] → x · Wᵀ (+ bias [out]) (+ residual [N, out]), as `linear`; without a gradient. */
export function linearPacked(
  x: Tensor2D,
  { shape: [out, input], packed, isQ8 }: PackedMatrix,
  { bias, residual }: { bias?: Tensor1D; residual?: Tensor2D } = {},
): Tensor2D {
  const sizes = checkTensor('linearPacked', 'x', x, ['N', input]);
  sizes.set('out', out);
  if (bias) checkTensor('linearPacked', 'bias', bias, ['out'], 'float32', sizes);
  if (residual) checkTensor('linearPacked', 'residual', residual, ['N', 'out'], 'float32', sizes);
  const inputs: Tensor[] = [x, packed, ...(bias ? [bias] : []), ...(residual ? [residual] : [])];
  const attributes = { out, bias: bias !== undefined, residual: residual !== undefined, isQ8 };
  return runKernel('LinearPacked', inputs, attributes)[0] as Tensor2D;
}
