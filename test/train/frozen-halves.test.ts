// A base stored as bf16 stays so in memory while adapters beside it learn, and they learn the very bits that they would
// beside its float32 copy: recomputed or not, whoever stored it, and whatever is asked of the model in between.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adapterShape, withAdapters } from '../../src/architecture/adapters.js';
import { isTrained } from '../../src/architecture/parameters.js';
import type { HostTensor } from '../../src/base/host-tensor.js';
import { readSafetensors, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { loraSchema } from '../../src/config/lora.js';
import { PackedBatches } from '../../src/data/packing.js';
import { Engine } from '../../src/inference/engine.js';
import {
  disposeModel,
  frozenFromTensors,
  type Model,
  modelFromTensors,
  withParameters,
} from '../../src/model/model.js';
import { memory } from '../../src/tensor/tf.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { onBackend } from '../conformance/backends.js';
import { modelTensors } from '../model-tensors.js';
import { padId, tinyConfig, tinyModel, trainConfig, vocabSize } from './tiny.js';

const config = tinyConfig();

function objective() {
  const sequences = Array.from({ length: 12 }, (_, row) => ({
    id: `row-${row}`,
    tokens: Array.from({ length: 14 }, (_, i) => 2 + ((row * 5 + i * 3) % (vocabSize - 2))),
  }));
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  return tokenObjective(new PackedBatches({ source, mode: 'stream', seed: 3, rows: 6, columns: 16, padId }));
}

/** Losses, the trained weights, and what the model then says to a prompt. */
async function learn(base: Model, recompute: boolean) {
  const rows = withAdapters(base.parameters, adapterShape(base.parameters, loraSchema.parse({ rank: 4 })));
  const model = withParameters(base, rows, 5);
  const optimizer = createOptimizer(model);
  const data = objective();
  const losses: number[] = [];
  let held = 0;
  for (let step = 1; step <= 3; step++) {
    const at = { step, learningRate: 0.01 };
    const result = await trainStep(model, optimizer, data, [await data.next()], trainConfig({ recompute }), at);
    losses.push(result.loss, result.gradientNorm);
    if (step === 1) held = memory().numTensors;
  }
  assert.equal(memory().numTensors, held, 'a step leaves tensors behind');
  const engine = new Engine(model);
  const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
  const [said] = await engine.run([{ tokens: [2, 5, 8], maxNewTokens: 6, sampling, stopIds: [], seed: 1 }]);
  await engine.dispose();
  const trained = modelTensors({ ...model, parameters: rows.filter(isTrained) });
  disposeOptimizer(optimizer);
  disposeModel(model);
  return { losses, trained, said };
}

await onBackend('adapters beside a base of bf16', 'native', {}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-halves-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const whole = tinyModel();
  const file = join(folder, 'model.safetensors');
  await writeSafetensors(file, modelTensors(whole), { dtype: 'bf16' });
  disposeModel(whole);
  const read = async (): Promise<Map<string, HostTensor>> => readSafetensors(file);
  const floats = new Map([...(await read())].map(([name, { shape, data }]) => [name, { name, shape, data }]));
  const before = memory().numTensors;

  const frozen = (tensors: Map<string, HostTensor>) => frozenFromTensors(config, tensors, file);
  const copy = modelFromTensors(config, floats, file);
  const expected = await learn(copy, false);

  await t.test('as it was stored', async () => {
    const tensors = await read();
    assert.ok([...tensors.values()].every(({ halves }) => halves !== undefined));
    const base = frozen(tensors);
    assert.equal(tensors.size, 0, 'no second copy is kept');
    assert.deepEqual(
      [...(base.halves?.keys() ?? [])],
      base.parameters.filter(({ shape }) => shape.length === 2).map(({ name }) => name),
    );
    assert.deepEqual(await learn(base, false), expected);
  });
  await t.test('recomputed, from float32 that holds the same numbers', async () => {
    const base = frozen(new Map(floats));
    assert.ok(base.halves?.has('model.embed_tokens.weight'));
    assert.deepEqual(await learn(base, true), expected);
  });
  await t.test('numbers that are no bf16 stay float32', async () => {
    const tensors = new Map(floats);
    const name = 'model.layers.0.mlp.up_proj.weight';
    const { shape, data } = structuredClone(floats.get(name)) as HostTensor;
    data[3] = 0.1;
    tensors.set(name, { name, shape, data });
    const base = frozen(tensors);
    assert.ok(base.weights.has(name) && !base.halves?.has(name));
    disposeModel(base);
  });
  assert.equal(memory().numTensors, before);
});
