// Two engines that share no arithmetic, one training: `native` and `wasm` go down the same loss curve from the same seed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disposeModel } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { changingBatches, openNative, smallModel, trainSteps } from '../tensor/native-world.js';

const steps = 50;

async function curve(): Promise<number[]> {
  const model = smallModel(2, 64, 48);
  const losses = await trainSteps(model, changingBatches(2, 48), { steps, accumulation: 1 });
  disposeModel(model);
  return losses;
}

test('50 steps give the same losses on native and on wasm, within 1e-3 of each', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  const native = await curve();
  await openBackend('wasm');
  const wasm = await curve();
  assert.ok(native.every(Number.isFinite));
  assert.ok(native[steps - 1] < native[0] / 4, `it learns: ${native[0]} → ${native[steps - 1]}`);
  const differences = native.map((loss, step) => Math.abs(loss / wasm[step] - 1));
  t.diagnostic(`largest relative difference ${Math.max(...differences).toExponential(1)}`);
  differences.forEach((difference, step) => {
    assert.ok(difference <= 1e-3, `step ${step + 1}: ${native[step]} on native, ${wasm[step]} on wasm`);
  });
});
