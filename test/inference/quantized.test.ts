// Matrices rounded to q8_0: a model computes with exactly the numbers that the blocks stand for, and little is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import type { HostTensor } from '../../src/base/host-tensor.js';
import { decodeQ8, encodeNumbers } from '../../src/checkpoint/quantize.js';
import { modelSchema } from '../../src/config/model.js';
import { samplingAt } from '../../src/config/sampling.js';
import { measureHeldOut } from '../../src/evaluation/bits-per-byte.js';
import { Engine } from '../../src/inference/engine.js';
import { quantizationNote, quantizedModel } from '../../src/inference/quantized.js';
import { tokenLogProbabilities } from '../../src/inference/score.js';
import { disposeModel, initModel, type Model, modelFromTensors } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory } from '../../src/tensor/tf.js';
import { modelTensors } from '../model-tensors.js';
import { changingBatches, openNative, smallModel, trainSteps } from '../tensor/native-world.js';

const checkpointOf = (model: Model) => ({
  model: model.config,
  weights: new Map(modelTensors(model).map((tensor) => [tensor.name, tensor])),
  path: 'here',
});

const rounded = ({ name, shape, data }: HostTensor): HostTensor => {
  const isMatrix = shape.length === 2 && shape[1] % 32 === 0;
  const blocks = isMatrix ? encodeNumbers(data as Float32Array, 'q8_0') : undefined;
  return { name, shape, data: blocks === undefined ? data : decodeQ8(blocks) };
};

const sequences = [[5, 9, 2, 40, 7, 7, 31], [3, 4], Array.from({ length: 30 }, (_, i) => 2 + ((11 * i) % 45))];

for (const [what, tied, width] of [
  ['a tied embedding', true, 64],
  ['an output projection of its own, and rows that are no whole blocks', false, 48],
] as const) {
  test(`log-probabilities are those of the rounded weights: ${what}`, async (t) => {
    if ((await openNative(t)) === undefined) return;
    const before = memory().numTensors;
    const settings = {
      hiddenSize: width,
      layers: 2,
      heads: 4,
      keyValueHeads: 2,
      contextLength: 64,
      tieEmbeddings: tied,
    };
    const model = initModel(modelConfig(modelSchema.parse(settings), { vocabSize: 48, endOfText: 0, pad: 1 }), 3);
    const checkpoint = checkpointOf(model);
    const quantized = quantizedModel(checkpoint);
    const weights = new Map([...checkpoint.weights].map(([name, tensor]) => [name, rounded(tensor)]));
    const dequantized = modelFromTensors(model.config, weights, 'here');
    const [exact, found, expected] = await Promise.all(
      [model, quantized, dequantized].map((each) => tokenLogProbabilities(each, sequences)),
    );
    let moved = 0;
    for (const [i, values] of expected.entries()) {
      for (const [at, value] of values.entries()) {
        assert.ok(Math.abs(found[i][at] - value) < 2e-5, `token ${at} of ${i}: ${found[i][at]}, ${value}`);
        moved = Math.max(moved, Math.abs(exact[i][at] - value));
      }
    }
    assert.ok(moved > 1e-4, `rounding changes something: ${moved}`);
    // The engine's packed products, one token at a time, draw what the rounded weights draw.
    const request = { tokens: sequences[0], maxNewTokens: 24, sampling: samplingAt(1), stopIds: [], seed: 9 };
    const answers = [];
    for (const each of [quantized, dequantized]) {
      const engine = new Engine(each);
      answers.push((await engine.run([{ ...request, logProbabilities: true }]))[0]);
      await engine.dispose();
    }
    assert.deepEqual(answers[0].tokens, answers[1].tokens);
    for (const each of [model, quantized, dequantized]) disposeModel(each);
    assert.equal(memory().numTensors, before);
  });
}

test('a trained model loses at most 0.01 bits per byte', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const model = smallModel(2, 64, 48);
  await trainSteps(model, changingBatches(2, 48), { steps: 30, accumulation: 1 });
  const documents = Array.from({ length: 12 }, (_, i) => ({
    ...{ id: `${i}`, source: 'counting', language: 'en', bytes: 31 },
    tokens: Uint16Array.from({ length: 33 }, (_, k) => 2 + ((5 * i + k) % 46)),
  }));
  const bitsPerByte = async (each: Model): Promise<number> => {
    const texts = await measureHeldOut(each, documents);
    const sum = (key: 'nats' | 'bytes'): number => texts.reduce((total, text) => total + text[key], 0);
    return sum('nats') / (Math.LN2 * sum('bytes'));
  };
  const quantized = quantizedModel(checkpointOf(model));
  const [before, after] = [await bitsPerByte(model), await bitsPerByte(quantized)];
  t.diagnostic(`${before.toFixed(4)} bits per byte in float32, ${(after - before).toFixed(5)} more in q8_0`);
  assert.ok(before < 3, `${before}: it has learnt`);
  assert.ok(after !== before && after - before <= 0.01, `${before} → ${after}`);
  disposeModel(quantized);
  disposeModel(model);
});

test('a backend that multiplies no such matrices says so', async () => {
  await openBackend('wasm');
  const model = smallModel();
  assert.throws(() => quantizedModel(checkpointOf(model)), /the backend wasm multiplies no q8_0 weights/);
  disposeModel(model);
});

test('what stays in float32 is said, and a weight that is too large, with nothing left behind', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const [whole, narrow] = [smallModel(1, 64), smallModel(1, 40)];
  const quantized = [whole, narrow].map((model) => quantizedModel(checkpointOf(model)));
  const notes = quantized.map(quantizationNote);
  assert.doesNotMatch(notes[0], /except/);
  assert.match(notes[1], /^its matrices are rounded to q8_0, except \d of 8, whose rows are no multiple of 32/);
  const held = memory().numTensors;
  const checkpoint = checkpointOf(whole);
  (checkpoint.weights.get('model.layers.0.mlp.up_proj.weight')?.data as Float32Array)[5] = 1e8;
  assert.throws(() => quantizedModel(checkpoint), /up_proj.* does not fit into q8_0.* Omit --quantize\.$/);
  assert.equal(memory().numTensors, held);
  for (const model of [whole, narrow, ...quantized]) disposeModel(model);
});
