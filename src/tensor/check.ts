// Shape and dtype checks of the fused ops: a wrong call is a JavaScript error that says what came and what was meant.
import type { Tensor } from './tf.js';

/** `shape` entries: a number must match, a string is a free dimension (equal names must be equal sizes). */
export function checkTensor(
  op: string,
  name: string,
  tensor: Tensor,
  shape: readonly (number | string)[],
  dtype: 'float32' | 'int32' = 'float32',
  sizes: Map<string, number> = new Map(),
): Map<string, number> {
  if (tensor.isDisposed) throw new TypeError(`${op}: ${name} is disposed`);
  const fail = (): never => {
    throw new TypeError(
      `${op}: ${name} must be ${dtype} [${shape.join(', ')}], got ${tensor.dtype} [${tensor.shape.join(', ')}]` +
        (sizes.size > 0 ? ` (with ${[...sizes].map(([key, value]) => `${key} = ${value}`).join(', ')})` : ''),
    );
  };
  if (tensor.dtype !== dtype || tensor.shape.length !== shape.length) fail();
  shape.forEach((expected, axis) => {
    const actual = tensor.shape[axis];
    const known = typeof expected === 'number' ? expected : sizes.get(expected);
    if (known !== undefined && known !== actual) fail();
    if (typeof expected === 'string') sizes.set(expected, actual);
  });
  return sizes;
}
