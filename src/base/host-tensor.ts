// A tensor outside any compute backend: what checkpoints store and models are made from.

export interface HostTensor {
  name: string;
  shape: number[];
  /** Row-major. */
  data: Float32Array;
}

/** Numbers in a tensor of this shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
