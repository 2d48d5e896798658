// A weight as the ops take it: a tensor, or a matrix of bf16 that nobody trains. bf16 is the upper half of a float32, so a
// kernel that widens it computes exactly what it would with the floats, from half the memory.
import { checkTensor } from './check.js';
import { engine, getKernel, type Tensor, type Tensor2D, tensor2d, Variable } from './tf.js';

/** A matrix [out, in] of bf16 as int32 [out, in / 2]: of each two numbers the first lies in the lower half. */
export interface HalfMatrix {
  shape: [out: number, input: number];
  words: Tensor2D;
}

export type Matrix = Tensor2D | HalfMatrix;

/** Whether the current backend computes with bf16 matrices. */
export function canHoldHalves(): boolean {
  return getKernel('PackLinear', engine().backendName) !== undefined;
}

/** From the bits of bf16 numbers, row-major; `input` is even. The caller disposes of `words`. */
export function halfMatrix(bits: Uint16Array, [out, input]: readonly [number, number]): HalfMatrix {
  const words = new Int32Array(bits.buffer, bits.byteOffset, bits.length / 2);
  return { shape: [out, input], words: tensor2d(words, [out, input / 2], 'int32') };
}

export const isHalf = (matrix: Matrix): matrix is HalfMatrix => 'words' in matrix;

/** The tensor that holds it. */
export const heldIn = (matrix: Matrix): Tensor2D => (isHalf(matrix) ? matrix.words : matrix);

/** Whether no gradient is ever asked of it. */
export const isFrozen = (matrix: Matrix): boolean =>
  isHalf(matrix) || (matrix instanceof Variable && !matrix.trainable);

/** Sizes of the matrix by name, as `checkTensor`. */
export function checkMatrix(
  op: string,
  name: string,
  matrix: Matrix,
  shape: [string, string],
  sizes?: Map<string, number>,
) {
  if (!isHalf(matrix)) return checkTensor(op, name, matrix, shape, 'float32', sizes);
  const [out, input] = matrix.shape;
  checkTensor(op, name, matrix.words as Tensor, [out, input / 2], 'int32');
  const known = sizes ?? new Map<string, number>();
  matrix.shape.forEach((size, axis) => {
    if ((known.get(shape[axis]) ?? size) !== size) {
      throw new TypeError(
        `${op}: ${name} is of bf16 [${out}, ${input}], and ${shape[axis]} is ${known.get(shape[axis])}`,
      );
    }
    known.set(shape[axis], size);
  });
  return known;
}
