// An adapter merged into the weights of its base, matrix by matrix: W + scale · B · A, with DoRA each row brought to the norm
// that was trained for it. Products are summed in float64 and rounded once.
import type { HostTensor } from '../base/host-tensor.js';
import type { AdapterPair } from './adapter-tensors.js';

/**
 * Adds what a pair adds to `weight` [out, in], in place. Its shapes must fit.
 * @param scale What B · A is multiplied by.
 */
export function mergePair(
  weight: HostTensor,
  pair: Required<Pick<AdapterPair, 'a' | 'b'>> & AdapterPair,
  scale: number,
): void {
  const [, columns] = weight.shape;
  if (pair.isEmbedding) {
    // [tokens, width] += (B · A)ᵀ: of a token, A's column and all of B.
    const [rank, tokens] = pair.a.shape;
    addProduct(weight, transposed(pair.a.data, rank, tokens), transposed(pair.b.data, columns, rank), rank, scale);
    return;
  }
  addProduct(weight, pair.b.data, pair.a.data, pair.a.shape[0], scale, pair.magnitude?.data);
}

/** weight[i] += scale · left[i] · right; where `norms` are given, the row is then scaled to norms[i]. */
function addProduct(
  { data, shape: [rows, columns] }: HostTensor,
  left: Float32Array,
  right: Float32Array,
  rank: number,
  scale: number,
  norms?: Float32Array,
): void {
  const sum = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const weight = data.subarray(row * columns, (row + 1) * columns);
    sum.fill(0);
    // Four rows of A a pass: the sum is read and written a quarter as often.
    for (let k = 0; k < rank; k += 4) {
      const at = row * rank + k;
      const [w0, w1, w2, w3] = [
        left[at],
        k + 1 < rank ? left[at + 1] : 0,
        k + 2 < rank ? left[at + 2] : 0,
        k + 3 < rank ? left[at + 3] : 0,
      ];
      const r0 = right.subarray(k * columns, (k + 1) * columns);
      const r1 = k + 1 < rank ? right.subarray((k + 1) * columns, (k + 2) * columns) : r0;
      const r2 = k + 2 < rank ? right.subarray((k + 2) * columns, (k + 3) * columns) : r0;
      const r3 = k + 3 < rank ? right.subarray((k + 3) * columns, (k + 4) * columns) : r0;
      for (let j = 0; j < columns; j++) sum[j] += w0 * r0[j] + w1 * r1[j] + w2 * r2[j] + w3 * r3[j];
    }
    let factor = 1;
    if (norms !== undefined) {
      let square = 0;
      for (let j = 0; j < columns; j++) {
        const value = weight[j] + scale * sum[j];
        square += value * value;
      }
      factor = norms[row] / Math.sqrt(square);
    }
    for (let j = 0; j < columns; j++) weight[j] = factor * (weight[j] + scale * sum[j]);
  }
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column];
  }
  return result;
}

/** Puts the rows of single tokens in the place of the embedding's. */
export function replaceRows(
  { data, shape: [, columns] }: HostTensor,
  tokens: readonly number[],
  rows: HostTensor,
): void {
  for (const [i, token] of tokens.entries()) {
    data.set(rows.data.subarray(i * columns, (i + 1) * columns), token * columns);
  }
}
