// How a fused op is made: one kernel whose portable body composes plain TensorFlow.js ops, and one gradient.
// A backend that has something faster registers its own kernel under the same name (`RmsNorm`, `RmsNormGrad`).
import type { NamedAttrMap, NamedTensorMap, Tensor } from './tf.js';
import { dispose, engine, getGradient, getKernel, registerGradient, registerKernel, tidy } from './tf.js';

/** Sizes of a tensor of any rank (tfjs types them as a union of tuples). */
export function shapeOf(x: Tensor): number[] {
  return x.shape;
}

/** Plain values only: they are handed to native kernels as they are. */
export type Attributes = Record<string, number | boolean | number[]>;

export interface Op<A extends Attributes> {
  /** Kernel name; the backward kernel is `${name}Grad`. */
  name: string;
  /** The portable body: tensors in, tensors out. */
  forward(inputs: Tensor[], attributes: A): Tensor[];
  /**
   * The portable backward body: one gradient for each of the first `differentiable(inputs, attributes)` inputs; none need
   * be computed for an input that is not `wanted`. Only the first output of an op may be differentiated; the others are
   * kept for this function.
   */
  backward(
    dy: Tensor,
    inputs: Tensor[],
    outputs: Tensor[],
    attributes: A,
    wanted: (input: number) => boolean,
  ): (Tensor | undefined)[];
  /** What the backward body reads, by place: all of it where it is not said. In the place of the rest stands dy. */
  reads?: { inputs?: readonly number[]; outputs?: readonly number[] };
  /** How many of the inputs, from the first on, have a gradient. The rest are ids, positions, ranges. */
  differentiable(inputs: Tensor[], attributes: A): number;
  /** How many outputs the forward body returns. */
  outputs: number;
}

/** Runs the op on the current backend; all its outputs, of which only the first may be differentiated. */
export function runWholeOp<A extends Attributes>(op: Op<A>, inputs: Tensor[], attributes: A): Tensor[] {
  return runKernel(op.name, inputs, { ...attributes, inputCount: inputs.length });
}

/** Runs the op on the current backend; its first output. Shapes are the caller's to check (see check.ts). */
export function runOp<A extends Attributes>(op: Op<A>, inputs: Tensor[], attributes: A): Tensor {
  const [result, ...saved] = runWholeOp(op, inputs, attributes);
  dispose(saved); // a gradient tape holds clones of its own
  return result;
}

/** Gives `backend` the portable body of the op, unless it brought a kernel of its own; and all backends its gradient. */
export function registerOp(op: Op<Attributes>, backend: string): void {
  registerOnce(op.name, backend, (inputs, attributes) => op.forward(inputs, attributes as Attributes));
  registerOnce(`${op.name}Grad`, backend, (all, attributes) => {
    const count = all.length - 1 - op.outputs;
    const [inputs, outputs] = [all.slice(1, 1 + count), all.slice(1 + count)];
    const { wanted, ...own } = attributes as Attributes & { wanted: number[] };
    const gradients = op.backward(all[0], inputs, outputs, own, (input) => wanted.includes(input));
    return wanted.map((input) => gradients[input] as Tensor);
  });
  if (getGradient(op.name) !== undefined) return;
  const { inputs: kept, outputs: keptOutputs } = op.reads ?? {};
  registerGradient({
    kernelName: op.name,
    ...(kept === undefined ? { saveAllInputs: true } : { inputsToSave: kept.map(String) }),
    outputsToSave: Array.from({ length: op.outputs }, (_, i) => keptOutputs?.includes(i) ?? true),
    gradFunc: (dy, saved, given) => {
      const first = Array.isArray(dy) ? dy[0] : dy;
      const { inputCount, ...attributes } = given as Attributes & { inputCount: number };
      const rest = saved.values();
      const place = (isKept: boolean): Tensor => (isKept ? (rest.next().value as Tensor) : first);
      const inputs = Array.from({ length: inputCount }, (_, i) => place(kept?.includes(i) ?? true));
      const outputs = Array.from({ length: op.outputs }, (_, i) => place(keptOutputs?.includes(i) ?? true));
      const all = Array.from({ length: op.differentiable(inputs, attributes) }, (_, i) => i);
      const wanted = wantedInputs === undefined ? all : all.filter((input) => wantedInputs?.has(input));
      // Run here, not lazily in the returned functions: those run in a scope that would dispose the other gradients.
      const gradients = runKernel(`${op.name}Grad`, [first, ...inputs, ...outputs], { ...attributes, wanted });
      return Object.fromEntries(wanted.map((input, i) => [input, () => gradients[i]]));
    },
  });
}

/** Of the op that is being differentiated; all of them where nobody said which. */
let wantedInputs: ReadonlySet<number> | undefined;

/** `f()`, in which gradients are computed for these inputs of an op only. */
export function wanting<T>(inputs: Iterable<number>, f: () => T): T {
  const outer = wantedInputs;
  wantedInputs = new Set(inputs);
  try {
    return f();
  } finally {
    wantedInputs = outer;
  }
}

/** Registers `body` as the kernel, unless the backend brought one of its own under that name. */
export function registerOnce(
  kernelName: string,
  backendName: string,
  body: (inputs: Tensor[], attributes: NamedAttrMap) => Tensor[],
): void {
  if (getKernel(kernelName, backendName) !== undefined) return;
  registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs }) => tidy(() => body(inputs as unknown as Tensor[], attrs ?? {})),
  });
}

// tfjs types kernel inputs as a named map; an array is one too (its own Concat passes one).
/** Runs a kernel that takes a plain list of tensors; all its outputs. */
export function runKernel(name: string, inputs: Tensor[], attributes: Attributes): Tensor[] {
  const result: Tensor | Tensor[] = engine().runKernel(name, inputs as unknown as NamedTensorMap, attributes);
  return Array.isArray(result) ? result : [result];
}
