// Values of tensors on the host. A read is awaited, for a device computes behind the program, and copies once: what was read
// is the reader's own. Nothing may be awaited inside `tidy`: `readResult` takes what is to be computed in one.
import { type DataId, engine, type Tensor, type TensorInfo, tensor, tidy, type Variable, variable } from './tf.js';

/** Backends whose reads are copies; another may hand out its own memory, as tensorflow does of what no kernel has read yet. */
const copying = ['native', 'wasm'];

export async function read(tensor: Tensor): Promise<Float32Array> {
  const values = (await tensor.data()) as Float32Array;
  return copying.includes(engine().backendName) ? values : values.slice();
}

/** Into memory of the reader's, of as many elements. */
export async function readInto(tensor: Tensor, into: Float32Array | Int32Array): Promise<void> {
  const backend = engine().backend as { readInto?(dataId: DataId, into: Float32Array | Int32Array): void };
  if (backend.readInto === undefined) into.set((await tensor.data()) as Float32Array | Int32Array);
  else backend.readInto(tensor.dataId, into);
}

/** The same where nothing can be awaited: a device is waited for. */
export function readNow(tensor: Tensor, into: Float32Array): void {
  const backend = engine().backend as { readInto?(dataId: DataId, into: Float32Array): void };
  if (backend.readInto === undefined) into.set(tensor.dataSync() as Float32Array);
  else backend.readInto(tensor.dataId, into);
}

/** A tensor of its own of values that may change afterwards. */
export function copyOf(values: Float32Array, shape: number[]): Tensor {
  return tensor(copying.includes(engine().backendName) ? values : values.slice(), shape, 'float32');
}

/** The same as a variable. */
export function variableOf(values: Float32Array, shape: number[]): Variable {
  const initial = copyOf(values, shape);
  const value = variable(initial);
  initial.dispose();
  return value;
}

/** A variable's values become these, as many as it has. */
export function overwrite(value: Variable, values: Float32Array): void {
  const backend = engine().backend as { overwrite?(tensor: TensorInfo, values: Float32Array): void };
  if (backend.overwrite !== undefined) {
    backend.overwrite(value, values);
    return;
  }
  const copy = copyOf(values, value.shape);
  value.assign(copy);
  copy.dispose();
}

/** The values of the tensor that `compute` returns; none is left of what it computes. */
export async function readResult(compute: () => Tensor): Promise<Float32Array> {
  const result = tidy(compute);
  try {
    return await read(result);
  } finally {
    result.dispose();
  }
}
