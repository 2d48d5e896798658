// The plain TensorFlow.js ops that a training or decoding step runs, in C++. A call that C++ does not take (another
// dtype, more than six axes) goes to the JavaScript kernel of the cpu backend, which is complete; so does a wrong one
// (shapes that do not go together), for it to say what is wrong.
import { sizeOf } from '../../base/host-tensor.js';
import { getKernel, type KernelConfig, registerKernel, type TensorInfo } from '../tf.js';
import type { NativeBackend } from './backend.js';

type Attributes = Record<string, unknown>;
type Body = (backend: NativeBackend, inputs: TensorInfo[], attributes: Attributes) => TensorInfo | undefined;

const maxAxes = 6;
/** C++ numbers of the operations on two tensors. */
export const binary = { Add: 0, Sub: 1, Multiply: 2, RealDiv: 3 };
const unary = { Neg: 0, Square: 1, Sqrt: 2, Rsqrt: 3, Sigmoid: 4, Softplus: 5, Exp: 6, Log: 7, Relu: 8, Expm1: 9 };

const isFloat = (x: TensorInfo): boolean => x.dtype === 'float32';
const fits = (shape: readonly number[]): boolean => shape.length <= maxAxes;

/** Elements between neighbours along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

const bodies: Record<string, Body> = {
  ...Object.fromEntries(Object.entries(binary).map(([name, operation]) => [name, binaryBody(operation)])),
  ...Object.fromEntries(Object.entries(unary).map(([name, operation]) => [name, unaryBody(operation)])),
  Step: (backend, [x], { alpha }) => (alpha === 0 ? unaryBody(10)(backend, [x], {}) : undefined),
  Sum: (backend, [x], { axis, keepDims }) => {
    if (!isFloat(x) || !fits(x.shape)) return undefined;
    const axes = axesOf(axis, x.shape.length);
    const kept = x.shape.map((extent, at) => (axes.includes(at) ? 1 : extent));
    const strides = stridesOf(kept).map((stride, at) => (axes.includes(at) ? 0 : stride));
    const shape = keepDims ? kept : x.shape.filter((_, at) => !axes.includes(at));
    return backend.run('Sum', [x], [shape], [x.shape.length, ...x.shape, ...strides])[0];
  },
  Tile: (backend, [x], { reps }) => {
    const repeats = reps as number[];
    if (!isNumeric(x) || 2 * x.shape.length > maxAxes || !isPerAxis(repeats, x)) return undefined;
    if (repeats.some((repeat) => repeat < 0)) return undefined;
    // [a, b] tiled [m, n] is a copy of [m, a, n, b] with no stride along the repeats.
    const from = stridesOf(x.shape).flatMap((stride) => [0, stride]);
    const extents = x.shape.flatMap((extent, at) => [repeats[at], extent]);
    const shape = x.shape.map((extent, at) => extent * repeats[at]);
    return filled(backend, shape, x.dtype, (y) => copy(backend, x, y, extents, [0, from], [0, stridesOf(extents)]));
  },
  Slice: (backend, [x], { begin, size }) => {
    if (!isNumeric(x) || !fits(x.shape) || !isPerAxis(begin, x) || !isPerAxis(size, x)) return undefined;
    const extents = size.map((extent, at) => (extent < 0 ? x.shape[at] - begin[at] : extent));
    const isInside = begin.every((start, at) => start >= 0 && start <= x.shape[at] - extents[at] && extents[at] >= 0);
    if (!isInside) return undefined;
    const strides = stridesOf(x.shape);
    const offset = begin.reduce((total, start, at) => total + start * strides[at], 0);
    return filled(backend, extents, x.dtype, (y) =>
      copy(backend, x, y, extents, [offset, strides], [0, stridesOf(extents)]),
    );
  },
  Concat: (backend, inputs, { axis }) => {
    const [first] = inputs;
    if (!inputs.every((x) => isNumeric(x) && x.dtype === first.dtype) || !fits(first.shape)) return undefined;
    const [along] = axesOf(axis, first.shape.length);
    const others = (x: TensorInfo): string => x.shape.map((extent, at) => (at === along ? '' : extent)).join();
    if (inputs.some((x) => others(x) !== others(first))) return undefined;
    const total = inputs.reduce((sum, x) => sum + x.shape[along], 0);
    const shape = first.shape.map((extent, at) => (at === along ? total : extent));
    const strides = stridesOf(shape);
    return filled(backend, shape, nativeType(first), (y) => {
      let start = 0;
      for (const x of inputs) {
        copy(backend, x, y, x.shape, [0, stridesOf(x.shape)], [start * strides[along], strides]);
        start += x.shape[along];
      }
    });
  },
  Transpose: (backend, [x], { perm }) => {
    if (!isNumeric(x) || !fits(x.shape)) return undefined;
    const order = perm as number[];
    const shape = order.map((axis) => x.shape[axis]);
    const strides = stridesOf(x.shape);
    const from = order.map((axis) => strides[axis]);
    return filled(backend, shape, x.dtype, (y) => copy(backend, x, y, shape, [0, from], [0, stridesOf(shape)]));
  },
  Fill: (backend, _, { shape, value, dtype }) => {
    if (typeof value !== 'number' || (dtype !== undefined && dtype !== 'float32')) return undefined;
    return backend.run('Fill', [], [shape as number[]], [value])[0];
  },
  ZerosLike: (backend, [x]) => (isFloat(x) ? backend.run('Fill', [], [x.shape], [0])[0] : undefined),
  OnesLike: (backend, [x]) => (isFloat(x) ? backend.run('Fill', [], [x.shape], [1])[0] : undefined),
  Identity: (backend, [x]) => backend.alias(x, x.shape),
  Reshape: (backend, [x], { shape }) => {
    const wanted = shape as number[];
    const others = sizeOf(wanted.filter((extent) => extent >= 0));
    const result = wanted.map((extent) => (extent >= 0 ? extent : sizeOf(x.shape) / others));
    return sizeOf(result) === sizeOf(x.shape) ? backend.alias(x, result) : undefined;
  },
  Cast: (backend, [x], { dtype }) => {
    if (dtype === x.dtype) return backend.alias(x, x.shape);
    if (x.dtype === 'int32' && dtype === 'float32') {
      return backend.run('CastToFloat', [x], [x.shape], [sizeOf(x.shape)])[0];
    }
    return undefined;
  },
};

/** Copies the cpu backend's kernels and puts ours in front of them. After the fused ops. */
export function registerPlain(cpuKernels: readonly KernelConfig[]): void {
  for (const { kernelName, kernelFunc, ...rest } of cpuKernels) {
    if (getKernel(kernelName, 'native') !== undefined) continue; // a fused op, of which cpu has the portable body
    const body = bodies[kernelName];
    registerKernel({
      ...rest,
      kernelName,
      backendName: 'native',
      kernelFunc: (call) => {
        const backend = call.backend as NativeBackend;
        const inputs = Object.values(call.inputs) as TensorInfo[];
        const result = body?.(backend, inputs, (call.attrs ?? {}) as Attributes);
        if (result !== undefined) return result;
        backend.recording?.refuse(kernelName);
        backend.javaScriptKernels.add(kernelName);
        return kernelFunc(call);
      },
    });
  }
}

