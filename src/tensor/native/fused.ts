// The fused ops on the native backend: shapes and outputs here, arithmetic in native/kernels/<op>.cc.
// Each kernel's tensors and numbers are listed at the head of its C++ function.
import { sizeOf } from '../../base/host-tensor.js';
import type { Attributes } from '../op.js';
import { crossEntropySumName } from '../ops/cross-entropy-sum.js';
import { registerKernel, type TensorInfo } from '../tf.js';
import type { NativeBackend } from './backend.js';
import { binary, stridesOf } from './plain.js';

/** A gradient's body gives what it has computed, in the places of the inputs. */
type Body = (backend: NativeBackend, inputs: TensorInfo[], attributes: Attributes) => (TensorInfo | undefined)[];

const bodies: Record<string, Body> = {
  Embedding: (backend, [table, ids], { halves }) => {
    const [vocabulary, width] = matrixShape(table, halves);
    const count = sizeOf(ids.shape);
    return backend.run('Embedding', [table, ids], [[count, width]], [vocabulary, width, count, Number(halves)]);
  },
  EmbeddingGrad: (backend, [dy, table, ids]) =>
    backend.run('EmbeddingGrad', [dy, ids], [table.shape], [...table.shape, sizeOf(ids.shape)]),
  Linear: (backend, inputs, { bias, residual, halves }) => {
    const [x, weight] = inputs;
    const [[rows, width], [out]] = [x.shape, weight.shape];
    const numbers = [rows, width, out, Number(bias), Number(residual), Number(halves)];
    return backend.run('Linear', inputs, [[rows, out]], numbers);
  },
  LinearGrad: (backend, [dy, x, weight], { bias, residual, halves, wanted }) => {
    const [[rows, width], [out]] = [x.shape, weight.shape];
    const asked = [0, 1, 2].map((input) => (wanted as number[]).includes(input) && (input < 2 || bias === true));
    const shapes = [x.shape, weight.shape, [out]].filter((_, input) => asked[input]);
    const numbers = [rows, width, out, ...asked.map(Number), Number(halves)];
    const gradients = (shapes.length > 0 ? backend.run('LinearGrad', [dy, x, weight], shapes, numbers) : []).values();
    const placed = asked.map((isAsked) => (isAsked ? (gradients.next().value as TensorInfo) : undefined));
    if (!bias) placed.pop();
    return residual ? [...placed, backend.alias(dy, dy.shape)] : placed;
  },
  RmsNorm: (backend, [x, weight], { epsilon }) => {
    const [width] = weight.shape;
    return backend.run('RmsNorm', [x, weight], [x.shape], [sizeOf(x.shape) / width, width, Number(epsilon)]);
  },
  RmsNormGrad: (backend, [dy, x, weight], { epsilon }) => {
    const [width] = weight.shape;
    const numbers = [sizeOf(x.shape) / width, width, Number(epsilon)];
    return backend.run('RmsNormGrad', [dy, x, weight], [x.shape, weight.shape], numbers);
  },
  Rotary: (backend, [x, positions], rotation) => rotate(backend, x, positions, rotation, 1),
  RotaryGrad: (backend, [dy, , positions], rotation) => rotate(backend, dy, positions, rotation, -1),
  Attention: (backend, inputs) => {
    const [q, k] = inputs;
    const [batch, columns, heads] = q.shape;
    return backend.run('Attention', inputs, [q.shape, [batch, heads, columns, 1]], attentionSizes(q, k));
  },
  AttentionGrad: (backend, all) => {
    const [, q, k, v] = all;
    return backend.run('AttentionGrad', all, [q.shape, k.shape, v.shape], attentionSizes(q, k));
  },
  Swiglu: (backend, [gate, up]) => backend.run('Swiglu', [gate, up], [gate.shape], [sizeOf(gate.shape)]),
  SwigluGrad: (backend, [dy, gate, up]) =>
    backend.run('SwigluGrad', [dy, gate, up], [gate.shape, up.shape], [sizeOf(gate.shape)]),
  CrossEntropy: (backend, [hidden, weight, targets], { halves }) => {
    const [rows, width] = hidden.shape;
    const numbers = [rows, width, weight.shape[0], Number(halves)];
    return backend.run('CrossEntropy', [hidden, weight, targets], [[rows], [rows]], numbers);
  },
  CrossEntropyFigures: (backend, [hidden, weight, targets], { halves }) => {
    const [rows, width] = hidden.shape;
    const numbers = [rows, width, weight.shape[0], Number(halves)];
    return backend.run('CrossEntropy', [hidden, weight, targets], [[rows], [rows], [3, rows]], numbers);
  },
  CrossEntropyGrad: (backend, all, attributes) => crossEntropyGradient(backend, all, attributes),
  CrossEntropyFiguresGrad: (backend, all, attributes) => crossEntropyGradient(backend, all.slice(0, 6), attributes),
  Dropout: (backend, [x], attributes) => dropOut(backend, x, attributes),
  DropoutGrad: (backend, [dy], attributes) => dropOut(backend, dy, attributes),
  AdamW: (backend, all, { beta1, beta2, gradientScale, stepSize, root, epsilon, keep }) => {
    const settings = [beta1, beta2, gradientScale, stepSize, root, epsilon] as number[];
    const keeps = keep as number[];
    backend.call('AdamW', all, [keeps.length, ...settings, ...keeps]);
    return [];
  },
  Muon: (backend, all, { momentum, fresh, polynomials, keep, length }) => {
    const [keeps, lengths] = [keep, length] as number[][];
    const each = keeps.flatMap((share, i) => [...all[3 * i].shape, share, lengths[i]]);
    backend.call('Muon', all, [keeps.length, Number(momentum), Number(fresh), ...(polynomials as number[]), ...each]);
    return [];
  },
  // In place: the results are the cache itself.
  CachedAttention: (backend, inputs) => {
    const [q, , , , , keys, values] = inputs;
    const [count, heads, dimension] = q.shape;
    const [, capacity, groups] = keys.shape;
    const [out] = backend.run('CachedAttention', inputs, [q.shape], [count, heads, groups, dimension, capacity]);
    return [out, backend.alias(keys, keys.shape), backend.alias(values, values.shape)];
  },
  CopyColumns: (backend, [keys, values], { from, to, count }) => {
    const [, capacity, groups, dimension] = keys.shape;
    const numbers = [capacity, groups, dimension, Number(from), Number(count), ...(to as number[])];
    backend.call('CopyColumns', [keys, values], numbers);
    return [backend.alias(keys, keys.shape), backend.alias(values, values.shape)];
  },
  PackLinear: (backend, [weight, target]) => {
    const [out, input] = weight.shape;
    const packed = target ?? backend.allocate([backend.addon.packedFloats(out, input, false)]);
    backend.call('PackLinear', [weight, packed], [out, input]);
    return target === undefined ? [packed] : [];
  },
  PackLinearQ8: (backend, [blocks], { out, input }) => {
    const size = backend.addon.packedFloats(Number(out), Number(input), true);
    return backend.run('PackLinearQ8', [blocks], [[size]], [Number(out), Number(input)]);
  },
  LinearPacked: (backend, inputs, { isQ8, parts }) => {
    const [rows, width] = inputs[0].shape;
    const each = parts as number[];
    const shapes = Array.from({ length: each.length / 3 }, (_, i) => [rows, each[3 * i]]);
    return backend.run('LinearPacked', inputs, shapes, [rows, width, Number(isQ8), shapes.length, ...each]);
  },
  Sort: (backend, [x]) => backend.run('Sort', [x], [x.shape, x.shape], x.shape),
  SortGrad: (backend, [dy, , , places]) => backend.run('SortGrad', [dy, places], [dy.shape], dy.shape),
  GlobalNorm: (backend, all) => backend.run('GlobalNorm', all, [[]], [all.length]),
};

