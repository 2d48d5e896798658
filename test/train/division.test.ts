// A step is what it learns from, not how it is cut: into micro-batches of any size, a short last one among them, or into rows
// that sequences share. Compared is the mean gradient of a step, as Adam's first moment holds it.
import assert from 'node:assert/strict';
import { batchesOnce, padSequences } from '../../src/data/sequences.js';
import type { TokenBatch, TokenSequence } from '../../src/data/types.js';
import { disposeModel } from '../../src/model/model.js';
import { readInto } from '../../src/tensor/host.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer, optimizerTensors } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { onBackend } from '../conformance/backends.js';
import { padId, tinyModel, trainConfig, vocabSize } from './tiny.js';

const columns = 24;
/** Eight conversations of 4 to 25 tokens. Some turns carry no loss, some half of it; all of one carry little. */
const sequences = Array.from({ length: 8 }, (_, row): TokenSequence => {
  const length = 4 + ((row * 11) % 22);
  const tokens = Array.from({ length }, (_, i) => 2 + ((row * 7 + i * (row + 1)) % (vocabSize - 2)));
  const weightAt = (i: number): number => (row === 3 ? 0.01 : i < 2 ? 0 : i % 5 === 4 ? 0.5 : 1);
  return { id: `c${row}`, tokens, loss: tokens.map((_, i) => weightAt(i)) };
});
const unused = { next: () => Promise.reject(new Error('not called')), state: null, restore: () => undefined };

interface StepGradient {
  loss: number;
  gradient: Float32Array;
}

async function stepOf(batches: readonly TokenBatch[], { recompute = false, zLoss = 0 } = {}): Promise<StepGradient> {
  const model = tinyModel(7, columns);
  const optimizer = createOptimizer(model);
  const config = trainConfig({ clipNorm: 0, beta1: 0, recompute, zLoss });
  const objective = tokenObjective(unused, { zLoss });
  const { loss } = await trainStep(model, optimizer, objective, batches, config, { step: 1, learningRate: 0 });
  const parts: Float32Array[] = [];
  for (const [name, value] of optimizerTensors(optimizer).filter(([name]) => name.startsWith('m.'))) {
    assert.ok(name.length > 2);
    const part = new Float32Array(value.size);
    await readInto(value, part);
    parts.push(part);
  }
  disposeOptimizer(optimizer);
  disposeModel(model);
  return { loss, gradient: Float32Array.from(parts.flatMap((part) => [...part])) };
}

function equal(actual: StepGradient, expected: StepGradient, what: string): void {
  assert.ok(Math.abs(actual.loss - expected.loss) <= 1e-6 * expected.loss, `${what}: ${actual.loss}, ${expected.loss}`);
  assert.equal(actual.gradient.length, expected.gradient.length);
  const largest = expected.gradient.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  assert.ok(largest > 0.01, String(largest));
  const off = expected.gradient.reduce((max, value, i) => Math.max(max, Math.abs(value - actual.gradient[i])), 0);
  assert.ok(off <= 1e-6 * Math.max(1, largest), `${what}: a gradient is off by ${off}, the largest is ${largest}`);
}

for (const backend of ['native', 'wasm'] as const) {
  await onBackend('a step is the same however it is cut and packed', backend, {}, async () => {
    const padded = (from: number, to: number) => padSequences(sequences.slice(from, to), { padId, columns });
    const whole = await stepOf([padded(0, 8)]);
    const ones = sequences.map((_, i) => padded(i, i + 1));
    const packed = batchesOnce(sequences, { rows: 8, columns, padId });
    assert.ok(packed.length === 1 && packed[0].rows < 8, 'several share a row');
    equal(await stepOf(ones), whole, '8×1');
    equal(await stepOf([padded(0, 3), padded(3, 6), padded(6, 8)]), whole, '3+3+2');
    equal(await stepOf(packed), whole, 'packed');
    equal(
      await stepOf(batchesOnce([...sequences].reverse(), { rows: 2, columns, padId })),
      whole,
      'packed, others side by side',
    );
    equal(await stepOf(ones, { recompute: true }), whole, 'recomputed');
    const strict = await stepOf([padded(0, 8)], { zLoss: 0.01 });
    equal(await stepOf([padded(0, 3), padded(3, 6), padded(6, 8)], { zLoss: 0.01 }), strict, '3+3+2 with a z-loss');
    // The weights of a step are relative: a row of a hundredth each learns alone what a row of ones would.
    const [light] = [sequences[3]];
    const ofOnes = { ...light, loss: Array.from(light.tokens, () => 1) };
    equal(await stepOf(ones.slice(3, 4)), await stepOf([padSequences([ofOnes], { padId, columns })]), 'light');
  });
}
