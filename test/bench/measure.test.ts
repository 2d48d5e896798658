// The measurements themselves, on a model too small to be fast: what they count and what they leave behind.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { measureDecode } from '../../src/bench/decode.js';
import { measureGemm, modelProducts, squareProducts } from '../../src/bench/gemm.js';
import { secondsPerCall, spreadOf } from '../../src/bench/measure.js';
import { measureOps } from '../../src/bench/ops.js';
import { trainInChild } from '../../src/bench/run.js';
import { shapeOf } from '../../src/bench/shapes.js';
import { measureTraining, type TrainJob } from '../../src/bench/train.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory, ones } from '../../src/tensor/tf.js';

const shape = shapeOf('100k');
const peaks = { fp32PeakGflops: 100, bf16PeakGflops: null };
const brief = { seconds: 0.002 };
const job: TrainJob = { shape: '100k', precision: 'fp32', backend: 'wasm', steps: 2, seed: 3 };

before(() => openBackend('wasm'));

const close = (actual: number, expected: number): void => {
  assert.ok(Math.abs(actual / expected - 1) < 1e-9, `${actual} is not ${expected}`);
};

test('median and quartiles', () => {
  assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { low: 2, median: 3, high: 4 });
  assert.deepEqual(spreadOf([1, 2]), { low: 1.25, median: 1.5, high: 1.75 });
});

test('a call is timed whole, and its tensors are gone afterwards', () => {
  const before = memory().numTensors;
  let calls = 0;
  const work = () => {
    calls++;
    const ends = performance.now() + 3;
    while (performance.now() < ends);
    return ones([2, 2]);
  };
  const { median } = secondsPerCall(work, { seconds: 0.05 });
  assert.ok(median >= 0.003, `${median} s`);
  assert.ok(calls >= 4, `${calls} calls: a warm-up and three samples at least`);
  assert.equal(memory().numTensors, before);
});

test('products: the backward pass is two, and the share is of the peak', () => {
  const before = memory().numTensors;
  const results = [
    ...measureGemm([...squareProducts([32]), ...modelProducts(shape)], { precision: 'fp32', peaks }, brief),
  ];
  assert.equal(memory().numTensors, before);
  assert.equal(results.length, 10);
  for (const { pass, m, n, k, milliseconds, gflops, ofPeak } of results) {
    close(gflops * milliseconds * 1e6, (pass === 'forward' ? 2 : 4) * m * n * k);
    close(ofPeak ?? 0, gflops / 100);
  }
  const down = results.find(({ name }) => name === '100k down_proj');
  assert.deepEqual([down?.m, down?.n, down?.k], [128, 64, 192]);
});

test('every fused op is measured against its roofline', () => {
  const before = memory().numTensors;
  const results = [...measureOps(shape, { precision: 'fp32', peaks, bandwidthGBs: 10 }, brief)];
  assert.equal(memory().numTensors, before);
  const files = readdirSync(new URL('../../src/tensor/ops', import.meta.url)).filter((name) => name !== 'index.ts');
  const plain = (name: string): string => name.replace(/\.ts$|-/g, '').toLowerCase();
  assert.deepEqual([...new Set(results.map(({ op }) => plain(op)))].sort(), files.map(plain).sort());
  for (const { op, pass, milliseconds, gflops, gigabytesPerSecond, bound, ofRoofline } of results) {
    assert.equal(bound, gflops / 100 > gigabytesPerSecond / 10 ? 'compute' : 'memory', `${op} ${pass}`);
    close(ofRoofline ?? 0, Math.max(gflops / 100, gigabytesPerSecond / 10));
    assert.ok(milliseconds > 0);
  }
  const boundOf = (name: string) => results.find(({ op, pass }) => op === name && pass === 'backward')?.bound;
  assert.deepEqual([boundOf('Swiglu'), boundOf('CrossEntropy')], ['memory', 'compute']);
  const unknown = {
    precision: 'fp32',
    peaks: { fp32PeakGflops: null, bf16PeakGflops: null },
    bandwidthGBs: null,
  } as const;
  const [first] = measureOps(shape, unknown, brief);
  assert.deepEqual([first.bound, first.ofRoofline], [null, null]);
});

test('decoding counts the rows of every step, and leaves no tensor', async () => {
  const before = memory().numTensors;
  const context = { precision: 'fp32', seed: 1, bandwidthGBs: 1, steps: 4 } as const;
  const one = await measureDecode(shape, { ...context, batch: 1 });
  const eight = await measureDecode(shape, { ...context, batch: 8 });
  assert.equal(memory().numTensors, before);
  // 139,712 weights and 12 columns of 2 layers · 2 · 64 numbers, 4 bytes each, at 1 GB/s.
  close(one.ofBandwidth ?? 0, (one.tokensPerSecond * 4 * (139_712 + 12 * 256)) / 1e9);
  close(eight.ofBandwidth ?? 0, ((eight.tokensPerSecond / 8) * 4 * (139_712 + 8 * 12 * 256)) / 1e9);
});

test('training in a child gives the same bits as here, and a peak of memory of its own', async () => {
  const here = await measureTraining(job);
  const ballast = Buffer.alloc(400 << 20, 1);
  const there = await trainInChild(job);
  assert.equal(there.loss, here.loss);
  assert.ok(Math.abs(here.loss - Math.log(512)) < 0.1, `${here.loss}: random tokens cannot be predicted`);
  assert.deepEqual([there.steps, there.tokensPerStep, there.parameters], [2, 128, 139_712]);
  close(there.gflops, (there.tokensPerSecond * there.flopsPerToken) / 1e9);
  const ownPeak = process.resourceUsage().maxRSS / 1024;
  assert.ok(there.peakRssMiB > 50 && there.peakRssMiB < ownPeak - 200, `${there.peakRssMiB} of ${ownPeak} MiB`);
  assert.equal(ballast[1], 1);
});

test('what goes wrong in the child is said here', async () => {
  await assert.rejects(trainInChild({ ...job, precision: 'bf16' }), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /the backend wasm computes in fp32 only/);
    return true;
  });
});
