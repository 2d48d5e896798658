// A few methods on a toy whose answer is known, and resumed; `npm run test:losses` has all of them.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { UserError } from '../../../src/base/errors.js';
import { packSequences } from '../../../src/data/sequences.js';
import { disposeModel } from '../../../src/model/model.js';
import { storeReferences } from '../../../src/stages/align/references.js';
import { openBackend } from '../../../src/tensor/backends.js';
import { tensor1d, tidy } from '../../../src/tensor/tf.js';
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
    const long = { id: 'long', tokens: [2, 8, 9, 9], loss: [0, 1, 0, 1] };
    const fitted = mismatchedAnswers([{ id: 'a', tokens: [5, 5, 6], loss: [0, 0, 1] }, row(2, 4), long]);
    assert.deepEqual(
      fitted.map(({ tokens, loss }) => [tokens, loss]),
      [
        [
          [5, 5, 4],
          [0, 0, 1],
        ],
        [
          [2, 6],
          [0, 1],
        ],
        [
          [2, 6],
          [0, 1],
        ],
      ],
      'of two answers the nearest that is no longer than the longest row',
    );
    const [cut] = mismatchedAnswers([{ id: 'a', tokens: [5, 5, 6], loss: [0, 0, 1] }, long]);
    assert.deepEqual(
      [cut.tokens, cut.loss],
      [
        [5, 5, 8, 9],
        [0, 0, 1, 0],
      ],
      'what a tool said carries no loss',
    );
    assert.throws(() => mismatchedAnswers([row(3, 5), row(3, 6)]), /kto needs .*, and all of them have one prompt/);
    const options = { preference: preferenceOf({ method: 'kto' }), batchSize: 2, padId, seed: 1 };
    const labelled = rows.map((each) => ({ sequence: { ...each, reference: 0 }, isGood: true }));
    assert.throws(() => labelledObjective(labelled, options), /kto needs the answers of other rows/);
  });

  test('a reference that is no number is refused with the answer that it is of', async () => {
    await openBackend('wasm');
    const model = tinyModel();
    const { hidden_size: width } = model.config;
    tidy(() => model.weights.get('model.norm.weight')?.assign(tensor1d(new Array(width).fill(Number.NaN))));
    const [{ chosen }] = countingPairs(1);
    const batches = [{ sequences: [chosen], pack: () => packSequences([chosen], { padId }) }];
    const folder = await mkdtemp(join(tmpdir(), 'references-'));
    const path = join(folder, 'references.jsonl');
    await assert.rejects(storeReferences(model, batches, { path, policy: '' }), (error: Error) => {
      assert.match(error.message, new RegExp(`${chosen.id}: the log-probability .* is NaN`));
      return error instanceof UserError;
    });
    disposeModel(model);
    await rm(folder, { recursive: true });
  });

  test('an interrupted training resumes to the bit, z included', () => checkResume(world, { method: 'kto' }));
});
