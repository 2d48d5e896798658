// Every 16-bit pattern against plain arithmetic, and rounding against numpy and torch (scripts/golden/make_float16.py).
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { decodeFloat16, encodeFloat16, type Float16Dtype } from '../../src/checkpoint/float16.js';

const patterns = Uint16Array.from({ length: 0x10000 }, (_, pattern) => pattern);

/** Sign · 2^exponent · 1.fraction, as the standard says it. */
function half(pattern: number): number {
  const sign = pattern >> 15 === 0 ? 1 : -1;
  const exponent = (pattern >> 10) & 31;
  const fraction = (pattern & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * 2 ** -14 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction);
}

/** A bfloat16 is a float32 whose lower half is zero. */
function bfloat(pattern: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, pattern);
  return view.getFloat32(0);
}

for (const [dtype, meaning] of [
  ['f16', half],
  ['bf16', bfloat],
] as const) {
  test(`${dtype}: all 65,536 patterns mean what the standard says, and come back`, () => {
    const values = new Float32Array(patterns.length);
    decodeFloat16(dtype, patterns, values);
    for (let i = 0; i < values.length; i++) assert.ok(Object.is(values[i], meaning(i)), `${i}: ${values[i]}`);
    const back = new Uint16Array(patterns.length);
    assert.equal(encodeFloat16(dtype, values, back), -1);
    for (let i = 0; i < values.length; i++) {
      if (Number.isNaN(values[i])) assert.ok(Number.isNaN(meaning(back[i])), `NaN ${i} became ${back[i]}`);
      else assert.equal(back[i], i);
    }
  });

  test(`${dtype}: halfway between two neighbours goes to the even one, just beyond it to the nearer one`, () => {
    const last = dtype === 'f16' ? 0x7bff : 0x7f7f;
    const probes = Float32Array.from({ length: last * 3 }, (_, i) => {
      const low = meaning(Math.floor(i / 3));
      const middle = (low + meaning(Math.floor(i / 3) + 1 > last ? last : Math.floor(i / 3) + 1)) / 2;
      return i % 3 === 0 ? middle : nextFloat(middle, i % 3 === 1 ? -1 : 1);
    });
    const rounded = new Uint16Array(probes.length);
    encodeFloat16(dtype, probes, rounded);
    for (let low = 0; low < last; low++) {
      assert.equal(rounded[low * 3], low + (low & 1), `halfway above ${low}`);
      assert.equal(rounded[low * 3 + 1], low, `below halfway above ${low}`);
      assert.equal(rounded[low * 3 + 2], low + 1, `beyond halfway above ${low}`);
    }
  });
}

/** The float32 beside a positive one. */
function nextFloat(value: number, direction: 1 | -1): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] += direction;
  return new Float32Array(bits.buffer)[0];
}

test('the first number that is too large is reported; infinities are not', () => {
  const target = new Uint16Array(4);
  const limit: Record<Float16Dtype, [number, number]> = { f16: [65519.996, 65520], bf16: [3.3895e38, 3.4e38] };
  for (const [dtype, [fits, overflows]] of Object.entries(limit) as [Float16Dtype, [number, number]][]) {
    assert.equal(encodeFloat16(dtype, Float32Array.of(fits, -fits, Infinity, -Infinity), target), -1);
    assert.equal(encodeFloat16(dtype, Float32Array.of(1, Infinity, -overflows, overflows), target), 2);
  }
});

test('4 million float32 patterns round as numpy and torch round them', () => {
  const bits = Uint32Array.from({ length: 1 << 22 }, (_, i) => i * 1021 + 511);
  const values = new Float32Array(bits.buffer).filter((value) => !Number.isNaN(value));
  assert.equal(values.length, 4186088);
  const rounded = new Uint16Array(values.length);
  const digest = (dtype: Float16Dtype) => {
    encodeFloat16(dtype, values, rounded);
    return createHash('sha256').update(rounded).digest('hex');
  };
  assert.equal(digest('f16'), '3873c096d6a476ae06db3811c3702d336b017edc553a318a5727bf7b65a5f74b');
  assert.equal(digest('bf16'), '70a1766b9a637e0061ee390453fb7f0c59bc7cf7eb60a3cec141d06bf96e5bf7');
});
