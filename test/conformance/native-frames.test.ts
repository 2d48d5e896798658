// The border between JavaScript and C++: whatever numbers come over it, a kernel answers with a JavaScript error or
// does its work inside the registered memory. A crash, or a report of `npm run test:sanitize`, fails this file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { type Addon, loadAddon } from '../../src/tensor/native/addon.js';

const rounds = 4000;
const wild = [
  Number.NaN,
  -1,
  -2,
  -3,
  0.5,
  1e300,
  -1e300,
  Infinity,
  2 ** 31,
  2 ** 32,
  2 ** 40,
  2 ** 53,
  2 ** 62,
  2 ** 63,
];
const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 65];

function addonOrReason(): Addon | string {
  try {
    return loadAddon();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('random frames are refused with an Error that names the kernel, or computed; the process lives on', (t) => {
  const addon = addonOrReason();
  if (typeof addon === 'string') return t.skip(addon);
  const random = Random.stream(7, 'frames');
  const pick = (list: readonly number[]): number => list[random.integer(0, list.length)];
  const often = (share: number): boolean => random.uniform() < share;

  const slab = new ArrayBuffer(1 << 20);
  const base = addon.addSlab(slab);
  const frame = new Float64Array(64);
  let refused = 0;
  for (let kernel = 0; kernel < addon.kernels.length; kernel++) {
    for (let round = 0; round < rounds; round++) {
      const [a, b, c] = [pick(sizes), pick(sizes), pick(sizes)];
      const products = [a, b, c, a * b, b * c, a * c, a * b * c, 0];
      const [tensors, numbers] = [random.integer(0, 11), random.integer(0, often(0.1) ? 40 : 11)];
      let length = 0;
      const put = (value: number): void => {
        frame[length++] = often(0.03) ? pick(wild) : value;
      };
      put(tensors);
      put(numbers);
      for (let i = 0; i < tensors; i++) {
        const size = pick(products);
        const end = often(0.5) ? slab.byteLength : 4 * random.integer(size, slab.byteLength / 4); // at the very edge
        put(base + end - 4 * size);
        put(size);
      }
      for (let i = 0; i < numbers; i++) put(often(0.15) ? pick(wild) : pick([a, b, c]));
      try {
        addon.call(kernel, frame, length);
      } catch (error) {
        refused++;
        assert.ok(error instanceof Error);
        assert.match(error.message, new RegExp(`^(call|${addon.kernels[kernel]}): .`));
      }
    }
  }
  addon.removeSlab(base);
  assert.ok(refused > (addon.kernels.length * rounds) / 2, `${refused} refused`);
});

test('a rotary frame carries D/2 frequencies, of as wide a head as there is, and no others', (t) => {
  const addon = addonOrReason();
  if (typeof addon === 'string') return t.skip(addon);
  const slab = new ArrayBuffer(1 << 20);
  const base = addon.addSlab(slab);
  const kernel = addon.kernels.indexOf('Rotary');
  const [n, heads] = [2, 1];
  const positions = new Int32Array(slab, 0, n).fill(3);
  /** Turns x full of ones; `given` frequencies of 0.5, where D/2 are due. */
  const turn = (d: number, given: number, at: Partial<Record<number, number>> = {}): Float32Array => {
    const size = n * heads * d;
    const [x, y] = [new Float32Array(slab, 64, size).fill(1), new Float32Array(slab, 64 + 4 * size, size).fill(0)];
    const tensors = [x, positions, y].flatMap(({ byteOffset, length }) => [base + byteOffset, length]);
    const numbers = [n, heads, d, 1, 2, ...Array.from({ length: given }, () => 0.5)];
    for (const [index, value] of Object.entries(at)) numbers[Number(index)] = value as number;
    const frame = Float64Array.from([3, numbers.length, ...tensors, ...numbers]);
    addon.call(kernel, frame, frame.length);
    return y;
  };
  for (const d of [2, 64, 512, 8192]) {
    const y = turn(d, d / 2);
    assert.ok(Math.abs(y[0] - 2 * (Math.cos(1.5) - Math.sin(1.5))) < 1e-6, `${d}: ${y[0]}`);
    assert.ok(Math.abs(y[2 * d - 1] - 2 * (Math.cos(1.5) + Math.sin(1.5))) < 1e-6, `${d}: ${y[2 * d - 1]}`);
    for (const given of [0, d / 2 - 1, d / 2 + 1, d]) {
      if (given !== d / 2) assert.throws(() => turn(d, given), /^Error: Rotary: D\/2 frequencies$/);
    }
  }
  for (const wrong of [Number.NaN, Infinity, -Infinity, 1e300]) {
    for (const index of [4, 5, 36])
      assert.throws(() => turn(64, 32, { [index]: wrong }), /^Error: Rotary: a frequency/);
  }
  positions.fill(-1);
  assert.throws(() => turn(64, 32), /a position is not in/);
  addon.removeSlab(base);
});

test('what is no kernel, no frame or no memory is refused', (t) => {
  const addon = addonOrReason();
  if (typeof addon === 'string') return t.skip(addon);
  const frame = new Float64Array([1, 0, 4096, 16]);
  assert.throws(() => addon.call(addon.kernels.length, frame, 4), /no such kernel/);
  for (const frames of [[0], [0, -1], [0, 3, 0, 0], [0, Number.NaN], [0, 2, 0, 0, 0], [0, 2 ** 62, 0]]) {
    const wrong = Float64Array.from(frames);
    for (const replay of [
      () => addon.replay(wrong),
      () => addon.replayTwo(wrong, wrong, 0),
      () => addon.replayTwo(wrong, wrong, wrong.length),
    ]) {
      assert.throws(replay, /^Error: (replay|call|[A-Z]\w*): ./, `${frames}`);
    }
  }
  assert.throws(() => addon.replay(Float64Array.from([addon.kernels.length, 2, 0, 0])), /no such kernel/);
  for (const lead of [-1, 0.5, 3, Number.NaN]) {
    assert.throws(() => addon.replayTwo(new Float64Array(2), new Float64Array(2), lead), /^Error: replayTwo: the lead/);
  }
  assert.throws(() => addon.call(-1, frame, 4), /no such kernel/);
  assert.throws(() => addon.call(0, frame, 5), /call: /);
  assert.throws(() => addon.call(0, frame, 4), /not in the arena/);
  assert.throws(() => Reflect.apply(addon.call, addon, [0, new Float32Array(4), 4]), /Float64Array/);
  assert.throws(() => Reflect.apply(addon.call, addon, []), Error);
  assert.throws(() => Reflect.apply(addon.addSlab, addon, [{}]), Error);
  assert.throws(() => addon.setThreads(0), Error);
  assert.throws(() => addon.setThreads(1e9), Error);
});
