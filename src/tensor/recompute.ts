// Recomputation ("gradient checkpointing"): a piece of the computation that keeps none of its intermediate tensors for the backward pass,
// and computes them again there. Costs one more forward pass of the piece (Chen et al. 2016, arXiv:1604.06174).
import { valueAndGradients } from './backward.js';
import { dispose, engine, type Tensor, Variable, zerosLike } from './tf.js';

/** Variables that are there while the body runs, and only then. */
export interface Lent {
  /** Before it runs, in either pass. @returns those whose gradients are wanted; the body must use each. */
  take(): Variable[];
  /** After it, whatever happened. */
  giveBack(): void;
  /** After the backward pass of it: the gradient of each that `take` returned. They are disposed when this returns. */
  learn(gradients: readonly Tensor[]): void;
}

/**
 * `body(inputs)`, with only `inputs` kept for the backward pass. The body must give the same result each time, and must
 * use each float32 input; gradients flow to those alone. int32 inputs (ids, ranges) have none.
 * `constants` come after them, and have no gradient. Variables the body may also reach by itself, but each must be among `inputs`, or among `frozen` to have no gradient. Other tensors it must take as they are
 * handed to it: those of the forward pass are gone by the backward pass. `lent`: further Variables that it may reach.
 * @throws Error in the backward pass, where the body used a Variable that is in neither: its gradient would be lost.
 */
export function recomputed<T extends Tensor>(
  body: (inputs: Tensor[]) => T,
  inputs: Tensor[],
  { frozen = [], constants = [], lent }: RecomputeOptions = {},
): T {
  const all = [...inputs, ...constants];
  // TensorFlow.js records nothing inside a custom gradient, and frees what it leaves behind.
  const run = engine().customGrad<T>((...given) => {
    const save = given[all.length] as (tensors: Tensor[]) => void;
    save(all.filter((input) => !(input instanceof Variable))); // Variables stay; the rest ends with the forward pass
    return {
      value: borrowing(lent, () => body(all)),
      gradFunc: (dy: T, saved: Tensor[]) => {
        const rest = saved.values();
        const again = all.map((input) => (input instanceof Variable ? input : (rest.next().value as Tensor)));
        const passed: Tensor[] = [];
        const gradients = borrowing(lent, (own) =>
          gradientsOf(body, again, dy, { wanted: inputs.length, known: [...again, ...frozen], own, passed }),
        );
        lent?.learn(passed);
        dispose(passed);
        return gradients;
      },
    };
  });
  return run(...all);
}

interface RecomputeOptions {
  frozen?: readonly Variable[];
  constants?: readonly Tensor[];
  lent?: Lent;
}

function borrowing<Result>(lent: Lent | undefined, work: (own: readonly Variable[]) => Result): Result {
  if (lent === undefined) return work([]);
  try {
    return work(lent.take());
  } finally {
    lent.giveBack();
  }
}

interface WantedGradients {
  /** So many of the inputs. */
  wanted: number;
  /** What the body may use. */
  known: readonly Tensor[];
  /** Of Variables beside the inputs, which go into `passed`. */
  own: readonly Variable[];
  passed: Tensor[];
}

/** One gradient for each input: dy · ∂body/∂input of the first `wanted` ones, 0 of the rest. */
function gradientsOf<T extends Tensor>(
  body: (inputs: Tensor[]) => T,
  inputs: Tensor[],
  dy: T,
  { wanted: count, known, own, passed }: WantedGradients,
): Tensor[] {
  const isWanted = ({ dtype }: Tensor, i: number): boolean => dtype === 'float32' && i < count;
  const wanted = inputs.filter(isWanted);
  const run = (): T => {
    const result = body(inputs);
    refuseOthers([...known, ...own]);
    return result;
  };
  const { value, gradients } = valueAndGradients(run, [...wanted, ...own], dy);
  value.dispose();
  passed.push(...gradients.splice(wanted.length));
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
