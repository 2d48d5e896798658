// Heads that copy from the first step: what they say before any training, on every shape; and that nothing else depends on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { continuedShape } from '../../src/architecture/continued.js';
import { Random } from '../../src/base/random.js';
import { type InitialHeads, modelSchema } from '../../src/config/model.js';
import { padSequences } from '../../src/data/sequences.js';
import { disposeModel, initModel, weight } from '../../src/model/model.js';
import { tidy } from '../../src/tensor/tf.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { onEachBackend } from '../conformance/backends.js';

const vocabSize = 300;
/** What the heads are worth at least, in nats a token. One pair of heads is worth little before it is trained. */
const shapes: Record<string, { settings: object; gain: number }> = {
  'as in the quickstart': { settings: { hiddenSize: 96, layers: 3, heads: 4, headDim: 32 }, gain: 0.6 },
  'several queries to a key': {
    settings: { hiddenSize: 96, layers: 2, heads: 4, keyValueHeads: 2, headDim: 32 },
    gain: 0.6,
  },
  'one key for all': { settings: { hiddenSize: 96, layers: 2, heads: 3, keyValueHeads: 1, headDim: 32 }, gain: 0.05 },
  'an output projection of its own': {
    settings: { hiddenSize: 96, layers: 2, heads: 4, headDim: 32, tieEmbeddings: false },
    gain: 0.6,
  },
};
const shapeOf = (settings: object) =>
  modelConfig(modelSchema.parse({ contextLength: 64, ...settings }), { vocabSize, endOfText: 0, pad: 1 });

/** Mean loss on the second of two equal halves of random tokens, in nats a token. */
async function lossOfRepetition(settings: object, heads?: InitialHeads): Promise<number> {
  const random = Random.stream(3, 'repeated');
  const sequences = Array.from({ length: 4 }, (_, i) => {
    const half = random.shuffle(Array.from({ length: vocabSize - 2 }, (_, token) => token + 2)).slice(0, 20);
    return { id: `${i}`, tokens: [...half, ...half], loss: [...half.map(() => 0), ...half.map((_, at) => +(at > 0))] };
  });
  const model = initModel(shapeOf(settings), 5, { heads });
  const batch = padSequences(sequences, { padId: 1 });
  const [sum] = await tidy(() => negativeLogLikelihood(model, batch)).data();
  disposeModel(model);
  return sum / (4 * 19);
}

await onEachBackend('heads that copy from the first step', async (t) => {
  for (const [name, { settings, gain }] of Object.entries(shapes)) {
    await t.test(name, async () => {
      const [random, induction] = [await lossOfRepetition(settings), await lossOfRepetition(settings, 'induction')];
      assert.ok(random > Math.log(vocabSize) - 0.3, `values at random: ${random}`);
      assert.ok(induction < random - gain, `${induction}, at random ${random}`);
    });
  }

  await t.test('a model narrower than its heads, or of one layer, is made too', async () => {
    for (const settings of [
      { hiddenSize: 16, layers: 2, heads: 2, headDim: 32 },
      { hiddenSize: 32, layers: 1, heads: 2 },
      { hiddenSize: 8, layers: 2, heads: 4 },
    ])
      assert.ok(Number.isFinite(await lossOfRepetition(settings, 'induction')));
  });

  await t.test('the same seed gives the same values; of the other layers all are as without', async () => {
    const config = shapeOf(shapes['as in the quickstart'].settings);
    const of = async (seed: number, name: string, heads?: InitialHeads): Promise<number[]> => {
      const model = initModel(config, seed, { heads });
      const values = Array.from(await weight(model, name).data());
      disposeModel(model);
      return values;
    };
    const query = 'model.layers.1.self_attn.q_proj.weight';
    assert.deepEqual(await of(5, query, 'induction'), await of(5, query, 'induction'));
    assert.notDeepEqual(await of(5, query, 'induction'), await of(6, query, 'induction'));
    assert.notDeepEqual(await of(5, query, 'induction'), await of(5, query));
    const later = 'model.layers.2.self_attn.q_proj.weight';
    assert.deepEqual(await of(5, later, 'induction'), await of(5, later));
  });
});

test('a checkpoint has its weights already', () => {
  const config = shapeOf(shapes['as in the quickstart'].settings);
  const settings = modelSchema.parse({ contextLength: 64, initialHeads: 'induction' });
  assert.throws(() => continuedShape(settings, config), /initialHeads.*weights already/s);
});
