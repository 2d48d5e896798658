// What of a pair counts in its batch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairBatch } from '../../../src/train/objectives/preference.js';

test('orpo learns the prompt and what the assistant said of a chosen answer, and not what a tool said in it', () => {
  const chosen = { id: 'a', tokens: [1, 2, 3, 4, 5, 6], loss: [0, 0, 1, 0, 0, 1], reference: 0 };
  const rejected = { id: 'b', tokens: [1, 2, 7], loss: [0, 0, 1], reference: 0 };
  const learntOf = (method: 'orpo' | 'dpo') => {
    const { targets, weights, owners } = pairBatch([{ chosen, rejected }], 0, { method });
    return [0, 1].map((owner) => [...targets].filter((_, i) => owners[i] === owner && weights[i] === 1).sort());
  };
  assert.deepEqual(learntOf('orpo'), [[2, 3, 6], [7]]);
  assert.deepEqual(learntOf('dpo'), [[3, 6], [7]]);
});