for (const isFrozen of [false, true]) {
  for (const hasFigures of [false, true]) {
    const name = crossEntropySumName({ isFrozen, hasFigures });
    bodies[name] = (backend, inputs, { halves }) => {
      const [{ shape }, weight] = inputs;
      const shapes = [[], shape, ...(isFrozen ? [] : [weight.shape]), ...(hasFigures ? [[3, shape[0]]] : [])];
      const numbers = [...shape, weight.shape[0], ...[halves, !isFrozen, hasFigures].map(Number)];
      return backend.run('CrossEntropySum', inputs, shapes, numbers);
    };
    bodies[`${name}Grad`] = (backend, [dy, ...all]) =>
      all.slice(5, isFrozen ? 6 : 7).map((gradient) => scaled(backend, gradient, dy));
  }
}

/** `all`: dy, then the inputs and the first two outputs. */
function crossEntropyGradient(backend: NativeBackend, all: TensorInfo[], { halves, wanted }: Attributes): TensorInfo[] {
  const [, hidden, weight] = all;
  const shapes = (wanted as number[]).includes(1) ? [hidden.shape, weight.shape] : [hidden.shape];
  return backend.run('CrossEntropyGrad', all, shapes, [...hidden.shape, weight.shape[0], Number(halves)]);
}

