// Reverse-mode differentiation over TensorFlow.js's tape. Its own backward pass keeps every intermediate gradient and
// every saved activation to the very end; this one lets go of each as soon as the last use is done, which halves the
// memory of a training step.
import { wanting } from './op.js';
import { add, dispose, engine, ones, type Tensor, tidy } from './tf.js';

interface TapeNode {
  kernelName: string;
  inputs: Record<string, Tensor>;
  outputs: Tensor[];
  saved?: Tensor[];
  gradient?(dys: Tensor[]): Record<string, () => Tensor>;
}

/**
 * y = f() and ∂y/∂x for each of `xs`, which f must use. `dy` is what ∂y starts from: 1 where it is not given.
 * All of them are the caller's to dispose. May be nested inside a gradient function.
 */
export function valueAndGradients<T extends Tensor>(
  f: () => T,
  xs: readonly Tensor[],
  dy?: Tensor,
): { value: T; gradients: Tensor[] } {
  const { value, tape } = record(f);
  try {
    const gradients = tidy(() => propagate(tape, value, xs, dy));
    return { value, gradients };
  } catch (error) {
    value.dispose();
    throw error;
  } finally {
    for (const node of tape) release(node);
  }
}

/** `f()`, which is a new tensor (a `clone` at least) and a constant to whatever is differentiated. */
export function withoutGradient<T extends Tensor>(f: () => T): T {
  const { state } = engine();
  const depth = state.gradientDepth;
  state.gradientDepth = 0; // nothing is put on the tape
  try {
    return tidy(f);
  } finally {
    state.gradientDepth = depth;
  }
}

/** Runs f with a tape of its own; an outer tape continues afterwards as if nothing had been. */
function record<T extends Tensor>(f: () => T): { value: T; tape: TapeNode[] } {
  const { state } = engine();
  const outer = state.activeTape;
  const tape: TapeNode[] = [];
  state.activeTape = tape as unknown as typeof outer;
  state.gradientDepth++;
  try {
    return { value: tidy(f), tape };
  } catch (error) {
    for (const node of tape) release(node);
    throw error;
  } finally {
    state.gradientDepth--;
    state.activeTape = outer;
  }
}

function propagate(tape: readonly TapeNode[], y: Tensor, xs: readonly Tensor[], dy: Tensor | undefined): Tensor[] {
  const depends = dependents(tape, xs);
  const gradients = new Map<number, Tensor>([[y.id, dy === undefined ? ones(y.shape) : dy.clone()]]);
  for (const node of [...tape].reverse()) {
    const [main] = node.outputs;
    const outer = gradients.get(main.id);
    const wanted = Object.keys(node.inputs).filter((name) => depends.has(node.inputs[name].id));
    if (outer !== undefined && wanted.length > 0) {
      for (const [name, gradient] of gradientsOf(node, outer, wanted)) accumulate(gradients, node, name, gradient);
    }
    if (outer !== undefined) {
      gradients.delete(main.id);
      outer.dispose();
    }
    release(node);
  }
  return xs.map((x) => {
    const gradient = gradients.get(x.id);
    if (gradient === undefined) throw new Error(`the result does not depend on the tensor [${x.shape.join(', ')}]`);
    return gradient;
  });
}

/** Ids of the tensors that depend on `xs`, themselves included. */
function dependents(tape: readonly TapeNode[], xs: readonly Tensor[]): Set<number> {
  const ids = new Set(xs.map((x) => x.id));
  for (const { inputs, outputs } of tape) {
    if (Object.values(inputs).some((input) => ids.has(input.id))) for (const output of outputs) ids.add(output.id);
  }
  return ids;
}

/** One gradient for each wanted input; whatever else the node computes is let go. */
function gradientsOf(node: TapeNode, dy: Tensor, wanted: readonly string[]): [name: string, gradient: Tensor][] {
  if (node.gradient === undefined) throw new Error(`${node.kernelName} has no gradient (see gradients.ts)`);
  engine().startScope();
  const kept: Tensor[] = [];
  try {
    // Only the first output of an op is ever differentiated (op.ts); the others' places must not be empty, though.
    const all = wanting(wanted.map(Number), () => node.gradient?.(node.outputs.map(() => dy)) ?? {});
    for (const name of wanted) kept.push(all[name]());
    return wanted.map((name, index) => [name, kept[index]]);
  } finally {
    engine().endScope(kept);
  }
}

function accumulate(gradients: Map<number, Tensor>, node: TapeNode, name: string, gradient: Tensor): void {
  const x = node.inputs[name];
  if (gradient.dtype !== 'float32' || gradient.shape.join() !== x.shape.join()) {
    const got = `${gradient.dtype} [${gradient.shape.join(', ')}]`;
    throw new Error(`${node.kernelName}: the gradient of ${name} is ${got}, the input [${x.shape.join(', ')}]`);
  }
  const before = gradients.get(x.id);
  gradients.set(x.id, before === undefined ? gradient : add(before, gradient));
  if (before !== undefined) dispose([before, gradient]);
}

function release(node: TapeNode): void {
  if (node.saved !== undefined) dispose(node.saved);
  node.saved = undefined;
}
