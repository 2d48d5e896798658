// The measurements themselves, on a model too small to be fast: what they count and what they leave behind.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { inChild } from '../../src/bench/compute.js';
import { decodeShares, measureDecode } from '../../src/bench/decode.js';
import { measureGemm, modelProducts, squareProducts } from '../../src/bench/gemm.js';
import { secondsPerCall, spreadOf } from '../../src/bench/measure.js';
import { measureOps } from '../../src/bench/ops.js';
import { measureRollouts, rolloutSettings, rolloutShares } from '../../src/bench/rollouts.js';
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
  const results = [...measureOps(shape, { precision: 'fp32', limits: { peakGflops: 100, bandwidthGBs: 10 } }, brief)];
  assert.equal(memory().numTensors, before);
  const files = readdirSync(new URL('../../src/tensor/ops', import.meta.url)).filter(
    (name) => name.endsWith('.ts') && name !== 'index.ts' && !name.startsWith('sample-'), // drawing is measured as a part of decoding
  );
  const plain = (name: string): string => name.replace(/\.ts$|-/g, '').toLowerCase();
  assert.deepEqual([...new Set(results.map(({ op }) => plain(op)))].sort(), files.map(plain).sort());
  for (const { op, pass, milliseconds, gflops, gigabytesPerSecond, bound, ofRoofline } of results) {
    assert.equal(bound, gflops / 100 > gigabytesPerSecond / 10 ? 'compute' : 'memory', `${op} ${pass}`);
    close(ofRoofline ?? 0, Math.max(gflops / 100, gigabytesPerSecond / 10));
    assert.ok(milliseconds > 0);
  }
  const boundOf = (name: string) => results.find(({ op, pass }) => op === name && pass === 'backward')?.bound;
  assert.deepEqual([boundOf('Swiglu'), boundOf('CrossEntropy')], ['memory', 'compute']);
  const unknown = { precision: 'fp32', limits: { peakGflops: null, bandwidthGBs: null } } as const;
  const [first] = measureOps(shape, unknown, brief);
  assert.deepEqual([first.bound, first.ofRoofline], [null, null]);
});

test('decoding counts the rows of every step, and leaves no tensor', async () => {
  const before = memory().numTensors;
  const decodeJob = { shape: '100k', precision: 'fp32', backend: 'wasm', seed: 1, steps: 4, context: 32 } as const;
  const one = await measureDecode({ ...decodeJob, batch: 1, temperature: 0 });
  const many = await measureDecode({ ...decodeJob, batch: 66, temperature: 1 }); // more than the engine has rows
  assert.equal(memory().numTensors, before);
  // 139,712 weights, 32 columns (and half a step) of 2 layers · 2 · 64 numbers: 4 bytes each, and 2 or 4 operations.
  const work = (columns: number) => ({
    memory: (4 * (139_712 + columns * 256)) / 1e9,
    compute: (2 * 139_712 + 4 * columns * 128) / 1e9,
  });
  const seconds = work(32.5);
  const shares = decodeShares(one, { peakGflops: 1, bandwidthGBs: 1 });
  close(shares.ofBandwidth ?? 0, one.tokensPerSecond * seconds.memory);
  close(shares.ofRoofline ?? 0, one.tokensPerSecond * seconds.memory);
  assert.equal(shares.bound, 'memory');
  // Which step a row begins in is the engine's affair.
  const operations = many.stepWork.operations / 66e9;
  assert.ok(operations > work(31).compute && operations < work(35).compute, `${operations}`);
  close(decodeShares(many, { peakGflops: 1, bandwidthGBs: 1 }).ofRoofline ?? 0, many.tokensPerSecond * operations);
  // Of a prompt of 22 tokens: all weights for the last, and for the others all but the vocabulary's; 1 to 22 columns.
  close(one.promptWork.operations * 22, 2 * (22 * 139_712 - 21 * 512 * 64) + (4 * 128 * 22 * 23) / 2);
  for (const { tokensPerSecond, quartiles, promptTokensPerSecond, peakRssMiB, steps } of [one, many]) {
    assert.ok(tokensPerSecond > 0 && promptTokensPerSecond > 0 && peakRssMiB > 50);
    assert.ok(quartiles[0] <= tokensPerSecond && tokensPerSecond <= quartiles[1]);
    assert.equal(steps, 4);
  }
});

test('rollouts answer every prompt as often as a round of alignment by checked answers', async () => {
  const { samplesPerPrompt, maxNewTokens } = rolloutSettings;
  const before = memory().numTensors;
  const rolloutJob = { shape: '100k', precision: 'fp32', backend: 'wasm', seed: 1, prompts: 2 } as const;
  const measured = await measureRollouts(rolloutJob);
  assert.equal(memory().numTensors, before);
  const { answers, tokens, seconds, work } = measured;
  assert.equal(answers, 2 * samplesPerPrompt);
  assert.ok(tokens > answers && tokens < answers * maxNewTokens, `${tokens} tokens: some answers end early`);
  // Every drawn token costs its logits, and every token that is read the rest of the weights.
  assert.ok(work.operations > 2 * 512 * 64 * tokens && work.operations < 2 * 139_712 * (tokens + 2 * 36) * 1.2);
  const shares = rolloutShares(measured, { peakGflops: 1, bandwidthGBs: 1000 });
  assert.equal(shares.bound, 'compute');
  close(shares.ofRoofline ?? 0, work.operations / 1e9 / seconds);
});

test('training in a child gives the same bits as here, and a peak of memory of its own', async () => {
  const here = await measureTraining(job);
  const ballast = Buffer.alloc(400 << 20, 1);
  const there = await inChild('train', job);
  assert.equal(there.loss, here.loss);
  assert.ok(Math.abs(here.loss - Math.log(512)) < 0.1, `${here.loss}: random tokens cannot be predicted`);
  assert.deepEqual([there.steps, there.tokensPerStep, there.parameters], [2, 128, 139_712]);
  close(there.gflops, (there.tokensPerSecond * there.flopsPerToken) / 1e9);
  const ownPeak = process.resourceUsage().maxRSS / 1024;
  assert.ok(there.peakRssMiB > 50 && there.peakRssMiB < ownPeak - 200, `${there.peakRssMiB} of ${ownPeak} MiB`);
  assert.equal(ballast[1], 1);
});

test('what goes wrong in the child is said here', async () => {
  await assert.rejects(inChild('train', { ...job, precision: 'bf16' }), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /the backend wasm computes in fp32 only/);
    return true;
  });
});
