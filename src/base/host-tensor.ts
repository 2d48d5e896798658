// A tensor outside any compute backend: what checkpoints store and models are made from.

export interface HostTensor {
  name: string;
  shape: number[];
  /** Row-major. */
  readonly data: Float32Array;
  /** The same numbers as the bits of bf16, where they were stored so and nobody has asked for `data` yet. */
  readonly halves?: Uint16Array;
}

/** A tensor that was stored as bf16, and stays so, half as large, until its numbers are asked for. */
export function halfTensor(name: string, shape: number[], halves: Uint16Array): HostTensor {
  let held: Uint16Array | undefined = halves;
  let data: Float32Array | undefined;
  const widened = (): Float32Array => {
    if (held !== undefined) data = widenedFrom(held);
    held = undefined; // whoever has the numbers may change them
    return data as Float32Array;
  };
  // A copy of its fields, `{ ...tensor }`, has `data` alone.
  return Object.defineProperties({ name, shape } as HostTensor, {
    data: { enumerable: true, get: widened },
    halves: { enumerable: false, get: () => held },
  });
}

function widenedFrom(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}

/** The same tensor under another name. */
export function renamed(tensor: HostTensor, name: string): HostTensor {
  const { shape, halves } = tensor;
  return halves === undefined ? { ...tensor, name } : halfTensor(name, shape, halves);
}

/** Its numbers, of which it keeps no copy that it had not before. */
export const floatsOf = (tensor: HostTensor): Float32Array =>
  tensor.halves === undefined ? tensor.data : widenedFrom(tensor.halves);

/** The numbers of a tensor as bf16, where each of them is one: what was imported from bf16 and stored as float32 is. */
export function halvesOf(tensor: HostTensor): Uint16Array | undefined {
  return tensor.halves ?? narrowed(tensor.data);
}

function narrowed(data: Float32Array): Uint16Array | undefined {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i] & 0xffff) !== 0) return undefined;
    halves[i] = bits[i] >>> 16;
  }
  return halves;
}

/** Numbers that it holds. */
export const countIn = (tensor: HostTensor): number => (tensor.halves ?? tensor.data).length;

/** Numbers in a tensor of this shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
