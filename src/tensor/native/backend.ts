// The native backend: TensorFlow.js's CPU backend with its tensors in our arena, where C++ kernels read and write them.
// Every CPU kernel still works on it (fused.ts and plain.ts say which ones C++ has taken over).
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { sizeOf } from '../../base/host-tensor.js';
import type { BackendValues, DataId, DataType, TensorInfo } from '../tf.js';
import { type Addon, otherSources } from './addon.js';
import { Arena, type Block } from './arena.js';
import type { Recording } from './recording.js';

type NativeType = 'float32' | 'int32';

const isNative = (dtype: DataType): dtype is NativeType => dtype === 'float32' || dtype === 'int32';

/** One tensor's memory. JavaScript kernels read `values`; C++ reads the address. */
class NativeData {
  refCount = 1;
  readonly dtype: NativeType;
  readonly size: number;
  readonly block: Block;
  readonly arena: Arena;
  /** Whether the memory has been given back already, though the tensor is there. */
  isLent = false;
  #view: Float32Array | Int32Array | undefined;

  constructor(dtype: NativeType, size: number, arena: Arena) {
    this.dtype = dtype;
    this.size = size;
    this.arena = arena;
    this.block = arena.allocate(size * 4);
  }

  /** A window onto the arena: valid until the tensor is disposed. */
  get values(): Float32Array | Int32Array {
    const make = this.dtype === 'float32' ? Float32Array : Int32Array;
    this.#view ??= new make(this.block.slab.buffer, this.block.offset, this.size);
    return this.#view;
  }

  get address(): number {
    return this.block.slab.base + this.block.offset;
  }
}

export class NativeBackend extends MathBackendCPU {
  readonly addon: Addon;
  readonly arena: Arena;
  /** Names of the JavaScript kernels that have run on this backend, the slow way. */
  readonly javaScriptKernels = new Set<string>();
  /** Sees every call while it is set, and says where new tensors lie. */
  recording: Recording | undefined;
  #frame = new Float64Array(256);
  readonly #index: ReadonlyMap<string, number>;

  constructor(addon: Addon) {
    super();
    this.addon = addon;
    this.arena = new Arena(addon);
    this.#index = new Map(addon.kernels.map((name, index) => [name, index]));
  }

  /** A new tensor whose values are not set yet. */
  allocate(shape: number[], dtype: NativeType = 'float32'): TensorInfo {
    const dataId = {};
    this.#store(dataId, shape, dtype, this.recording?.workspace ?? this.arena);
    return { dataId, shape, dtype };
  }

  /** Another name for the same memory, of a shape of as many elements. */
  alias({ dataId, dtype }: TensorInfo, shape: number[]): TensorInfo {
    this.incRef(dataId);
    return { dataId, shape, dtype };
  }

  /** Runs a C++ kernel that reads `inputs` and fills new float32 tensors of these shapes, which it takes after them. */
  run(
    name: string,
    inputs: readonly TensorInfo[],
    shapes: readonly number[][],
    numbers: readonly number[],
  ): TensorInfo[] {
    const outputs: TensorInfo[] = [];
    try {
      for (const shape of shapes) outputs.push(this.allocate(shape));
      this.call(name, [...inputs, ...outputs], numbers);
      return outputs;
    } catch (error) {
      for (const { dataId } of outputs) this.disposeData(dataId);
      throw error;
    }
  }

  /** Runs a C++ kernel. Throws Error where a tensor is disposed or the kernel refuses the call. */
  call(name: string, tensors: readonly TensorInfo[], numbers: readonly number[]): void {
    const length = 2 + 2 * tensors.length + numbers.length;
    if (length > this.#frame.length) this.#frame = new Float64Array(2 * length);
    const frame = this.#frame;
    frame[0] = tensors.length;
    frame[1] = numbers.length;
    let at = 2;
    for (const tensor of tensors) {
      const data = this.#dataOf(tensor, name);
      frame[at++] = data.address;
      frame[at++] = data.size;
    }
    for (const number of numbers) frame[at++] = number;
    const index = this.#index.get(name);
    if (index === undefined) throw otherSources();
    this.addon.call(index, frame, length);
    this.recording?.add(index, frame.subarray(0, length));
  }

  /**
   * The `size` numbers that a C++ kernel makes of a tensor and of integers that are at hand. What TensorFlow.js does for a
   * tensor on the way costs a decoding step more than the kernel.
   */
  runToHost(
    name: string,
    input: TensorInfo,
    integers: Int32Array,
    size: number,
    numbers: readonly number[],
  ): Float32Array {
    const other = this.allocate([integers.length], 'int32');
    try {
      this.overwrite(other, integers);
      const [result] = this.run(name, [input, other], [[size]], numbers);
      const values = this.readSync(result.dataId) as Float32Array;
      this.disposeData(result.dataId);
      return values;
    } finally {
      this.disposeData(other.dataId);
    }
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: DataId, values: BackendValues, shape: number[], dtype: DataType, refCount: number): void {
    if (!isNative(dtype) || values === null || values === undefined) {
      super.move(dataId, values, shape, dtype, refCount);
      return;
    }
    const data = this.#store(dataId, shape, dtype, this.recording?.constants ?? this.arena);
    data.refCount = refCount;
    data.values.set(values as Float32Array);
  }

  /** A copy: the arena's own memory is used again once the tensor is disposed. */
  override readSync(dataId: DataId): BackendValues {
    const data: unknown = this.data.get(dataId);
    return data instanceof NativeData ? data.values.slice() : super.readSync(dataId);
  }

  /** The one copy of `readSync`, into memory that is there already. */
  readInto(dataId: DataId, into: Float32Array | Int32Array): void {
    const data: unknown = this.data.get(dataId);
    into.set((data instanceof NativeData ? data.values : super.readSync(dataId)) as Float32Array);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const data: unknown = this.data.has(dataId) ? this.data.get(dataId) : undefined;
    const gone = super.disposeData(dataId, force);
    if (gone && data instanceof NativeData && !data.isLent) data.arena.release(data.block);
    return gone;
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: false, reasons: [] };
  }

  /** Gives a tensor's memory back: what is in it stays until somebody else takes it. */
  lend({ dataId }: TensorInfo): void {
    const data: unknown = this.data.get(dataId);
    if (!(data instanceof NativeData)) throw new Error('lend: another tensor');
    if (!data.isLent) data.arena.release(data.block);
    data.isLent = true;
  }

  /** Writes into a tensor that is there already. */
  overwrite({ dataId }: TensorInfo, values: Int32Array | Float32Array): void {
    const data: unknown = this.data.get(dataId);
    if (!(data instanceof NativeData) || data.size !== values.length) throw new Error('overwrite: another tensor');
    data.values.set(values);
  }

  #store(dataId: DataId, shape: readonly number[], dtype: NativeType, arena: Arena): NativeData {
    const data = new NativeData(dtype, sizeOf(shape), arena);
    this.data.set(dataId, data as never); // tfjs types its CPU data by their fields; ours has them as getters
    return data;
  }

  #dataOf({ dataId, dtype }: TensorInfo, kernel: string): NativeData {
    let data: unknown;
    try {
      data = this.data.get(dataId); // moves it here where another backend made it
    } catch {
      throw new Error(`${kernel}: a tensor is disposed`);
    }
    if (data instanceof NativeData) return data;
    throw new Error(`${kernel}: a tensor of dtype ${dtype} has no native form`);
  }
}
