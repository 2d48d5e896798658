// Held-out text, document by document: each one's nats are those of the document alone, however they share batches.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { batchesOnce } from '../../src/data/sequences.js';
import type { TokenDocument } from '../../src/data/shards.js';
import { chooseHeldOut, measureHeldOut } from '../../src/evaluation/bits-per-byte.js';
import { tokenLogProbabilities } from '../../src/inference/score.js';
import { disposeModel, weight } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory, tensor1d, tidy } from '../../src/tensor/tf.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { padId, tinyModel } from '../train/tiny.js';

before(() => openBackend('wasm'));

/** Short ones, which share rows, and some of several rows, in two languages. */
const documents: TokenDocument[] = Array.from({ length: 24 }, (_, i) => ({
  id: `document-${i}`,
  source: 'made up',
  language: i % 3 === 0 ? 'zh' : 'en',
  bytes: 10 + i,
  tokens: Uint16Array.from({ length: i % 5 === 0 ? 40 + i : 4 + (i % 9) }, (_, k) => 2 + ((7 * i + k * k) % 30)),
}));

const split = {
  length: documents.length,
  get: async (index: number) => documents[index],
  manifest: {
    format: 1 as const,
    tokenizer: '',
    vocabSize: 32,
    shards: [],
    counts: ['zh', 'en'].map((language) => ({
      ...{ split: 'validation' as const, source: 'made up', language },
      ...{ documents: 1, tokens: 1, bytes: 1 },
    })),
  },
};

test('an output that is no number is an error, not a figure', async () => {
  const model = tinyModel();
  const norm = weight(model, 'model.norm.weight');
  norm.assign(tensor1d(new Float32Array(norm.size).fill(3e38)));
  await assert.rejects(measureHeldOut(model, documents.slice(0, 2)), /output is not finite/);
  await assert.rejects(tokenLogProbabilities(model, [[2, 3, 4]]), /output is not finite/);
  disposeModel(model);
});

test('the nats of a document are those it has alone, its closing token left out', async () => {
  const model = tinyModel();
  const tensors = memory().numTensors;
  const texts = await measureHeldOut(model, await chooseHeldOut(split, 1e6));
  assert.equal(memory().numTensors, tensors);
  assert.equal(texts.length, documents.length);
  for (const { id, language, nats, bytes } of texts) {
    const document = documents.find((each) => each.id === id);
    assert.ok(document !== undefined && document.language === language && document.bytes === bytes);
    const sequence = { id, tokens: document.tokens.subarray(0, document.tokens.length - 1) };
    const alone = batchesOnce([sequence], { rows: 8, columns: 16, padId });
    const expected = alone.reduce(
      (sum, batch) => sum + tidy(() => negativeLogLikelihood(model, batch).dataSync()[0]),
      0,
    );
    assert.ok(Math.abs(nats - expected) < 1e-4 * expected, `${id}: ${nats}, alone ${expected}`);
  }
});

test('a limit takes whole documents of every language, the same ones every time', async () => {
  const texts = await chooseHeldOut(split, 30);
  assert.deepEqual(await chooseHeldOut(split, 30), texts);
  assert.ok(texts.length < 12);
  for (const language of ['zh', 'en']) {
    const tokens = texts
      .filter((text) => text.language === language)
      .map(({ id }) => documents.find((each) => each.id === id)?.tokens.length ?? 0);
    const total = tokens.reduce((a, b) => a + b, 0);
    assert.ok(total >= 30 && total - tokens[tokens.length - 1] < 30, `${language}: ${tokens}`);
  }
});
