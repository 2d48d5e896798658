// A vector in ascending order, as losses of optimal transport compare: the gradient of each place goes back to where its
// element came from. Equal elements keep their order.
import { checkTensor } from '../check.js';
import { type Op, runOp } from '../op.js';
import { cast, neg, type Tensor1D, topk, unsortedSegmentSum } from '../tf.js';

export const sortOp: Op<Record<never, never>> = {
  name: 'Sort',
  // Sorted [n], and the place that each came from [n].
  outputs: 2,
  differentiable: () => 1,
  reads: { inputs: [], outputs: [1] },
  forward: ([x]) => {
    const { values, indices } = topk(neg(x), x.shape[0], true);
    return [neg(values), cast(indices, 'float32')];
  },
  backward: (dy, _, [, places]) => [unsortedSegmentSum(dy, cast(places, 'int32') as Tensor1D, dy.shape[0])],
};

/** x [n] → its elements in ascending order [n]. */
export function sort(x: Tensor1D): Tensor1D {
  checkTensor('sort', 'x', x, ['n']);
  return runOp(sortOp, [x], {}) as Tensor1D;
}