/** Registers them; op.ts leaves a backend's own kernels alone. */
export function registerFused(): void {
  for (const [kernelName, body] of Object.entries(bodies)) {
    registerKernel({
      kernelName,
      backendName: 'native',
      kernelFunc: ({ inputs, attrs, backend }) => {
        const attributes = (attrs ?? {}) as Attributes;
        const results = body(backend as NativeBackend, inputs as unknown as TensorInfo[], attributes);
        return chosen(backend as NativeBackend, results, attributes.wanted as number[] | undefined);
      },
    });
  }
}

/** The gradients that are wanted, in their order; the others go. */
function chosen(
  backend: NativeBackend,
  results: readonly (TensorInfo | undefined)[],
  wanted = results.map((_, input) => input),
): TensorInfo[] {
  results.forEach((result, input) => {
    if (result !== undefined && !wanted.includes(input)) backend.disposeData(result.dataId);
  });
  return wanted.map((input) => results[input] as TensorInfo);
}

function matrixShape({ shape: [out, width] }: TensorInfo, isHalf: Attributes[string]): [out: number, input: number] {
  return [out, isHalf ? 2 * width : width];
}

function dropOut(backend: NativeBackend, x: TensorInfo, { threshold, factor, key }: Attributes): TensorInfo[] {
  const numbers = [sizeOf(x.shape), Number(threshold), Number(factor), ...(key as number[])];
  return backend.run('Dropout', [x], [x.shape], numbers);
}

/** Direction 1 is forward, −1 back. */
function rotate(
  backend: NativeBackend,
  x: TensorInfo,
  positions: TensorInfo,
  { frequencies, scale }: Attributes,
  direction: 1 | -1,
): TensorInfo[] {
  const [heads, dimension] = x.shape.slice(-2);
  const numbers = [sizeOf(positions.shape), heads, dimension, direction, Number(scale), ...(frequencies as number[])];
  return backend.run('Rotary', [x, positions], [x.shape], numbers);
}

/** A loss is most often differentiated as it is: then its gradients need no scaling. */
function scaled(backend: NativeBackend, gradient: TensorInfo, dy: TensorInfo): TensorInfo {
  if ((backend.readSync(dy.dataId) as Float32Array)[0] === 1) return backend.alias(gradient, gradient.shape);
  return multiply(backend, gradient, dy);
}

/** x · scalar. */
function multiply(backend: NativeBackend, x: TensorInfo, scalar: TensorInfo): TensorInfo {
  const strides = [...stridesOf(x.shape), ...x.shape.map(() => 0)];
  return backend.run('Binary', [x, scalar], [x.shape], [binary.Multiply, x.shape.length, ...x.shape, ...strides])[0];
}

/** B, T, S, H, G, D. */
function attentionSizes(q: TensorInfo, k: TensorInfo): number[] {
  const [batch, columns, heads, dimension] = q.shape;
  return [batch, columns, k.shape[1], heads, k.shape[2], dimension];
}
