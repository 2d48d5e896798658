// A few methods on a toy whose answer is known, and resumed; `npm run test:losses` has all of them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { disposeModel } from '../../../src/model/model.js';
import { openBackend } from '../../../src/tensor/backends.js';
import { tidy } from '../../../src/tensor/tf.js';
import { labelledObjective, mismatchedAnswers } from '../../../src/train/objectives/labelled.js';
import { type PreferencePair, preferenceObjective } from '../../../src/train/objectives/preference.js';
import { countingPairs, padId, preferenceOf, tinyModel } from '../tiny.js';
import { trainingWorld } from '../world.js';
import { checkResume, learn, toys } from './preference-toy.js';

describe('preferences', () => {
  const world = trainingWorld();

  for (const name of ['cdpo', 'kto']) {
    test(`${name} comes to the answer of the toy`, async () => {
      const toy = toys.find(({ knobs }) => knobs.loss === name || knobs.method === name);
      assert.ok(toy !== undefined);
      toy.check(await learn(toy.knobs, 30));
    });
  }

  test('the first step of dpo: no reward, whatever β is; kto names what it saw of each kind, and z', async () => {
    const dpo = await learn({ beta: 3, sftWeight: 0 }, 1);
    for (const name of ['rewards/chosen', 'rewards/rejected', 'rewards/margins']) {
      assert.ok(Math.abs(dpo.figures[name]) < 1e-5, `${name}: ${dpo.figures[name]}`);
    }
    const kto = await learn({ method: 'kto' }, 1);
    assert.deepEqual(Object.keys(kto.figures).sort(), [
      ...['entropy', 'kl', 'logits/chosen', 'logits/rejected', 'logps/chosen', 'logps/rejected', 'mean_token_accuracy'],
      ...['rewards/chosen', 'rewards/margins', 'rewards/rejected'],
    ]);
  });

  test('a row of weight 2 counts as the same row twice; a loss that sorts refuses weights', async () => {
    await openBackend('wasm');
    const [a, b, c] = countingPairs(3);
    const model = tinyModel();
    const lossOf = async (pairs: PreferencePair[]) => {
      const options = { preference: preferenceOf(), batchSize: 4, padId, seed: 1 };
      const objective = preferenceObjective(pairs, options);
      const batch = await objective.next();
      return tidy(() => objective.loss(model, batch, { record: () => {} }).dataSync()[0]) / batch.weight;
    };
    const [weighted, twice] = [await lossOf([a, { ...b, weight: 2 }, c]), await lossOf([a, b, b, c])];
    disposeModel(model);
    assert.ok(Math.abs(weighted - twice) < 1e-6, `${weighted}, ${twice}`);
    const options = { preference: preferenceOf({ loss: ['sigmoid', 'aot'] }), batchSize: 2, padId, seed: 1 };
    assert.throws(() => preferenceObjective([a, { ...b, weight: 2 }], options), /aot cannot weigh one pair more/);
  });

  test('a mismatched answer comes from the nearest row before that has another prompt', () => {
    const row = (prompt: number, answer: number) => ({ id: '', tokens: [prompt, answer], loss: [0, 1] });
    const rows = [row(2, 4), row(3, 5), row(3, 6), row(3, 7)];
    const answers = mismatchedAnswers(rows).map(({ tokens }) => Array.from(tokens));
    assert.deepEqual(answers, [
      [2, 7],
      [3, 4],
      [3, 4],
      [3, 4],
    ]);
    const options = { preference: preferenceOf({ method: 'kto' }), batchSize: 2, padId, seed: 1 };
    const labelled = rows.map((each) => ({ sequence: { ...each, reference: 0 }, isGood: true }));
    assert.throws(() => labelledObjective(labelled, options), /kto needs the answers of other rows/);
  });

  test('an interrupted training resumes to the bit, z included', () => checkResume(world, { method: 'kto' }));
});
