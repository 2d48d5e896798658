// A fused op's two kernels, called alone: forward, and backward on the outputs that one forward pass left.
import { type Attributes, type Op, runKernel } from '../tensor/op.js';
import type { Tensor } from '../tensor/tf.js';
import { randomTensor } from './inputs.js';

/** Within a `tidy`: the outputs and the gradient that `backward` reads live in it. */
export function opCalls<A extends Attributes>(op: Op<A>, inputs: Tensor[], attributes: A) {
  const outputs = runKernel(op.name, inputs, attributes);
  const wanted = Array.from({ length: op.differentiable(inputs, attributes) }, (_, i) => i);
  const dy = randomTensor(outputs[0].shape);
  return {
    forward: (): Tensor => runKernel(op.name, inputs, attributes)[0],
    backward: (): Tensor => runKernel(`${op.name}Grad`, [dy, ...inputs, ...outputs], { ...attributes, wanted })[0],
  };
}
