// The decoder, its loss, gradients, decoding and optimizer against Hugging Face transformers and torch.optim.AdamW, on
// tiny random models of all three architectures, on every backend that runs here.
import assert from 'node:assert/strict';
import { parameterCount } from '../../src/architecture/parameters.js';
import { greedy } from '../../src/config/sampling.js';
import { trainSchema } from '../../src/config/train.js';
import { padSequences } from '../../src/data/sequences.js';
import type { TokenBatch } from '../../src/data/types.js';
import { createCache, disposeCache } from '../../src/model/cache.js';
import { disposeModel, type Model } from '../../src/model/model.js';
import { memory } from '../../src/tensor/tf.js';
import type { Objective } from '../../src/train/objective.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { onEachBackend } from '../conformance/backends.js';
import { answersOf, columnLogits } from '../inference/answers.js';
import type { Expected } from './fixtures.js';
import { architectures, asSequences, assertClose, gradientsOf, loadGolden, norm, readJson } from './fixtures.js';

/** A micro-batch a row, so that accumulation is on the tested path. */
function rowBatches(ids: number[][]): TokenBatch[] {
  return asSequences(ids).map((sequence) => padSequences([sequence], { padId: 0 }));
}

const objective: Objective<TokenBatch> = {
  next: () => Promise.reject(new Error('the test gives the batches itself')),
  state: () => null,
  restore: () => {},
  loss: (model, batch) => negativeLogLikelihood(model, batch),
};

/** The recipe's steps, then one more without learning, for the last loss. */
async function trainAsRecipe(model: Model, { ids, adamw }: Expected): Promise<void> {
  const config = trainSchema.parse(
    Object.fromEntries(
      (['learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay', 'clipNorm'] as const).map((key) => [
        key,
        adamw[key],
      ]),
    ),
  );
  const optimizer = createOptimizer(model);
  const batches = rowBatches(ids);
  const held = memory().numTensors;
  for (let step = 1; step <= adamw.steps; step++) {
    const result = await trainStep(model, optimizer, objective, batches, config, {
      step,
      learningRate: adamw.learningRate,
    });
    assertClose([result.loss], [adamw.losses[step - 1]], `loss before step ${step}`);
    assertClose([result.gradientNorm], [adamw.gradientNorms[step - 1]], `gradient norm of step ${step}`, 5e-4);
  }
  const last = await trainStep(model, optimizer, objective, batches, config, {
    step: adamw.steps + 1,
    learningRate: 0,
  });
  assertClose([last.loss], [adamw.losses[adamw.steps]], 'loss after the last step');
  assert.equal(memory().numTensors, held, 'training leaves tensors behind');
  disposeOptimizer(optimizer);
}

/** The golden [2, 12, V] logits of columns from..to. */
function expectedLogits(expected: Expected, vocabulary: number, [from, to]: readonly [number, number]): number[] {
  return expected.ids.flatMap((_, row) =>
    expected.logits.slice((row * 12 + from) * vocabulary, (row * 12 + to) * vocabulary),
  );
}

function checkCachedLogits(model: Model, expected: Expected): void {
  const held = memory().numTensors;
  const cache = createCache(model.config, 16 * expected.ids.length);
  for (const columns of [
    [0, 5],
    [5, 6],
    [6, 12],
  ] as [number, number][]) {
    const wanted = expectedLogits(expected, model.config.vocab_size, columns);
    assertClose(columnLogits(model, expected.ids, columns, cache), wanted, `logits of columns ${columns}`);
  }
  disposeCache(cache);
  assert.equal(memory().numTensors, held, 'the cache leaves tensors behind');
}

function checkGradients(model: Model, expected: Expected): void {
  const batch = padSequences(asSequences(expected.ids), { padId: 0 });
  const { loss, gradients } = gradientsOf(model, (m) => negativeLogLikelihood(m, batch));
  const predicted = expected.ids.length * (expected.ids[0].length - 1);
  assertClose([loss / predicted], [expected.loss], 'loss');
  assert.deepEqual([...gradients.keys()].sort(), Object.keys(expected.gradientNorms).sort());
  const size = [...gradients.values()].reduce((total, { length }) => total + length, 0);
  assert.equal(parameterCount(model.config), size);
  for (const [name, gradient] of gradients) {
    assertClose([norm(gradient) / predicted], [expected.gradientNorms[name]], `norm of the gradient of ${name}`);
  }
  assert.ok(Object.keys(expected.gradients).length >= 4);
  for (const [name, wanted] of Object.entries(expected.gradients)) {
    const mean = (gradients.get(name) as Float32Array).map((g) => g / predicted);
    assertClose(mean, wanted, `gradient of ${name}`);
  }
}

async function checkGreedy(model: Model, { greedy: { prompt, tokens } }: Expected): Promise<void> {
  const results = await answersOf(model, prompt, { sampling: greedy, maxNewTokens: tokens[0].length });
  assert.deepEqual(
    results.map((result) => result.tokens),
    tokens,
  );
}

await onEachBackend('the decoder', async (t) => {
  for (const architecture of architectures) {
    const model = await loadGolden(architecture);
    const expected = await readJson<Expected>(`${architecture}/expected.json`);
    const check = (name: string, run: () => void | Promise<void>) => t.test(`${architecture}: ${name}`, run);
    await check('logits', () => {
      assertClose(columnLogits(model, expected.ids, [0, 12]), expected.logits, 'logits');
    });
    await check('cached logits, read in pieces of 5, 1 and 6 columns', () => checkCachedLogits(model, expected));
    await check('loss and gradients', () => checkGradients(model, expected));
    await check('greedy text, decoded with the cache', () => checkGreedy(model, expected));
    await check('AdamW: decay groups, clipping, accumulation', () => trainAsRecipe(model, expected)); // last: it learns
    disposeModel(model);
  }
});
