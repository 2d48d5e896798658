// Training a part of a model: adapters on a base that has learnt something learn something else while the base keeps every
// bit, on either engine, recomputed or not; what is frozen has no gradient, no moments and no place beside them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adaptableKinds, withAdapters } from '../../src/architecture/adapters.js';
import { isTrained, type ParameterSpec, withHead } from '../../src/architecture/parameters.js';
import { type Fault, UserError } from '../../src/base/errors.js';
import { type HostTensor, sizeOf } from '../../src/base/host-tensor.js';
import { PackedBatches } from '../../src/data/packing.js';
import { forward, modelInput } from '../../src/model/forward.js';
import { disposeModel, type Model, modelFromTensors, withParameters } from '../../src/model/model.js';
import { project } from '../../src/model/project.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory, mul, type Scalar, sub, sum } from '../../src/tensor/tf.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer, optimizerStep, optimizerTensors } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { onBackend } from '../conformance/backends.js';
import { modelTensors } from '../model-tensors.js';
import { padId, tinyConfig, tinyModel, trainConfig, vocabSize } from './tiny.js';

/** Counts in steps of `stride`: to a model that knows one stride, another is another map from token to next token. */
function strides(stride: number) {
  const sequences = Array.from({ length: 24 }, (_, row) => ({
    id: `document-${row}`,
    tokens: Array.from({ length: 20 }, (_, i) => 2 + ((row * 5 + i * stride) % (vocabSize - 2))),
  }));
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  return tokenObjective(new PackedBatches({ source, mode: 'stream', seed: 3, rows: 4, columns: 16, padId }));
}

async function trainSteps(model: Model, stride: number, steps: number, recompute = false): Promise<number[]> {
  const optimizer = createOptimizer(model);
  const objective = strides(stride);
  const losses: number[] = [];
  let held = 0;
  for (let step = 1; step <= steps; step++) {
    const at = { step, learningRate: 0.01 };
    const batches = [await objective.next()];
    const { loss } = await trainStep(model, optimizer, objective, batches, trainConfig({ recompute }), at);
    losses.push(loss);
    if (step === 1) held = memory().numTensors;
  }
  assert.equal(memory().numTensors, held, 'a step leaves tensors behind');
  disposeOptimizer(optimizer);
  return losses;
}

const adapters = (rows: readonly ParameterSpec[]): ParameterSpec[] =>
  withAdapters(rows, {
    ...{ rank: 4, alpha: 8, rslora: false, targets: adaptableKinds(rows), rankPattern: {}, alphaPattern: {} },
  });

/** The weights of a model that has learnt to count in steps of one. */
async function trainBase(): Promise<HostTensor[]> {
  const model = tinyModel();
  const losses = await trainSteps(model, 1, 150);
  assert.ok(losses[149] < 0.02, `${losses[0]} → ${losses[149]}`);
  const tensors = modelTensors(model);
  disposeModel(model);
  return tensors;
}

const frozenTensors = (model: Model): HostTensor[] => {
  const frozen = new Set(model.parameters.filter((row) => !isTrained(row)).map(({ name }) => name));
  return modelTensors(model).filter(({ name }) => frozen.has(name));
};

const lossesOn = new Map<string, number[]>();

for (const name of ['wasm', 'native'] as const) {
  await onBackend('adapters of rank 4 learn what the base does not know', name, {}, async () => {
    const base = await trainBase();
    const plain = await learn(base, false);
    assert.deepEqual(await learn(base, true), plain, 'recomputed layers give the same bits');
    assert.ok(plain[49] < plain[0] / 10, `${plain[0]} → ${plain[49]}`); // 8.7 → 0.01
    lossesOn.set(name, plain);
  });
}

async function learn(base: readonly HostTensor[], recompute: boolean): Promise<number[]> {
  const whole = modelFromTensors(tinyConfig(), new Map(base.map((tensor) => [tensor.name, tensor])), 'base');
  const model = withParameters(whole, adapters(whole.parameters), 5);
  const losses = await trainSteps(model, 2, 50, recompute);
  assert.deepEqual(frozenTensors(model), base, 'the base keeps every bit');
  disposeModel(model);
  return losses;
}

test('both engines learn alike', (t) => {
  const [wasm, native] = [lossesOn.get('wasm'), lossesOn.get('native')];
  if (wasm === undefined || native === undefined) {
    const missing = wasm === undefined ? 'wasm' : 'native';
    return t.skip(`the ${missing} backend did not run above, so there is nothing to compare with`);
  }
  for (const [i, loss] of wasm.entries()) {
    assert.ok(Math.abs(native[i] - loss) <= 0.005 * loss, `step ${i + 1}: ${loss} and ${native[i]}`);
  }
});

