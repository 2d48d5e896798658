// Gradients of the plain ops that losses are written with. tfjs-core registers none under Node, so this list is
// closed: differentiating anything else throws, and a test holds the list against finite differences.
import type { GradConfig, NamedAttrMap, Tensor } from './tf.js';
import {
  add,
  clone,
  div,
  getGradient,
  mul,
  neg,
  registerGradient,
  reshape,
  sigmoid,
  slice,
  step,
  sub,
  sum,
  tile,
} from './tf.js';

interface PlainGradient {
  kernelName: string;
  inputsToSave?: string[];
  saveAllInputs?: boolean;
  outputsToSave?: boolean[];
  gradFunc(dy: Tensor, saved: Tensor[], attributes: NamedAttrMap): Record<string, () => Tensor>;
}

const plainGradients: PlainGradient[] = [
  { kernelName: 'Identity', gradFunc: (dy) => ({ x: () => clone(dy) }) },
  {
    kernelName: 'Reshape',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => reshape(dy, x.shape) }),
  },
  {
    kernelName: 'Add',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) => ({ a: () => unbroadcast(dy, a), b: () => unbroadcast(dy, b) }),
  },
  {
    kernelName: 'Sub',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) => ({ a: () => unbroadcast(dy, a), b: () => unbroadcast(neg(dy), b) }),
  },
  {
    kernelName: 'Multiply',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) => ({
      a: () => unbroadcast(mul(dy, b), a),
      b: () => unbroadcast(mul(dy, a), b),
    }),
  },
  {
    kernelName: 'Concat',
    saveAllInputs: true,
    gradFunc: (dy, parts, { axis }) => {
      let end = 0;
      const starts = parts.map(({ shape }) => {
        const start = shape.map((_, at) => (at === axis ? end : 0));
        end += shape[axis as number];
        return start;
      });
      return Object.fromEntries(parts.map(({ shape }, i) => [i, () => slice(dy, starts[i], shape)]));
    },
  },
  { kernelName: 'Neg', gradFunc: (dy) => ({ x: () => neg(dy) }) },
  {
    kernelName: 'Softplus',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => mul(dy, sigmoid(x)) }),
  },
  {
    kernelName: 'Sigmoid',
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => mul(dy, mul(y, sub(1, y))) }),
  },
  { kernelName: 'Exp', outputsToSave: [true], gradFunc: (dy, [y]) => ({ x: () => mul(dy, y) }) },
  { kernelName: 'Expm1', outputsToSave: [true], gradFunc: (dy, [y]) => ({ x: () => mul(dy, add(y, 1)) }) },
  { kernelName: 'Log', inputsToSave: ['x'], gradFunc: (dy, [x]) => ({ x: () => div(dy, x) }) },
  { kernelName: 'Relu', inputsToSave: ['x'], gradFunc: (dy, [x]) => ({ x: () => mul(dy, step(x)) }) },
  {
    kernelName: 'Sum',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attributes) => {
      const given = (attributes.axis ?? x.shape.map((_, axis) => axis)) as number | number[]; // none: all axes
      const axes = (Array.isArray(given) ? given : [given]).map((axis) => (axis < 0 ? axis + x.rank : axis));
      const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      const repeats = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
      return { x: () => tile(reshape(dy, kept), repeats) };
    },
  },
];

/** Names of the plain ops that may be differentiated. */
export const differentiableOps: readonly string[] = plainGradients.map((config) => config.kernelName);

/** Registers them over whatever another package in this process has registered under the same names. */
export function registerGradients(): void {
  for (const plain of plainGradients) {
    // Every op here has one output, so tfjs hands over one dy.
    if (getGradient(plain.kernelName) !== (plain as GradConfig)) registerGradient(plain as GradConfig);
  }
}

/**
 * Runs `load` and leaves the gradients as they were: a package that registers its own, for every op that there is, makes what is
 * not on the list differentiable without a word, on every backend.
 */
export function keepGradients(load: () => void): void {
  // tfjs-core lists kernels, not gradients. All its copies share the registries of the process.
  const registries = (globalThis as { _tfGlobals?: Map<string, unknown> })._tfGlobals;
  const gradients = registries?.get('gradRegistry') as Map<string, GradConfig>;
  const before = new Map(gradients);
  try {
    load();
  } finally {
    gradients.clear();
    for (const [name, gradient] of before) gradients.set(name, gradient);
  }
}

/** Sums `dy` over the axes along which `input` was broadcast. */
function unbroadcast(dy: Tensor, input: Tensor): Tensor {
  const missing = dy.rank - input.rank;
  const axes = dy.shape.flatMap((size, axis) =>
    axis < missing || (input.shape[axis - missing] === 1 && size !== 1) ? [axis] : [],
  );
  return axes.length === 0 ? clone(dy) : reshape(sum(dy, axes), input.shape);
}
