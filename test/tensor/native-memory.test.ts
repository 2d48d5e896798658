// A loop that has warmed up takes no more memory: neither the arena nor the kernels' scratch nor the process grows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { greedy } from '../../src/config/sampling.js';
import { disposeModel } from '../../src/model/model.js';
import type { NativeBackend } from '../../src/tensor/native/backend.js';
import { embedding } from '../../src/tensor/ops/embedding.js';
import { createRecorder } from '../../src/tensor/recorded.js';
import { type Tensor, type Tensor1D, type Tensor2D, tensor } from '../../src/tensor/tf.js';
import { answersOf } from '../inference/answers.js';
import { changingBatches, openNative, smallModel, trainSteps } from './native-world.js';

const megabyte = 2 ** 20;

/**
 * What V8 itself gives back and takes again from one collection to the next: up to 6 MiB here. Less than that over
 * 1,000 steps is 8 KiB a step, which is one tensor [64, 32] of the hundreds that a step makes.
 */
const residentSlack = 8 * megabyte;
/** Compiled code and its profile still trickle in: 0.2 MiB here. One object of 1 KiB a step would be as much as this. */
const heapSlack = megabyte;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** All that a step could take from the system for tensors and kernels. */
function footprint({ arena, addon }: NativeBackend): Record<string, number> {
  const { reserved, peak, used, slabs } = arena.figures;
  return { reserved, peak, used, slabs, scratch: addon.scratchBytes() };
}

test('1,000 training steps with changing batches take no more memory than the first ones', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  const threads = backend.addon.threads();
  backend.addon.setThreads(1); // on a busy machine, two threads wait for each other most of such short kernels
  const model = smallModel(1);
  const warm = 200;
  let [before, residentBefore, residentAfter, heapBefore, heapAfter] = [{}, 0, 0, 0, 0];
  await trainSteps(model, changingBatches(), {
    steps: warm + 1000,
    accumulation: 1,
    afterStep: (step) => {
      if (step % 100 !== 0) return;
      collectGarbage();
      const { rss, heapUsed } = process.memoryUsage();
      if (step <= warm) residentBefore = Math.max(residentBefore, rss);
      if (step > 1000) residentAfter = Math.max(residentAfter, rss);
      if (step === warm) [before, heapBefore] = [footprint(backend), heapUsed];
      if (step > warm) assert.deepEqual(footprint(backend), before, `after step ${step}`);
      heapAfter = heapUsed;
    },
  });
  disposeModel(model);
  backend.addon.setThreads(threads);
  const growth = (from: number, to: number): string => `grew by ${((to - from) / megabyte).toFixed(2)} MiB`;
  t.diagnostic(`resident memory ${growth(residentBefore, residentAfter)}, the heap ${growth(heapBefore, heapAfter)}`);
  assert.ok(residentAfter - residentBefore < residentSlack, growth(residentBefore, residentAfter));
  assert.ok(heapAfter - heapBefore < heapSlack, `the JavaScript heap ${growth(heapBefore, heapAfter)}`);
});

test('several threads hold scratch of their own, and no more of it step after step', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  const threads = backend.addon.threads();
  const model = smallModel();
  for (const count of [2, 3]) {
    backend.addon.setThreads(count);
    let before = {};
    await trainSteps(model, changingBatches(), {
      steps: 20,
      afterStep: (step) => {
        if (step === 3) before = footprint(backend);
        if (step > 3) assert.deepEqual(footprint(backend), before, `${count} threads, after step ${step}`);
      },
    });
  }
  disposeModel(model);
  backend.addon.setThreads(threads);
});

test('a conversation gives all of its cache back', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  const model = smallModel(2, 32, 256);
  const options = { sampling: greedy, maxNewTokens: 100 };
  const { used } = backend.arena.figures;
  const answer = () => answersOf(model, [[3, 4, 5], [6], [7, 8]], options);
  await answer();
  const before = footprint(backend);
  assert.equal(before.used, used);
  await answer();
  assert.deepEqual(footprint(backend), before);
  const stopped = answersOf(model, [[3, 4, 5]], { ...options, force: () => assert.fail('stopped by the caller') });
  await assert.rejects(stopped, /stopped by the caller/);
  assert.deepEqual(footprint(backend), before);
  disposeModel(model);
});

test('recordings of one recorder take turns in one memory, results included; one that fails leaves nothing', async (t) => {
  const backend = await openNative(t);
  const recorder = createRecorder();
  if (backend === undefined || recorder === undefined) return;
  const { addon, arena } = backend;
  const used = arena.figures.used;
  let slabBytes = 0;
  const { addSlab } = addon;
  t.after(() => Object.assign(addon, { addSlab }));
  addon.addSlab = (buffer) => {
    slabBytes += buffer.byteLength;
    return addSlab(buffer);
  };
  const width = 65536;
  const table = tensor(
    Float32Array.from({ length: 4 * width }, (_, i) => Math.floor(i / width)),
    [4, width],
  ) as Tensor2D;
  const rows = Array.from({ length: 24 }, (_, i) => Int32Array.from({ length: i + 1 }, () => i % 4));
  const only = ([result]: Tensor[]): Tensor => result;
  const recorded = rows.map((values) =>
    recorder.record([[{ values, shape: [values.length] }]], ([ids]) => embedding(table, ids as Tensor1D), only),
  );
  assert.ok(slabBytes < 2 * 24 * 4 * width + 24 * megabyte, `${slabBytes} bytes`); // of 300 rows they would be 78 MB
  for (const [i, each] of recorded.entries()) {
    each.run([[rows[i]]]);
    assert.ok(each.result.dataSync().every((value) => value === i % 4));
  }
  for (const each of recorded) each.dispose();
  const fails = () => assert.fail('while it was recorded');
  assert.throws(() => recorder.record([[{ values: rows[3], shape: [4] }]], fails, only), /while it was recorded/);
  recorder.dispose();
  table.dispose();
  assert.equal(arena.figures.used, used);
});
