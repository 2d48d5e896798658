// llama.cpp's K-quants: 256 numbers share 16-bit scales, and their groups small whole ones. The searches are those of ggml's
// `quantize_row_q4_K_ref` and `quantize_row_q6_K_ref`, without weights of importance. q4_K takes 4.5 bits a number: 8 groups
// of 32, each with a scale and a minimum of 6 bits; q6_K takes 6.56: 16 groups of 16, each with a signed scale of 8 bits.
import { decodeFloat16, encodeFloat16 } from './float16.js';

/** Rows are stored in whole blocks of so many numbers. */
export const kBlockSize = 256;
const q4BlockBytes = 144;
const q6BlockBytes = 210;
/** A group whose largest magnitude is below is zero. */
const tiny = 1e-15;

/** Halves to the even neighbour, in float32, as ggml rounds. */
function nearest(value: number): number {
  return Math.fround(Math.fround(value) + 12582912) - 12582912;
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** A number as the 16 bits that store it, and as what these stand for; undefined where it is too large. */
function half(value: number): { bits: number; value: number } | undefined {
  const bits = new Uint16Array(1);
  if (encodeFloat16('f16', Float32Array.of(value), bits) !== -1) return undefined;
  const back = new Float32Array(1);
  decodeFloat16('f16', bits, back);
  return { bits: bits[0], value: back[0] };
}

/** Blocks of: d and dmin (f16), 8 pairs of 6-bit scales and minima, 256 × 4 bits. x ≈ d·scale·q − dmin·min. */
export function encodeQ4K(values: Float32Array): Uint8Array | undefined {
  const blocks = values.length / kBlockSize;
  const bytes = new Uint8Array(blocks * q4BlockBytes);
  const view = new DataView(bytes.buffer);
  const [scales, minima] = [new Float32Array(8), new Float32Array(8)];
  const quants = new Uint8Array(kBlockSize);
  for (let block = 0; block < blocks; block++) {
    const x = values.subarray(block * kBlockSize, (block + 1) * kBlockSize);
    const out = block * q4BlockBytes;
    for (let group = 0; group < 8; group++) {
      const fit = fitWithMinimum(
        x.subarray(group * 32, (group + 1) * 32),
        quants.subarray(group * 32, (group + 1) * 32),
      );
      [scales[group], minima[group]] = [fit.scale, fit.minimum];
    }
    const [maxScale, maxMinimum] = [Math.max(0, ...scales), Math.max(0, ...minima)];
    const [d, dmin] = [half(maxScale / 63), half(maxMinimum / 63)];
    if (d === undefined || dmin === undefined) return undefined;
    view.setUint16(out, d.bits, true);
    view.setUint16(out + 2, dmin.bits, true);
    for (let group = 0; group < 8; group++) {
      const scale = maxScale > 0 ? Math.min(63, nearest((63 / maxScale) * scales[group])) : 0;
      const minimum = maxMinimum > 0 ? Math.min(63, nearest((63 / maxMinimum) * minima[group])) : 0;
      storePair(bytes.subarray(out + 4, out + 16), group, scale, minimum);
      const [step, offset] = [Math.fround(d.value * scale), Math.fround(dmin.value * minimum)];
      if (step === 0) continue;
      for (let i = group * 32; i < (group + 1) * 32; i++) quants[i] = clamp(nearest((x[i] + offset) / step), 0, 15);
    }
    for (let i = 0; i < 128; i++) {
      const at = (i >> 5) * 64 + (i & 31);
      bytes[out + 16 + i] = quants[at] | (quants[at + 32] << 4);
    }
  }
  return bytes;
}

/** Scale and minimum of group 0 to 7 in 12 bytes: the first four whole, of the others the upper bits beside those. */
function storePair(bytes: Uint8Array, group: number, scale: number, minimum: number): void {
  if (group < 4) {
    bytes[group] |= scale;
    bytes[group + 4] |= minimum;
  } else {
    bytes[group + 4] = (scale & 15) | ((minimum & 15) << 4);
    bytes[group - 4] |= (scale >> 4) << 6;
    bytes[group] |= (minimum >> 4) << 6;
  }
}

/**
 * scale and minimum ≥ 0 for which scale·q − minimum, q from 0 to 15, comes nearest to the 32 numbers, large ones weighing more;
 * `quants` is that q. Tried for 21 spacings near the range of the numbers, each with the least squares of its rounding.
 */
function fitWithMinimum(x: Float32Array, quants: Uint8Array): { scale: number; minimum: number } {
  const mean = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length);
  const weights = x.map((value) => mean + Math.abs(value));
  let [low, high] = [Math.min(0, ...x), Math.max(...x)];
  if (high <= low) {
    quants.fill(0);
    return { scale: 0, minimum: -low };
  }
  const range = high - low;
  const bottom = low;
  let [sumW, sumX] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    sumW += weights[i];
    sumX += weights[i] * x[i];
  }
  const trial = new Uint8Array(x.length);
  const round = (inverse: number): void => {
    for (let i = 0; i < x.length; i++) trial[i] = clamp(nearest(inverse * (x[i] - bottom)), 0, 15);
  };
  const errorOf = (scale: number, from: number): number => {
    let error = 0;
    for (let i = 0; i < x.length; i++) error += weights[i] * (scale * trial[i] + from - x[i]) ** 2;
    return error;
  };
  let scale = range / 15;
  round(15 / range);
  quants.set(trial);
  let best = errorOf(scale, low);
  for (let step = 0; step <= 20; step++) {
    round((14 + 0.1 * step) / range);
    let [sumL, sumL2, sumXL] = [0, 0, 0];
    for (let i = 0; i < x.length; i++) {
      const weighted = weights[i] * trial[i];
      sumL += weighted;
      sumL2 += weighted * trial[i];
      sumXL += weighted * x[i];
    }
    const determinant = sumW * sumL2 - sumL * sumL;
    if (determinant <= 0) continue;
    let own = (sumW * sumXL - sumX * sumL) / determinant;
    let from = (sumL2 * sumX - sumL * sumXL) / determinant;
    if (from > 0) [own, from] = [sumXL / sumL2, 0];
    const error = errorOf(own, from);
    if (error >= best) continue;
    quants.set(trial);
    [best, scale, low] = [error, own, from];
  }
  return { scale, minimum: -low };
}

