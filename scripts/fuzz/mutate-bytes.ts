// Damage to bytes whose meaning nobody looks at: flipped bits, cuts, splices of two files, boundary values of integers.
import type { Random } from '../../src/base/random.js';

/** No mutated input grows beyond this. */
export const maxInputBytes = 1 << 20;

/** Values around which size computations overflow, go negative or lose precision. */
const boundaries: readonly bigint[] = [
  0n,
  1n,
  7n,
  8n,
  127n,
  128n,
  255n,
  256n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x1_0000n,
  100_000_000n,
  100_000_001n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1f_ffff_ffff_ffffn,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
];

type Operation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const operations: readonly Operation[] = [
  flipBit,
  flipBit,
  setByte,
  setInteger,
  setInteger,
  truncate,
  remove,
  repeat,
  splice,
  insertNoise,
  blank,
];

/** One to four operations on a copy of `seed`. */
export function mutateBytes(random: Random, seed: Buffer, others: readonly Buffer[] = [seed]): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let i = random.integer(1, 5); i > 0; i--) bytes = random.choose(operations)(bytes, random, others);
  return bytes.subarray(0, maxInputBytes);
}

/** Half of the positions lie in the first 256 bytes, where formats keep what everything else depends on. */
function position(bytes: Buffer, random: Random): number {
  const end = random.uniform() < 0.5 ? Math.min(256, bytes.length) : bytes.length;
  return random.integer(0, Math.max(1, end));
}

/** A stretch: most are short. */
function stretch(bytes: Buffer, random: Random): [number, number] {
  const start = position(bytes, random);
  const length = Math.floor(random.uniform() ** 4 * (bytes.length - start)) + 1;
  return [start, Math.min(bytes.length, start + length)];
}

function flipBit(bytes: Buffer, random: Random): Buffer {
  if (bytes.length > 0) bytes[position(bytes, random)] ^= 1 << random.integer(0, 8);
  return bytes;
}

function setByte(bytes: Buffer, random: Random): Buffer {
  if (bytes.length > 0) bytes[position(bytes, random)] = random.integer(0, 256);
  return bytes;
}

/** An integer of 2, 4 or 8 bytes, of either byte order, at a place that is mostly aligned. */
function setInteger(bytes: Buffer, random: Random): Buffer {
  const width = random.choose([2, 4, 8]);
  if (bytes.length < width) return bytes;
  const at = Math.min(position(bytes, random), bytes.length - width);
  const aligned = random.uniform() < 0.7 ? at - (at % width) : at;
  const value = BigInt.asUintN(8 * width, random.choose(boundaries));
  const littleEndian = random.uniform() < 0.8;
  for (let i = 0; i < width; i++) {
    const shift = BigInt(8 * (littleEndian ? i : width - 1 - i));
    bytes[aligned + i] = Number((value >> shift) & 0xffn);
  }
  return bytes;
}

function truncate(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, position(bytes, random));
}

function remove(bytes: Buffer, random: Random): Buffer {
  const [start, end] = stretch(bytes, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
}

function repeat(bytes: Buffer, random: Random): Buffer {
  const [start, end] = stretch(bytes, random);
  const room = Math.max(0, maxInputBytes - bytes.length);
  const times = Math.min(random.choose([1, 2, 16, 1024]), Math.floor(room / Math.max(1, end - start)));
  const copies = Array.from({ length: times }, () => bytes.subarray(start, end));
  return Buffer.concat([bytes.subarray(0, end), ...copies, bytes.subarray(end)]);
}

function splice(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  const [start, end] = stretch(bytes, random);
  const other = random.choose(others);
  const [otherStart, otherEnd] = stretch(other, random);
  return Buffer.concat([bytes.subarray(0, start), other.subarray(otherStart, otherEnd), bytes.subarray(end)]);
}

function insertNoise(bytes: Buffer, random: Random): Buffer {
  const at = position(bytes, random);
  const noise = Buffer.from(Array.from({ length: random.integer(1, 64) }, () => random.integer(0, 256)));
  return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
}

function blank(bytes: Buffer, random: Random): Buffer {
  const [start, end] = stretch(bytes, random);
  return bytes.fill(random.choose([0, 0xff, 0x20]), start, end);
}
