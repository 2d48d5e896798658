import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { generate } from '../../src/inference/engine.js';
import { greedy } from '../../src/inference/sampling.js';
import { createCache, disposeCache } from '../../src/model/cache.js';
import { forward, logits } from '../../src/model/forward.js';
import { disposeModel, type Model } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory, tensor1d, tensor3d, tidy } from '../../src/tensor/tf.js';
import { tinyModel } from '../train/tiny.js';

const sampling = { temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1 };

describe('generation', () => {
  let model: Model;
  before(async () => {
    await openBackend('wasm');
    model = tinyModel(11, 32);
  });
  after(() => disposeModel(model));

  /** Logits [T, V] of one row, from column `from` on, with the keys before it in `cache`. */
  const rowLogits = (tokens: number[], from: number, cache?: ReturnType<typeof createCache>): Float32Array =>
    tidy(() => {
      const columns = tokens.length - from;
      const positions = Int32Array.from({ length: columns }, (_, i) => from + i);
      const input = {
        tokens: tensor1d(tokens.slice(from), 'int32'),
        positions: tensor1d(positions, 'int32'),
        ranges: tensor3d(
          Int32Array.from({ length: 2 * columns }, (_, i) => (i % 2) * positions[i >> 1]),
          [1, columns, 2],
          'int32',
        ),
      };
      return logits(model, forward(model, input, { cache })).dataSync() as Float32Array;
    });

  test('cached and uncached logits are equal', () => {
    const tokens = [2, 9, 4, 31, 7, 7, 15];
    const whole = rowLogits(tokens, 0);
    const cache = createCache(model.config.num_hidden_layers);
    const pieces = [
      rowLogits(tokens.slice(0, 3), 0, cache),
      rowLogits(tokens.slice(0, 4), 3, cache),
      rowLogits(tokens, 4, cache),
    ];
    disposeCache(cache);
    const joined = pieces.flatMap((piece) => [...piece]);
    assert.equal(joined.length, whole.length);
    const worst = Math.max(...joined.map((value, i) => Math.abs(value - whole[i])));
    assert.ok(worst < 1e-4, `largest difference ${worst}`);
  });

  test('greedy generation follows the argmax of the uncached model', async () => {
    const prompt = [3, 14, 15];
    const [{ tokens }] = await generate(model, [prompt], { ...greedy, maxNewTokens: 6, stopIds: [], seed: 1 });
    const expected = [...prompt];
    for (let i = 0; i < 6; i++) {
      const last = rowLogits(expected, 0).slice(-model.config.vocab_size);
      expected.push(last.indexOf(Math.max(...last)));
    }
    assert.deepEqual(tokens, expected.slice(prompt.length));
  });

  test('an answer does not depend on what is answered beside it', async () => {
    const prompts = [[5, 6, 7, 8, 9, 10], [4], [20, 21, 22]];
    const options = { ...greedy, maxNewTokens: 5, stopIds: [], seed: 1 };
    const together = await generate(model, prompts, options);
    for (const [i, prompt] of prompts.entries()) {
      const [alone] = await generate(model, [prompt], options);
      assert.deepEqual(together[i].tokens, alone.tokens);
    }
  });

  test('a neighbour as long as the context takes no room from a short prompt', async () => {
    const long = Array.from({ length: 32 }, (_, i) => 2 + (i % 20));
    const nearly = long.slice(0, 30);
    const options = { ...greedy, maxNewTokens: 6, stopIds: [], seed: 1 };
    const [full, almost, short] = await generate(model, [long, nearly, [3, 14, 15]], options);
    assert.deepEqual([full.tokens.length, almost.tokens.length, short.tokens.length], [0, 2, 6]);
    const [alone] = await generate(model, [[3, 14, 15]], options);
    assert.deepEqual(short.tokens, alone.tokens);
  });

  test('rows that have ended leave the batch: the others go on unchanged, and no tensor is left', async () => {
    const prompts = Array.from({ length: 8 }, (_, i) => [2 + i, 9, 4 + i]);
    const lengths = [1, 9, 2, 1, 12, 3, 1, 5];
    const options = { ...sampling, maxNewTokens: 12, stopIds: [], seed: 3 };
    const { numTensors } = memory();
    const whole = await generate(model, prompts, options);
    const counts = prompts.map(() => 0);
    const cut = await generate(model, prompts, { ...options, onToken: (row) => ++counts[row] < lengths[row] });
    assert.deepEqual(
      cut.map(({ tokens }) => tokens),
      whole.map(({ tokens }, row) => tokens.slice(0, lengths[row])),
    );
    assert.equal(memory().numTensors, numTensors);
  });

  test('the same seed draws the same tokens, another seed others', async () => {
    const options = { ...sampling, maxNewTokens: 12, stopIds: [] };
    const draw = async (seed: number) => (await generate(model, [[2, 3]], { ...options, seed }))[0].tokens;
    assert.deepEqual(await draw(5), await draw(5));
    assert.notDeepEqual(await draw(5), await draw(6));
  });

  test('stop tokens end a row and are not part of it; the context bounds the rest', async () => {
    const free = await generate(model, [[2, 3]], { ...greedy, maxNewTokens: 8, stopIds: [], seed: 1 });
    const stop = free[0].tokens[2];
    const first = free[0].tokens.indexOf(stop);
    const [stopped] = await generate(model, [[2, 3]], { ...greedy, maxNewTokens: 8, stopIds: [stop], seed: 1 });
    assert.deepEqual(stopped, { tokens: free[0].tokens.slice(0, first), finish: 'stop', stopId: stop });
    const [long] = await generate(model, [[2, 3]], { ...greedy, maxNewTokens: 500, stopIds: [], seed: 1 });
    assert.equal(long.finish, 'length');
    assert.equal(long.tokens.length, 30);
  });

  test('generation streams its tokens, can be stopped by its caller, and leaves no tensor behind', async () => {
    const { numTensors } = memory();
    const streamed: number[] = [];
    const [result] = await generate(model, [[2, 3]], {
      ...greedy,
      maxNewTokens: 10,
      stopIds: [],
      seed: 1,
      onToken: (_, id) => streamed.push(id) < 4,
    });
    assert.deepEqual(result, { tokens: streamed, finish: 'caller' });
    assert.equal(streamed.length, 4);
    assert.equal(memory().numTensors, numTensors);
  });
});
