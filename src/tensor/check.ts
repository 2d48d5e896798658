// Shape and dtype checks of the fused ops: a wrong call is a JavaScript error that says what came and what was meant.
import type { Tensor } from './tf.js';

/**
 * `shape` entries: a number must match, a string is a free dimension (equal names must be equal sizes). A first entry
 * '…' stands for any leading axes.
 */
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
  const open = shape[0] === '…';
  const named = open ? shape.slice(1) : shape;
  const leading = tensor.shape.length - named.length;
  if (tensor.dtype !== dtype || leading < 0 || (leading > 0 && !open)) fail();
  named.forEach((expected, axis) => {
    const actual = tensor.shape[leading + axis];
    const known = typeof expected === 'number' ? expected : sizes.get(expected);
    if (known !== undefined && known !== actual) fail();
    if (typeof expected === 'string') sizes.set(expected, actual);
  });
  return sizes;
}
