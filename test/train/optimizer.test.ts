// Muon as a training's optimizer: what it steps, what it saves, and that it goes on exactly where it was stopped.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { stepDirectory } from '../../src/checkpoint/history.js';
import type { TrainConfig } from '../../src/config/train.js';
import { disposeModel } from '../../src/model/model.js';
import { memory } from '../../src/tensor/tf.js';
import { createOptimizer, disposeOptimizer, optimizerTensors } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { countingObjective, tinyModel, trainConfig } from './tiny.js';
import { trainingWorld } from './world.js';

describe('Muon', () => {
  const { attempt } = trainingWorld();

  async function run(
    name: string,
    steps: number,
    { stopAt = steps, optimizer = 'muon' as TrainConfig['optimizer'], momentum = undefined as number | undefined } = {},
  ) {
    const config = trainConfig({ optimizer, momentum, checkpointEvery: 100 });
    const tried = await attempt(name, { config, steps }, stopAt);
    return { ...tried, losses: tried.steps.map(({ loss }) => loss) };
  }

  const digestOf = ({ outcome }: { outcome: unknown }) => (outcome as { digest: string }).digest;

  test('learns the counting task', async () => {
    const { losses } = await run('learns', 30);
    assert.ok(losses[29] < 0.75 * losses[0], losses.join());
  });

  test('stopped and resumed it gives the digest of the uninterrupted run', async () => {
    const whole = await run('whole', 6);
    assert.ok((await run('parts', 6, { stopAt: 3 })).outcome instanceof Interrupted);
    const resumed = await run('parts', 6);
    assert.equal(digestOf(resumed), digestOf(whole));
    assert.deepEqual(resumed.losses, whole.losses.slice(3));
  });

  test('its momentum is 0.95 unless set', async () => {
    const plain = await run('plain', 3);
    assert.deepEqual((await run('written', 3, { momentum: 0.95 })).losses, plain.losses);
    assert.notEqual((await run('less', 3, { momentum: 0.8 })).losses[2], plain.losses[2]);
  });

  test('a checkpoint holds one moment of the matrices of the layers, two of everything else', async () => {
    const model = tinyModel();
    const optimizer = createOptimizer(model, 'muon');
    const names = new Set(optimizerTensors(optimizer).map(([name]) => name));
    for (const [name, { shape }] of model.weights) {
      assert.ok(names.has(`m.${name}`));
      assert.equal(names.has(`v.${name}`), shape.length === 1 || name === 'model.embed_tokens.weight', name);
    }
    disposeOptimizer(optimizer);
    disposeModel(model);
    const { directory } = await run('saved', 2);
    const { training } = await openCheckpoint(stepDirectory(directory, 2), { training: true });
    assert.deepEqual(new Set(training?.tensors.keys()), names);
  });

  test('AdamW goes on where Muon stopped only with moments that are there', async () => {
    await run('other', 6, { stopAt: 2 });
    const { outcome } = await run('other', 6, { optimizer: 'adamw' });
    assert.ok(outcome instanceof UserError, String(outcome));
    assert.match(outcome.message, /optimizer state of model\.layers\.0\.self_attn\.q_proj\.weight is missing/);
  });

  test('a step leaves the tensor count and the bytes unchanged', async () => {
    const model = tinyModel();
    const optimizer = createOptimizer(model, 'muon');
    const objective = countingObjective();
    const config = trainConfig({ optimizer: 'muon' });
    const step = async (number: number): Promise<void> => {
      await trainStep(model, optimizer, objective, [await objective.next()], config, {
        step: number,
        learningRate: 0.01,
      });
    };
    await step(1);
    const { numTensors, numBytes } = memory();
    for (let number = 2; number <= 6; number++) await step(number);
    assert.deepEqual([memory().numTensors, memory().numBytes], [numTensors, numBytes]);
    disposeModel(model);
    disposeOptimizer(optimizer);
  });
});
