// Two repairs of TensorFlow.js's wasm backend, without which training on it is impractical:
// it lacks UnsortedSegmentSum, and its BatchMatMul is fast (XNNPACK) only for one plain, untransposed product.
import { shapeOf } from './op.js';
import type { NamedTensorMap, Tensor, TensorInfo } from './tf.js';
import {
  engine,
  getKernel,
  registerKernel,
  reshape,
  slice,
  stack,
  tensor,
  tidy,
  transpose,
  unregisterKernel,
} from './tf.js';

const repaired = new WeakSet<object>();

/** Replaces the two kernels, once. The wasm backend must be loaded. */
export function repairWasm(): void {
  if (getKernel('UnsortedSegmentSum', 'wasm') === undefined) {
    registerKernel({
      kernelName: 'UnsortedSegmentSum',
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs }) => {
        const { x, segmentIds } = inputs as { x: Tensor; segmentIds: Tensor };
        return segmentSum(x, segmentIds, (attrs as unknown as { numSegments: number }).numSegments);
      },
    });
  }
  repairBatchMatMul();
}

/** x [N, …], ids [N] → [segments, …]: rows with the same id added up; ids outside 0..segments−1 are dropped. */
function segmentSum(x: Tensor, segmentIds: Tensor, segments: number): Tensor {
  const values = x.dataSync();
  const ids = segmentIds.dataSync();
  const width = x.size / Math.max(1, ids.length);
  const result = new Float32Array(segments * width);
  for (let row = 0; row < ids.length; row++) {
    const id = ids[row];
    if (id < 0 || id >= segments) continue;
    const from = row * width;
    const to = id * width;
    for (let i = 0; i < width; i++) result[to + i] += values[from + i];
  }
  return tensor(result, [segments, ...x.shape.slice(1)], 'float32');
}

function repairBatchMatMul(): void {
  const kernel = getKernel('BatchMatMul', 'wasm');
  if (kernel === undefined || repaired.has(kernel)) return;
  const plain = kernel.kernelFunc;
  unregisterKernel('BatchMatMul', 'wasm');
  registerKernel({
    ...kernel,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const multiply = (a: Tensor, b: Tensor): Tensor => {
        const named: NamedTensorMap = { a, b };
        const info = plain({ inputs: named, attrs: { transposeA: false, transposeB: false }, backend }) as TensorInfo;
        return wrap(info);
      };
      const { a, b } = inputs as { a: Tensor; b: Tensor };
      const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
      return tidy(() => batched(transposeA ? swapLast(a) : a, transposeB ? swapLast(b) : b, multiply));
    },
  });
  const replaced = getKernel('BatchMatMul', 'wasm');
  if (replaced !== undefined) repaired.add(replaced);
}

/** One XNNPACK product per batch entry: its own batched path is ten times slower. */
function batched(a: Tensor, b: Tensor, multiply: (a: Tensor, b: Tensor) => Tensor): Tensor {
  if (a.rank === 2 && b.rank === 2) return multiply(a, b);
  if (a.rank !== 3 || b.rank !== 3 || a.shape[0] !== b.shape[0] || a.shape[0] === 1) return multiply(a, b);
  const [batch, m, k] = shapeOf(a);
  const n = shapeOf(b)[2];
  const products = Array.from({ length: batch }, (_, i) =>
    multiply(reshape(slice(a, [i, 0, 0], [1, m, k]), [m, k]), reshape(slice(b, [i, 0, 0], [1, k, n]), [k, n])),
  );
  return stack(products, 0);
}

function swapLast(x: Tensor): Tensor {
  const order = x.shape.map((_, axis) => axis);
  order.splice(-2, 2, x.rank - 1, x.rank - 2);
  return transpose(x, order);
}

function wrap(info: TensorInfo): Tensor {
  return engine().makeTensorFromTensorInfo(info);
}
