// Float32 numbers into the bytes that GGUF stores. q8_0 (ggml): blocks of 32 numbers share one f16 scale, the
// largest magnitude / 127, and keep one signed byte each; 8.5 bits a number.
import { UserError } from '../base/errors.js';
import { formatCount, shorten } from '../base/format.js';
import { decodeFloat16, encodeFloat16, type FloatDtype } from './float16.js';
import { encodeQ4K, encodeQ6K } from './quantize-k.js';

/** How one tensor is stored. */
export type GgufDtype = FloatDtype | 'q8_0' | 'q4_k' | 'q6_k';
/** How a file is: q4_K_M is llama.cpp's mixture of q4_k and q6_k. */
export type GgufFileDtype = FloatDtype | 'q8_0' | 'q4_K_M';

/** Rows are stored in whole blocks: a row of q8_0 must be a multiple of this long. */
export const q8BlockSize = 32;
const q8BlockBytes = 2 + q8BlockSize;

/**
 * Little-endian bytes of `values`.
 * @returns undefined where a number is too large for the dtype.
 */
export function encodeNumbers(values: Float32Array, dtype: GgufDtype): Uint8Array | undefined {
  if (dtype === 'f32') return bytesOf(values);
  if (dtype === 'q8_0') return encodeQ8(values);
  if (dtype === 'q4_k') return encodeQ4K(values);
  if (dtype === 'q6_k') return encodeQ6K(values);
  const halves = new Uint16Array(values.length);
  return encodeFloat16(dtype, values, halves) === -1 ? bytesOf(halves) : undefined;
}

/** From here on a number rounds to infinity; q8_0 stores its largest, divided by 127, as f16, and the K-quants about theirs. */
const limits = {
  ...{ f16: 65520, bf16: 2 ** 128 - 2 ** 119, f32: Number.POSITIVE_INFINITY },
  ...{ q8_0: 65520 * 127, q4_k: 65520 * 63, q6_k: 65520 * 128 * 31 },
};
const ends = { f16: '65504', bf16: '3.39e38', q8_0: '8.32e6', q4_k: '4.1e6', q6_k: '2.6e8', f32: '3.40e38' };

/** For a tensor that holds numbers too large for `dtype`. `next`: what to type, where that is no --dtype. */
export function tooLarge(
  name: string,
  data: Float32Array,
  dtype: GgufDtype,
  where?: string,
  next = dtype === 'bf16' ? 'Use --dtype f32' : 'Use --dtype bf16 or --dtype f32',
): UserError {
  let [count, largest] = [0, 0];
  for (const value of data) {
    const size = Math.abs(value);
    if (size >= limits[dtype]) count++;
    if (size > largest) largest = size;
  }
  return new UserError({
    what: `${JSON.stringify(shorten(name, 80))} does not fit into ${dtype}: ${formatCount(count)} of ${formatCount(data.length)} numbers would become infinite`,
    where,
    why: `the largest is ${largest}; ${dtype} ends at ${ends[dtype]}`,
    next,
  });
}

/** Bit for bit ggml's `quantize_row_q8_0_ref`: every step rounded to float32, halves rounded away from zero. */
function encodeQ8(values: Float32Array): Uint8Array | undefined {
  const blocks = values.length / q8BlockSize;
  const bytes = new Uint8Array(blocks * q8BlockBytes);
  const quants = new Int8Array(bytes.buffer);
  const scales = new Float32Array(blocks);
  for (let block = 0; block < blocks; block++) {
    const start = block * q8BlockSize;
    let largest = 0;
    for (let i = start; i < start + q8BlockSize; i++) largest = Math.max(largest, Math.abs(values[i]));
    scales[block] = largest / 127;
    const inverse = scales[block] === 0 ? 0 : Math.fround(1 / scales[block]);
    const offset = block * q8BlockBytes + 2 - start;
    for (let i = start; i < start + q8BlockSize; i++) {
      const scaled = Math.fround(values[i] * inverse);
      const size = Math.min(127, Math.floor(Math.abs(scaled) + 0.5)); // the inverse of a subnormal scale is infinite
      quants[offset + i] = scaled < 0 ? -size : size;
    }
  }
  const halves = new Uint16Array(blocks);
  if (encodeFloat16('f16', scales, halves) !== -1) return undefined;
  for (let block = 0; block < blocks; block++) {
    bytes[block * q8BlockBytes] = halves[block];
    bytes[block * q8BlockBytes + 1] = halves[block] >>> 8;
  }
  return bytes;
}

/** The numbers that blocks of q8_0 stand for: each is its block's scale times a whole number, rounded to float32. */
export function decodeQ8(bytes: Uint8Array): Float32Array {
  const blocks = bytes.length / q8BlockBytes;
  const quants = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const halves = Uint16Array.from({ length: blocks }, (_, block) => {
    const at = block * q8BlockBytes;
    return bytes[at] | (bytes[at + 1] << 8);
  });
  const scales = new Float32Array(blocks);
  decodeFloat16('f16', halves, scales);
  const values = new Float32Array(blocks * q8BlockSize);
  for (let i = 0; i < values.length; i++) {
    const block = Math.floor(i / q8BlockSize);
    values[i] = scales[block] * quants[block * q8BlockBytes + 2 + (i % q8BlockSize)];
  }
  return values;
}

function bytesOf(data: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
