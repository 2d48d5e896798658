// L2 norm over all elements of several tensors together: what gradient clipping compares with its limit.
import { checkTensor } from '../check.js';
import { registerOnce, runKernel } from '../op.js';
import { sqrt, square, stack, sum, type Tensor } from '../tf.js';

const kernelName = 'GlobalNorm';

/** sqrt(Σ x²) over every element of `tensors`. */
export function globalNorm(tensors: readonly Tensor[]): number {
  for (const each of tensors) checkTensor('globalNorm', 'a tensor', each, each.shape);
  const [norm] = runKernel(kernelName, [...tensors], {});
  const [value] = norm.dataSync();
  norm.dispose();
  return value;
}

/** Gives `backend` the portable body, unless it brought a kernel of its own. */
export function registerGlobalNorm(backend: string): void {
  registerOnce(kernelName, backend, (tensors) => [sqrt(sum(stack(tensors.map((x) => sum(square(x))))))]);
}
