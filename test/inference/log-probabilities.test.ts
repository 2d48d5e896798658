// What a policy's log-probabilities are, sampling and training agree on to the bit: those of the engine's tokens, drawn or
// forced, decoded one by one or read in pieces, beside others or alone, are the cross-entropy's over the whole rows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { greedy, samplingAt } from '../../src/config/sampling.js';
import { Engine, type Request } from '../../src/inference/engine.js';
import { tokenLogProbabilities } from '../../src/inference/score.js';
import { disposeModel } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { openNative, smallModel } from '../tensor/native-world.js';

function requests(): Request[] {
  const random = Random.stream(5, 'log-probabilities');
  return Array.from({ length: 40 }, (_, i) => ({
    tokens: Array.from({ length: random.integer(1, 40) }, () => random.integer(2, 48)),
    maxNewTokens: random.integer(2, 24),
    sampling: i % 4 === 0 ? greedy : samplingAt(1),
    stopIds: [],
    seed: i,
    logProbabilities: true,
    ...(i % 5 === 1 && { force: (generated: readonly number[]) => (generated.length === 2 ? [9, 8, 7, 6] : []) }),
  }));
}

test("the engine's log-probabilities are those of training, bit for bit", async (t) => {
  if ((await openNative(t)) === undefined) return;
  const model = smallModel(3, 64, 96);
  const all = requests();
  for (const options of [{}, { maxRows: 5, chunkTokens: 7, stepTokens: 30 }, { maxRows: 1 }]) {
    const engine = new Engine(model, options);
    const answers = await engine.run(all);
    await engine.dispose();
    const whole = all.map(({ tokens }, i) => [...tokens, ...answers[i].tokens]);
    const trained = await tokenLogProbabilities(model, whole);
    let compared = 0;
    for (const [i, { emitted = [] }] of answers.entries()) {
      const own = trained[i].subarray(all[i].tokens.length - 1);
      for (const [j, { logProbability }] of emitted.entries()) {
        assert.equal(logProbability, own[j], `${JSON.stringify(options)}: request ${i}, token ${j}`);
        compared++;
      }
    }
    assert.ok(compared > 400, `${compared} tokens`);
  }
  disposeModel(model);
});

test('the likeliest tokens of each place come with it, on the native engine and on the host alike', async (t) => {
  const asked = { ...requests()[0], sampling: samplingAt(1), topTokens: 3 };
  const tops: number[][][] = [];
  for (const backend of ['native', 'cpu'] as const) {
    if (backend === 'native' && (await openNative(t)) === undefined) return;
    if (backend === 'cpu') await openBackend('cpu');
    const model = smallModel(2, 32, 96);
    const engine = new Engine(model);
    const [{ emitted = [] }] = await engine.run([asked]);
    await engine.dispose();
    disposeModel(model);
    assert.ok(emitted.length > 1);
    for (const { id, logProbability = 0, top = [] } of emitted) {
      assert.equal(top.length, 3);
      assert.ok(top[0].logProbability >= top[1].logProbability && top[1].logProbability >= top[2].logProbability);
      const own = top.find((each) => each.id === id);
      // What was drawn is as likely in the list as by itself, or less likely than all of the list.
      if (own !== undefined) assert.ok(Math.abs(own.logProbability - logProbability) < 1e-5);
      else assert.ok(logProbability <= top[2].logProbability + 1e-6);
    }
    tops.push(emitted.map(({ top = [] }) => top.map(({ id }) => id)));
  }
  assert.deepEqual(tops[0][0], tops[1][0]);
});
