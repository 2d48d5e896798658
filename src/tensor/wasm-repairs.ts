// Two repairs of TensorFlow.js's wasm backend, without which training on it is impractical:
// it lacks UnsortedSegmentSum, and its BatchMatMul is fast (XNNPACK) only for one plain, untransposed product.
import { shapeOf } from './op.js';
import type { KernelConfig, Tensor, TensorInfo } from './tf.js';
import { engine, getKernel, registerKernel, tensor, tidy, transpose, unregisterKernel } from './tf.js';

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

/** What we use of tfjs's BackendWasm: its tensors are numbered places in one heap. */
interface WasmBackend {
  dataIdMap: { get(id: object): { id: number; memoryOffset: number }; delete(id: object): boolean };
  makeOutput(shape: number[], dtype: 'float32', memoryOffset?: number): TensorInfo;
  disposeData(id: object): boolean;
  wasm: { HEAPU8: Uint8Array; tfjs: { disposeData(id: number): void } };
}

function repairBatchMatMul(): void {
  const kernel = getKernel('BatchMatMul', 'wasm');
  if (kernel === undefined || repaired.has(kernel)) return;
  const plain = kernel.kernelFunc;
  unregisterKernel('BatchMatMul', 'wasm');
  const replacement: KernelConfig = {
    ...kernel,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const multiply: Multiply = (a, b) =>
        plain({ inputs: { a, b }, attrs: { transposeA: false, transposeB: false }, backend }) as TensorInfo;
      const { a, b } = inputs as { a: Tensor; b: Tensor };
      const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
      if (isSmallBatch(a, b, transposeA))
        return plain({ inputs: { a, b }, attrs: { transposeA, transposeB }, backend });
      return tidy(() => {
        const [left, right] = [transposeA ? swapLast(a) : a, transposeB ? swapLast(b) : b];
        const batches = left.rank === 3 && right.rank === 3 && left.shape[0] === right.shape[0] && left.shape[0] > 1;
        if (!batches) return engine().makeTensorFromTensorInfo(multiply(left, right));
        return engine().makeTensorFromTensorInfo(batched(left, right, multiply, backend as unknown as WasmBackend));
      });
    },
  };
  registerKernel(replacement);
  repaired.add(replacement);
}

/** Multiply-adds of one entry under which setting up an XNNPACK product costs more than the slow loop (decoding). */
const smallProduct = 1 << 14;

function isSmallBatch(a: Tensor, b: Tensor, transposeA: boolean): boolean {
  if (a.rank !== 3 || b.rank !== 3 || shapeOf(a)[0] === 1) return false;
  const inner = shapeOf(a)[transposeA ? 1 : 2];
  return (a.size / shapeOf(a)[0]) * (b.size / shapeOf(b)[0]) < smallProduct * inner;
}

type Multiply = (a: TensorInfo, b: TensorInfo) => TensorInfo;

/** [batch, m, k] · [batch, k, n], one XNNPACK product per entry: the backend's own batched path is ten times slower. */
function batched(a: Tensor, b: Tensor, multiply: Multiply, backend: WasmBackend): TensorInfo {
  const [batch, m, k] = shapeOf(a);
  const n = shapeOf(b)[2];
  const out = backend.makeOutput([batch, m, n], 'float32');
  const [aAt, bAt, outAt] = [a, b, out].map((x) => backend.dataIdMap.get(x.dataId).memoryOffset);
  for (let i = 0; i < batch; i++) {
    // Views into the memory of the two: copying each entry out costs more than the products.
    const left = backend.makeOutput([m, k], 'float32', aAt + i * m * k * 4);
    const right = backend.makeOutput([k, n], 'float32', bAt + i * k * n * 4);
    const product = multiply(left, right);
    const from = backend.dataIdMap.get(product.dataId).memoryOffset;
    // HEAPU8 is looked up each time: the heap may have grown and moved.
    backend.wasm.HEAPU8.copyWithin(outAt + i * m * n * 4, from, from + m * n * 4);
    backend.disposeData(product.dataId);
    forget(backend, left);
    forget(backend, right);
  }
  return out;
}

/** Drops a view without freeing memory that is not its own. */
function forget(backend: WasmBackend, view: TensorInfo): void {
  backend.wasm.tfjs.disposeData(backend.dataIdMap.get(view.dataId).id);
  backend.dataIdMap.delete(view.dataId);
}

function swapLast(x: Tensor): Tensor {
  const order = x.shape.map((_, axis) => axis);
  order.splice(-2, 2, x.rank - 1, x.rank - 2);
  return transpose(x, order);
}
