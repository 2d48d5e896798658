// The two 16-bit floats of model files. Reading them is exact; writing rounds to the nearest, ties to even, as every
// tensor library does. float16 (IEEE 754 half) has 5 exponent bits, bfloat16 is the upper half of a float32.

export type FloatDtype = 'f32' | 'f16' | 'bf16';
export type Float16Dtype = Exclude<FloatDtype, 'f32'>;

/** NaN keeps its sign and payload. `target` is as long as `source`. */
export function decodeFloat16(dtype: Float16Dtype, source: Uint16Array, target: Float32Array): void {
  const bits = bitsOf(target);
  if (dtype === 'bf16') for (let i = 0; i < source.length; i++) bits[i] = source[i] << 16;
  else for (let i = 0; i < source.length; i++) bits[i] = fromHalf(source[i]);
}

/**
 * Rounds `source` into `target`. NaN stays NaN, an infinity stays one.
 * @returns the index of the first finite number too large for `dtype`; -1 where all fit.
 */
export function encodeFloat16(dtype: Float16Dtype, source: Float32Array, target: Uint16Array): number {
  const bits = bitsOf(source);
  if (dtype === 'bf16') for (let i = 0; i < bits.length; i++) target[i] = toBfloat(bits[i]);
  else for (let i = 0; i < bits.length; i++) target[i] = toHalf(bits[i]);
  const infinity = dtype === 'bf16' ? 0x7f80 : 0x7c00;
  for (let i = 0; i < bits.length; i++) {
    if ((target[i] & 0x7fff) === infinity && (bits[i] & 0x7fffffff) !== 0x7f800000) return i;
  }
  return -1;
}

function toBfloat(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // NaN whose kept bits are zero must not become infinity
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** From the bits of a float32: 1 sign, 8 exponent (bias 127), 23 fraction. */
function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff);
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above
  // Normal: the exponent's bias drops by 112. A carry out of the fraction moves the exponent, up to infinity.
  if (magnitude >= 0x38800000) return sign | (roundShift(magnitude, 13) - (112 << 10));
  if (magnitude < 0x33000000) return sign; // below half of the smallest, 2^-24
  // Subnormal: the fraction with its implied one, in units of 2^-24.
  return sign | roundShift((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23));
}

/** `value / 2^shift`, to the nearest, ties to even. */
function roundShift(value: number, shift: number): number {
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const down = value >>> shift;
  return rest > half || (rest === half && (down & 1) === 1) ? down + 1 : down;
}

/** The bits of the same number as a float32. */
function fromHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const leading = Math.clz32(fraction) - 21; // shifts until the implied one stands in bit 10
  return sign | ((113 - leading) << 23) | (((fraction << leading) & 0x3ff) << 13);
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
