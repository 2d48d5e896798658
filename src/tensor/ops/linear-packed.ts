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

/** One product with x, and what is added to it. */
export interface PackedProduct {
  matrix: PackedMatrix;
  bias?: Tensor1D;
  residual?: Tensor2D;
}

/** x [N, in] → x · Wᵀ (+ bias [out]) (+ residual [N, out]) for each product; matrices held alike. Without a gradient. */
export function linearPacked(x: Tensor2D, products: readonly PackedProduct[]): Tensor2D[] {
  const [{ matrix: first }] = products;
  const inputs: Tensor[] = [x];
  const parts: number[] = [];
  for (const { matrix, bias, residual } of products) {
    const [out, input] = matrix.shape;
    const sizes = checkTensor('linearPacked', 'x', x, ['N', input]);
    sizes.set('out', out);
    if (bias) checkTensor('linearPacked', 'bias', bias, ['out'], 'float32', sizes);
    if (residual) checkTensor('linearPacked', 'residual', residual, ['N', 'out'], 'float32', sizes);
    if (matrix.isQ8 !== first.isQ8) throw new TypeError('linearPacked: matrices of one call are held alike');
    inputs.push(matrix.packed, ...(bias ? [bias] : []), ...(residual ? [residual] : []));
    parts.push(out, Number(bias !== undefined), Number(residual !== undefined));
  }
  return runKernel('LinearPacked', inputs, { isQ8: first.isQ8, parts }) as Tensor2D[];
}
