// Every preference method, loss and divergence on the toy whose answer is known, and every method interrupted and resumed to
// the bit: `npm run test:losses`, a minute.
import { describe, test } from 'node:test';
import { checkResume, type Knobs, learn, toys } from '../../test/train/objectives/preference-toy.js';
import { trainingWorld } from '../../test/train/world.js';

describe('every preference method', () => {
  const world = trainingWorld();
  for (const { knobs, check } of toys) {
    test(`${JSON.stringify(knobs)} comes to the answer of the toy`, async () => check(await learn(knobs, 60)));
  }
  const resumed: Knobs[] = [
    { loss: ['aot', 'sigmoid', 'sft'], lossWeights: [0.3, 0.5, 0.2] },
    ...(['kto', 'orpo', 'cpo', 'simpo', 'alphapo'] as const).map((method) => ({ method })),
  ];
  for (const knobs of resumed) test(`${JSON.stringify(knobs)} resumes to the bit`, () => checkResume(world, knobs));
});
