// A few methods on a toy whose answer is known, and resumed; `npm run test:losses` has all of them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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

  test('an interrupted training resumes to the bit, z included', () => checkResume(world, { method: 'kto' }));
});
