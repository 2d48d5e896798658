// GGUF, llama.cpp's one-file model format: magic and version, counts, metadata (name, type, value), tensor headers (name,
// dimensions innermost first, dtype, offset), then the aligned tensors. Everything is little-endian.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

export const magic = 0x46554747; // "GGUF"
export const version = 3;
export const alignment = 32;

/** Metadata value types by their number in the file. */
export const valueTypes = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'float32',
  'bool',
  'string',
  'array',
  'uint64',
  'int64',
  'float64',
] as const;
export type ValueType = (typeof valueTypes)[number];

/** ggml's dtypes: number in the file, numbers in a block, bytes of a block. */
const dtypeTable = {
  f32: [0, 1, 4],
  f16: [1, 1, 2],
  q4_0: [2, 32, 18],
  q4_1: [3, 32, 20],
  q5_0: [6, 32, 22],
  q5_1: [7, 32, 24],
  q8_0: [8, 32, 34],
  q8_1: [9, 32, 40],
  q2_k: [10, 256, 84],
  q3_k: [11, 256, 110],
  q4_k: [12, 256, 144],
  q5_k: [13, 256, 176],
  q6_k: [14, 256, 210],
  q8_k: [15, 256, 292],
  iq2_xxs: [16, 256, 66],
  iq2_xs: [17, 256, 74],
  iq3_xxs: [18, 256, 98],
  iq1_s: [19, 256, 50],
  iq4_nl: [20, 32, 18],
  iq3_s: [21, 256, 110],
  iq2_s: [22, 256, 82],
  iq4_xs: [23, 256, 136],
  i8: [24, 1, 1],
  i16: [25, 1, 2],
  i32: [26, 1, 4],
  i64: [27, 1, 8],
  f64: [28, 1, 8],
  iq1_m: [29, 256, 56],
  bf16: [30, 1, 2],
  tq1_0: [34, 256, 54],
  tq2_0: [35, 256, 66],
  mxfp4: [39, 32, 17],
  nvfp4: [40, 64, 36],
  q1_0: [41, 128, 18],
} as const satisfies Record<string, readonly [number, number, number]>;
export type GgmlDtype = keyof typeof dtypeTable;

export const dtypeNames = Object.keys(dtypeTable) as GgmlDtype[];

/** `block` numbers are stored together, in `blockBytes` bytes; a row holds whole blocks. */
export function dtypeInfo(name: GgmlDtype): { id: number; block: number; blockBytes: number } {
  const [id, block, blockBytes] = dtypeTable[name];
  return { id, block, blockBytes };
}

/** Up to the next multiple of `step`. */
export function align(offset: number, step: number): number {
  return Math.ceil(offset / step) * step;
}
