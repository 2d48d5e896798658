// A thousand requests, greedy and seeded, on the native engine: alone, among 8, among 64, joining late, read in chunks. What is
// answered beside a request changes no bit of its logits, and so none of its tokens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { greedy, samplingAt } from '../../src/config/sampling.js';
import { Engine, type Generation, type Request } from '../../src/inference/engine.js';
import type { EngineOptions } from '../../src/inference/engine-options.js';
import { disposeModel } from '../../src/model/model.js';
import { openNative, smallModel } from '../tensor/native-world.js';

const count = 1000;
const columns = 96;

function requests(): Request[] {
  const random = Random.stream(8, 'thousand');
  return Array.from({ length: count }, (_, i) => ({
    tokens: Array.from({ length: random.integer(1, 40) }, () => random.integer(2, 48)),
    maxNewTokens: random.integer(4, 20),
    sampling: i % 2 === 0 ? greedy : samplingAt(1),
    stopIds: [2],
    seed: i,
  }));
}

test('a thousand requests get the same ids whatever is answered beside them', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const model = smallModel(3, 64, columns);
  const all = requests();

  /** Answers all requests with one engine; `late`: one joins at each step of the event loop. */
  async function answer(options: Partial<EngineOptions>, late = false): Promise<Generation[]> {
    const engine = new Engine(model, options);
    const answers: Promise<Generation[]>[] = [];
    for (const request of all) {
      answers.push(engine.submit(request));
      if (late) await new Promise(setImmediate);
    }
    const generations = (await Promise.all(answers)).flat();
    await engine.dispose();
    return generations;
  }

  const alone = await answer({ maxRows: 1 });
  const others = {
    'among 8': await answer({ maxRows: 8 }),
    'among 64': await answer({ maxRows: 64 }),
    'joining late': await answer({ maxRows: 24 }, true),
    'read in chunks': await answer({ maxRows: 16, chunkTokens: 7, stepTokens: 40 }),
  };
  const tokens = alone.reduce((sum, generation) => sum + generation.tokens.length, 0);
  assert.ok(tokens > 5000, `${tokens} tokens`);
  for (const [situation, generations] of Object.entries(others)) {
    for (const [i, generation] of generations.entries()) {
      assert.deepEqual(generation, alone[i], `${situation}: request ${i}`);
    }
  }
  disposeModel(model);
});
