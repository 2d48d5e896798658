// What pairs of sampled answers are compared with: however they are divided into micro-batches, an answer has one log π_ref.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { resolvedPolicy } from '../../../src/config/policy.js';
import { openBackend } from '../../../src/tensor/backends.js';
import type { AnswerSource } from '../../../src/train/objectives/answer-source.js';
import { OnlineObjective } from '../../../src/train/objectives/online.js';
import { padId, preferenceOf, tinyModel } from '../tiny.js';

/** Two answers to each of four prompts; those to the last two are rewarded alike, and are no pairs. */
const source: AnswerSource = {
  ...{ identity: 'given', length: 4 },
  logProbabilities: (_, measure) => measure(),
  values: (_, measure) => measure(),
  draw: async ({ prompts }) =>
    prompts.map((prompt) => ({
      answers: [0, 1].map((i) => ({
        ...{ id: `${prompt}#${i}`, tokens: [2 + prompt, 3, 4 + i], loss: [0, 1, 1], ended: true },
      })),
      rewards: [prompt < 2 ? [0, 1] : [1, 1]],
    })),
};

before(() => openBackend('wasm'));

test('a pair has one log π_ref in micro-batches of one pair and of four, beside others that stand in for a pair', async () => {
  const model = tinyModel();
  const reference = tinyModel();
  const referencesBy = async (seed: number, batchSize: number): Promise<Map<string, number>> => {
    const objective = new OnlineObjective(source, {
      ...{ method: 'online-dpo', policy: resolvedPolicy({}, 'grpo'), samplesPerPrompt: 2, maxNewTokens: 4 },
      ...{ online: { promptsPerStep: 4, stepsPerSampling: 1, iterations: 1, resample: 0 }, batchSize, padId, seed },
      ...{ temperature: 1, scorers: [{ name: 'given', weight: 1 }] },
      ...{ preference: preferenceOf({ method: 'online-dpo' }), reference },
    });
    const known = new Map<string, number>();
    for (let i = 0; i < 4 / batchSize; i++) {
      const { ids, references = [] } = await objective.next({ model, step: 1 });
      for (const [k, id] of ids.entries()) known.set(id, references[k]);
    }
    return known;
  };
  const all = await Promise.all(
    [1, 2, 3, 4].map((seed) => Promise.all([4, 1].map((size) => referencesBy(seed, size)))),
  );
  for (const [whole, parts] of all) {
    assert.equal(whole.size, 4);
    for (const [id, value] of whole) {
      assert.ok(value < 0 && Math.abs((parts.get(id) ?? 0) - value) < 1e-4, `${id}: ${parts.get(id)}, not ${value}`);
    }
  }
  assert.ok(
    all.some(([whole, parts]) => parts.size === whole.size),
    'an answer that stands in is in a pair elsewhere',
  );
});
