// L2 norm over all elements of several tensors together: what gradient clipping compares with its limit.
import { checkTensor } from '../check.js';
import { registerOnce, runKernel } from '../op.js';
import { type Scalar, sqrt, square, stack, sum, type Tensor } from '../tf.js';

const kernelName = 'GlobalNorm';

/** sqrt(Σ x²) over every element of `tensors`. */
export function globalNorm(tensors: readonly Tensor[]): Scalar {
  for (const each of tensors) checkTensor('globalNorm', 'a tensor', each, each.shape);
  return runKernel(kernelName, [...tensors], {})[0] as Scalar;
}

/** Gives `backend` the portable body, unless it brought a kernel of its own. */
export function registerGlobalNorm(backend: string): void {
  registerOnce(kernelName, backend, (tensors) => [sqrt(sum(stack(tensors.map((x) => sum(square(x))))))]);
}
