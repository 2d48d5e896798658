// Embedding look-up: row ids[n] of a table. Its gradient adds rows up (scatter-add), so repeated ids sum.
import { checkTensor } from '../check.js';
import { checkMatrix, heldIn, isHalf, type Matrix } from '../matrix.js';
import { type Op, runOp } from '../op.js';
import type { Tensor1D, Tensor2D } from '../tf.js';
import { gather, unsortedSegmentSum } from '../tf.js';

export const embeddingOp: Op<{ halves: boolean }> = {
  name: 'Embedding',
  outputs: 1,
  differentiable: () => 1,
  forward: ([table, ids]) => [gather(table, ids as Tensor1D)],
  reads: { outputs: [] },
  backward: (dy, [table, ids]) => [unsortedSegmentSum(dy, ids as Tensor1D, table.shape[0])],
};

/** table [V, d], ids int32 [N] in 0..V−1 → [N, d]. A table of bf16 has no gradient. */
export function embedding(table: Matrix, ids: Tensor1D): Tensor2D {
  checkMatrix('embedding', 'table', table, ['V', 'd']);
  checkTensor('embedding', 'ids', ids, ['N'], 'int32');
  return runOp(embeddingOp, [heldIn(table), ids], { halves: isHalf(table) }) as Tensor2D;
}
