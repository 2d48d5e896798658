// Recomputation ("gradient checkpointing"): a piece of the computation that keeps none of its intermediate tensors for the backward pass,
// and computes them again there. Costs one more forward pass of the piece (Chen et al. 2016, arXiv:1604.06174).
import { valueAndGradients } from './backward.js';
import { engine, type Tensor, Variable, zerosLike } from './tf.js';

/**
 * `body(inputs)`, with only `inputs` kept for the backward pass. The body must give the same result each time, and must
 * use each float32 input; gradients flow to those alone. int32 inputs (ids, ranges) have none.
 * `constants` come after them, and have no gradient. Variables the body may also reach by itself, but each must be among `inputs`, or among `frozen` to have no gradient. Other tensors it must take as they are
 * handed to it: those of the forward pass are gone by the backward pass.
 * @throws Error in the backward pass, where the body used a Variable that is in neither: its gradient would be lost.
 */
export function recomputed<T extends Tensor>(
  body: (inputs: Tensor[]) => T,
  inputs: Tensor[],
  { frozen = [], constants = [] }: { frozen?: readonly Variable[]; constants?: readonly Tensor[] } = {},
): T {
  const all = [...inputs, ...constants];
  // TensorFlow.js records nothing inside a custom gradient, and frees what it leaves behind.
  const run = engine().customGrad<T>((...given) => {
    const save = given[all.length] as (tensors: Tensor[]) => void;
    save(all.filter((input) => !(input instanceof Variable))); // Variables stay; the rest ends with the forward pass
    return {
      value: body(all),
      gradFunc: (dy: T, saved: Tensor[]) => {
        const rest = saved.values();
        const again = all.map((input) => (input instanceof Variable ? input : (rest.next().value as Tensor)));
        return gradientsOf(body, again, dy, { wanted: inputs.length, known: [...again, ...frozen] });
      },
    };
  });
  return run(...all);
}

/** One gradient for each input: dy · ∂body/∂input of the first `wanted` ones, 0 of the rest. */
function gradientsOf<T extends Tensor>(
  body: (inputs: Tensor[]) => T,
  inputs: Tensor[],
  dy: T,
  { wanted: count, known }: { wanted: number; known: readonly Tensor[] },
): Tensor[] {
  const isWanted = ({ dtype }: Tensor, i: number): boolean => dtype === 'float32' && i < count;
  const wanted = inputs.filter(isWanted);
  const run = (): T => {
    const result = body(inputs);
    refuseOthers(known);
    return result;
  };
  const { value, gradients } = valueAndGradients(run, wanted, dy);
  value.dispose();
  const rest = gradients.values();
  // tfjs wants one tensor each. What stands in for an int32 input is int32 too: taken for a gradient, it would throw.
  return inputs.map((input, i) => {
    if (isWanted(input, i)) return rest.next().value as Tensor;
    return input.dtype === 'float32' ? zerosLike(input) : input;
  });
}

/** Throws where the tape holds a Variable that is none of these. */
function refuseOthers(known: readonly Tensor[]): void {
  for (const node of engine().state.activeTape) {
    for (const tensor of Object.values(node.inputs)) {
      if (tensor instanceof Variable && !known.includes(tensor)) {
        throw new Error(`recomputed: the body uses a Variable of shape [${tensor.shape}] that is not among the inputs`);
      }
    }
  }
}
