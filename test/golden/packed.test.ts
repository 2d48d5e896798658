// Documents that share a row never see each other: packed, they give the loss and the gradients of separate rows; so do two
// that share what they begin with alike.
import assert from 'node:assert/strict';
import { batchesOnce, packPairs, packSequences, padSequences } from '../../src/data/sequences.js';
import { disposeModel, type Model } from '../../src/model/model.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { onEachBackend } from '../conformance/backends.js';
import { architectures, assertClose, gradientsOf, loadGolden } from './fixtures.js';

const documents = [
  { id: 'a', tokens: [5, 9, 33, 12, 40, 7, 2] },
  { id: 'b', tokens: [60, 3, 7, 7] },
  // Loss on some tokens only, as in a conversation.
  { id: 'c', tokens: [18, 22, 5, 9, 61, 2], loss: [0, 0, 0, 1, 1, 1] },
];

const separate = padSequences(documents, { padId: 0 });
const [packed] = batchesOnce(documents, { rows: 1, columns: 16, padId: 0 }); // 6 + 3 + 5 positions, 2 of padding
const even = packSequences(documents, { padId: 0 }); // 6 and 5 + 3 positions, 2 of padding
/** 3 of prompt + 4 + 2 positions in the place of 7 + 5, and 2 + 3 that share nothing. */
const pairs = [
  [
    { id: 'd', tokens: [9, 12, 31, 40, 8, 55, 20, 2], loss: [0, 0, 0, 0, 1, 1, 1, 1] },
    { id: 'e', tokens: [9, 12, 31, 40, 17, 2], loss: [0, 0, 0, 0, 1, 1] },
  ],
  [
    { id: 'f', tokens: [5, 44, 2] },
    { id: 'g', tokens: [5, 44, 30, 2] },
  ],
] as const;
/** Three answers to a prompt, which lie apart, and three that are alone. */
const answers = [...pairs[0], ...documents, { ...pairs[0][1], id: 'h', tokens: [9, 12, 31, 40, 22, 2] }];
const groups = [[0, 1, 5], [2], [3], [4]];
/** The classic mistake: one causal mask for the whole row. */
const leaking = { ...packed, ranges: packed.ranges.map((bound, i) => (i % 2 === 0 ? 0 : bound)) };
/** Harmless: rotary positions count only by their distance. */
const counting = { ...packed, positions: packed.positions.map((_, column) => column) };

const gradients = (model: Model, batch: typeof packed, options = {}) =>
  gradientsOf(model, (m) => negativeLogLikelihood(m, batch, options));

function checkPacking(model: Model): void {
  const alone = gradients(model, separate);
  checkSame(model, [packed, even], alone);
  checkSame(model, [packPairs(pairs, { padId: 0 })], gradients(model, padSequences(pairs.flat(), { padId: 0 })));
  const shared = packSequences(answers, { padId: 0, groups });
  assert.equal(shared.tokenCount, padSequences(answers, { padId: 0 }).tokenCount - 6);
  const apart = gradients(model, padSequences(answers, { padId: 0 }));
  checkSame(model, [shared], apart);
  checkSame(model, [shared], apart, { recompute: true });
  // The mask is what keeps them apart.
  assert.ok(Math.abs(gradients(model, leaking).loss / alone.loss - 1) > 0.01);
  assertClose([gradients(model, counting).loss], [alone.loss], 'loss with positions that run on', 1e-5);
}

function checkSame(
  model: Model,
  batches: readonly (typeof packed)[],
  alone: ReturnType<typeof gradients>,
  options = {},
): void {
  for (const batch of batches) {
    const together = gradients(model, batch, options);
    assertClose([together.loss], [alone.loss], 'loss', 1e-5);
    for (const [name, gradient] of alone.gradients) {
      assertClose(together.gradients.get(name) ?? [], gradient, `gradient of ${name}`, 1e-5);
    }
  }
}

await onEachBackend('packing', async (t) => {
  for (const architecture of architectures) {
    const model = await loadGolden(architecture);
    await t.test(`${architecture}: packed and separate documents give the same gradients`, () => checkPacking(model));
    disposeModel(model);
  }
});