test('fresh adapters change nothing, and only they have moments', async () => {
  await openBackend('wasm');
  const base = tinyModel();
  const input = await strides(1).next();
  const hiddenOf = (model: Model): Float32Array => {
    const hidden = forward(model, modelInput(input));
    const values = (hidden.dataSync() as Float32Array).slice();
    hidden.dispose();
    return values;
  };
  const before = hiddenOf(base);
  const model = withParameters(base, adapters(base.parameters), 5);
  assert.deepEqual(hiddenOf(model), before);
  const optimizer = createOptimizer(model, 'muon');
  assert.deepEqual(
    optimizerTensors(optimizer).map(([name]) => name),
    model.parameters.filter(isTrained).flatMap(({ name }) => [`m.${name}`, `v.${name}`]),
  );
  disposeOptimizer(optimizer);
  disposeModel(model);
});

test('a row that is trained but has no gradient is a mistake, not skipped', async () => {
  await openBackend('wasm');
  const base = tinyModel();
  const model = withParameters(base, withHead(base.parameters, 'value'), 5);
  const optimizer = createOptimizer(model);
  const objective = strides(1); // whose loss never looks at the value head
  const at = { step: 1, learningRate: 0.01 };
  const batches = [await objective.next()];
  await assert.rejects(trainStep(model, optimizer, objective, batches, trainConfig(), at), /does not depend on/);
  const none = () => optimizerStep(model, optimizer, new Map(), trainConfig(), { ...at, gradientScale: 1 });
  assert.throws(none, /embed_tokens\.weight is trained, but has no gradient/);
  disposeOptimizer(optimizer);
  disposeModel(model);
});

test('a value head on a frozen base learns a number; a reward head takes the place of what it replaces', async () => {
  await openBackend('wasm');
  const base = tinyModel();
  const before = modelTensors(base);
  const frozen = base.parameters.map((row) => ({ ...row, update: 'frozen' }) as const);
  const model = withParameters(base, withHead(frozen, 'value'), 5);
  const optimizer = createOptimizer(model);
  const batches = strides(1);
  const objective = {
    ...batches,
    // Squared distance from 1 at every position.
    loss: (each: Model, batch: Awaited<ReturnType<typeof batches.next>>, context: { recompute?: boolean }): Scalar => {
      const difference = sub(project(each, 'value', forward(each, modelInput(batch), context)), 1);
      return sum(mul(difference, difference));
    },
  };
  const losses: number[] = [];
  for (let step = 1; step <= 60; step++) {
    const batch = [await objective.next()];
    const config = trainConfig({ recompute: step % 2 === 0, weightDecay: 0 });
    losses.push((await trainStep(model, optimizer, objective, batch, config, { step, learningRate: 0.03 })).loss);
  }
  assert.ok(losses[59] < 0.75 * losses[0], `${losses[0]} → ${losses[59]}`);
  assert.deepEqual(frozenTensors(model), before);
  disposeOptimizer(optimizer);
  const reward = withParameters(model, withHead(frozen, 'reward'), 5);
  assert.deepEqual([...reward.weights.keys()], [...frozen.map(({ name }) => name), 'score.weight']);
  disposeModel(reward);
});

test('weights with adapters or a value head are refused by what they have; a damaged base beside them by its faults', async () => {
  await openBackend('wasm');
  const base = tinyModel();
  const tensorsOf = (rows: readonly ParameterSpec[]): Map<string, HostTensor> =>
    new Map(rows.map(({ name, shape }) => [name, { name, shape, data: new Float32Array(sizeOf(shape)) }]));
  const faultOf = (tensors: ReadonlyMap<string, HostTensor>): Fault => {
    try {
      disposeModel(modelFromTensors(tinyConfig(), tensors, 'runs/tuned'));
    } catch (error) {
      assert.ok(error instanceof UserError, String(error));
      return error.faults[0];
    }
    assert.fail('they were opened');
  };
  const whole = tensorsOf(withHead(adapters(base.parameters), 'value'));
  assert.match(faultOf(whole).what, /^these weights have adapters and a value head: only the training/);
  assert.deepEqual(faultOf(tensorsOf(adapters(base.parameters))), {
    where: 'runs/tuned',
    what: 'these weights have adapters: only the training that made them knows how to apply them',
    why: faultOf(tensorsOf(adapters(base.parameters))).why,
    next: 'Resume that training, or save the adapter in a folder of its own: adapter_config.json and adapter_model.safetensors',
  });
  const damaged = new Map(whole);
  damaged.delete('model.norm.weight');
  assert.match(faultOf(damaged).why ?? '', /^model\.norm\.weight is missing; .*lora_A\.weight is unknown; /);
  const foreign = new Map(whole).set('model.mystery.weight', {
    name: 'model.mystery.weight',
    shape: [1],
    data: new Float32Array(1),
  });
  assert.match(faultOf(foreign).what, /an adapter \(LoRA\) that is not merged/);
  disposeModel(base);
});