function binaryBody(operation: number): Body {
  return (backend, [a, b]) => {
    const rank = Math.max(a.shape.length, b.shape.length);
    if (!isFloat(a) || !isFloat(b) || rank > maxAxes) return undefined;
    const [left, right] = [padded(a.shape, rank), padded(b.shape, rank)];
    const shape = left.map((extent, at) => (extent === 1 ? right[at] : extent));
    if (right.some((extent, at) => extent !== 1 && extent !== shape[at])) return undefined;
    const strides = [left, right].map((x) => stridesOf(x).map((stride, at) => (x[at] === 1 ? 0 : stride)));
    return backend.run('Binary', [a, b], [shape], [operation, rank, ...shape, ...strides.flat()])[0];
  };
}

function unaryBody(operation: number): Body {
  return (backend, [x]) =>
    isFloat(x) ? backend.run('Unary', [x], [x.shape], [operation, sizeOf(x.shape)])[0] : undefined;
}

/** A new tensor, written by `fill`; where that throws, nothing stays allocated. */
function filled(
  backend: NativeBackend,
  shape: number[],
  dtype: NumericType,
  fill: (y: TensorInfo) => void,
): TensorInfo {
  const y = backend.allocate(shape, dtype);
  try {
    fill(y);
    return y;
  } catch (error) {
    backend.disposeData(y.dataId);
    throw error;
  }
}

/** Copies elements: offset and strides of the source, then of the target. */
export function copy(
  backend: NativeBackend,
  x: TensorInfo,
  y: TensorInfo,
  extents: readonly number[],
  [fromOffset, fromStrides]: [number, number[]],
  [toOffset, toStrides]: [number, number[]],
): void {
  const numbers = [extents.length, ...extents, fromOffset, ...fromStrides, toOffset, ...toStrides];
  backend.call('Copy', [x, y], numbers);
}

type NumericType = 'float32' | 'int32';
type NumericInfo = TensorInfo & { dtype: NumericType };

function isNumeric(x: TensorInfo): x is NumericInfo {
  return x.dtype === 'float32' || x.dtype === 'int32';
}

/** The dtype of a tensor already known to be numeric. */
function nativeType(x: TensorInfo): NumericType {
  return x.dtype === 'int32' ? 'int32' : 'float32';
}

/** Whether `value` holds one number for each axis of x. */
function isPerAxis(value: unknown, x: TensorInfo): value is number[] {
  return Array.isArray(value) && value.length === x.shape.length;
}

function padded(shape: readonly number[], rank: number): number[] {
  return [...Array.from({ length: rank - shape.length }, () => 1), ...shape];
}

/** Axes from 0, counted from the end where negative; all of them where none are named. Throws where one is not there. */
function axesOf(axis: unknown, rank: number): number[] {
  const given = axis === undefined || axis === null ? Array.from({ length: rank }, (_, at) => at) : axis;
  const axes = (Array.isArray(given) ? (given as number[]) : [given as number]).map((at) => (at < 0 ? at + rank : at));
  if (axes.some((at) => !(at >= 0 && at < rank))) throw new RangeError(`axis ${given} of a tensor of rank ${rank}`);
  return axes;
}