/** Blocks of: 256 × lower 4 bits, 256 × upper 2 bits, 16 signed scales, d (f16). x ≈ d·scale·(q − 32). */
export function encodeQ6K(values: Float32Array): Uint8Array | undefined {
  const blocks = values.length / kBlockSize;
  const bytes = new Uint8Array(blocks * q6BlockBytes);
  const view = new DataView(bytes.buffer);
  const scales = new Float32Array(16);
  const quants = new Uint8Array(kBlockSize);
  for (let block = 0; block < blocks; block++) {
    const x = values.subarray(block * kBlockSize, (block + 1) * kBlockSize);
    const out = block * q6BlockBytes;
    let largest = 0;
    for (let group = 0; group < 16; group++) {
      scales[group] = fitSymmetric(
        x.subarray(group * 16, (group + 1) * 16),
        quants.subarray(group * 16, (group + 1) * 16),
      );
      if (Math.abs(scales[group]) > Math.abs(largest)) largest = scales[group];
    }
    if (Math.abs(largest) < tiny) continue; // zeros
    const d = half(largest / -128);
    if (d === undefined) return undefined;
    view.setUint16(out + 208, d.bits, true);
    for (let group = 0; group < 16; group++) {
      const scale = Math.min(127, nearest((-128 / largest) * scales[group]));
      view.setInt8(out + 192 + group, scale);
      const step = Math.fround(d.value * scale);
      if (step === 0) continue;
      for (let i = group * 16; i < (group + 1) * 16; i++) quants[i] = clamp(nearest(x[i] / step), -32, 31) + 32;
    }
    for (let i = 0; i < 64; i++) {
      const at = (i >> 5) * 128 + (i & 31);
      const [a, b, c, e] = [quants[at], quants[at + 32], quants[at + 64], quants[at + 96]];
      const low = out + (i >> 5) * 64 + (i & 31);
      bytes[low] = (a & 15) | ((c & 15) << 4);
      bytes[low + 32] = (b & 15) | ((e & 15) << 4);
      bytes[out + 128 + i] = (a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((e >> 4) << 6);
    }
  }
  return bytes;
}

/** The scale for which scale·(q − 32) comes nearest to 16 numbers that weigh as their squares; `quants` is that q. */
function fitSymmetric(x: Float32Array, quants: Uint8Array): number {
  let largest = 0;
  for (const value of x) if (Math.abs(value) > Math.abs(largest)) largest = value;
  if (Math.abs(largest) < tiny) {
    quants.fill(0);
    return 0;
  }
  let [scale, best] = [0, -1];
  // The plain spacing first: another takes its place only where it is better.
  for (const step of [0, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    const inverse = -(32 + 0.1 * step) / largest;
    let [sumLX, sumL2] = [0, 0];
    for (const value of x) {
      const level = clamp(nearest(inverse * value), -32, 31);
      sumLX += value ** 3 * level;
      sumL2 += value ** 2 * level * level;
    }
    if (sumL2 <= 0 || sumLX * sumLX <= best * sumL2) continue;
    for (let i = 0; i < x.length; i++) quants[i] = clamp(nearest(inverse * x[i]), -32, 31) + 32;
    scale = sumLX / sumL2;
    best = scale * sumLX;
  }
  return scale;
}
