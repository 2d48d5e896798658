// Heads that copy from the first step: what they say before any training, on every shape; and that nothing else depends on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { Random } from '../../src/base/random.js';
import { type InitialHeads, modelSchema } from '../../src/config/model.js';
import { padSequences } from '../../src/data/sequences.js';
import { disposeModel, initModel, weight } from '../../src/model/model.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { tidy } from '../../src/tensor/tf.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { onEachBackend } from '../conformance/backends.js';

const vocabSize = 300;
/** What the heads are worth at least before any training, in nats a token. */
const shapes: Record<string, { settings: object; gain: number }> = {
  'as in the quickstart': { settings: { hiddenSize: 160, layers: 4, heads: 4, headDim: 64 }, gain: 0.9 },
  'three times as wide': { settings: { hiddenSize: 512, layers: 2, heads: 8 }, gain: 0.6 },
  narrow: { settings: { hiddenSize: 96, layers: 3, heads: 4, headDim: 32 }, gain: 0.4 },
  'several queries to a key': {
    settings: { hiddenSize: 96, layers: 2, heads: 4, keyValueHeads: 2, headDim: 32 },
    gain: 0.4,
  },
  'an output projection of its own': {
    settings: { hiddenSize: 96, layers: 2, heads: 4, headDim: 32, tieEmbeddings: false },
    gain: 0.4,
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

  await t.test('a model narrower than its heads is made too; of one layer, or of one key head, none', async () => {
    for (const settings of [
      { hiddenSize: 16, layers: 2, heads: 2, headDim: 32 },
      { hiddenSize: 8, layers: 2, heads: 4 },
    ]) {
      assert.ok(Number.isFinite(await lossOfRepetition(settings, 'induction')));
    }
    for (const lack of [
      { layers: 1, heads: 2 },
      { layers: 2, heads: 2, keyValueHeads: 1 },
    ])
      assert.throws(() => shapeOf({ hiddenSize: 32, initialHeads: 'induction', ...lack }), /takes two of each/);
  });

  await t.test(
    'the same seed gives the same values; of the other layers, what they add is smaller, and that is all',
    async () => {
      const config = shapeOf(shapes.narrow.settings);
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
      for (const part of ['self_attn.q_proj', 'self_attn.v_proj', 'mlp.up_proj', 'self_attn.o_proj', 'mlp.down_proj']) {
        const name = `model.layers.2.${part}.weight`;
        const [own, usual] = [await of(5, name, 'induction'), await of(5, name)];
        const factor = /o_proj|down_proj/.test(part) ? 0.1 : 1;
        for (const [i, value] of own.entries()) assert.ok(Math.abs(value - factor * usual[i]) <= 1e-7, `${part} ${i}`);
      }
    },
  );
});

test('--size gives the whole shape, and how it begins: the heads of the file go with its shape', async () => {
  assert.equal((await loadPipeline({ config: 'quickstart' })).pretrain?.model.initialHeads, 'induction');
  const { model } = (await loadPipeline({ config: 'quickstart', size: '34m' })).pretrain ?? {};
  assert.deepEqual([model?.size, model?.initialHeads], ['34m', undefined]);
});
