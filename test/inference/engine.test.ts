import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { greedy, samplingAt } from '../../src/config/sampling.js';
import { type Emitted, Engine, type Generation, type Request } from '../../src/inference/engine.js';
import { createCache, disposeCache } from '../../src/model/cache.js';
import { disposeModel, type Model } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory, tensor, tidy } from '../../src/tensor/tf.js';
import { onBackend, onEachBackend } from '../conformance/backends.js';
import { tinyModel } from '../train/tiny.js';
import { answersOf, columnLogits } from './answers.js';

const context = 32;
const sampling = samplingAt(1);

/** Requests of every kind: short and long prompts and answers, greedy and seeded, stop tokens, samples. */
function mixedRequests(count: number): Request[] {
  const random = Random.stream(4, 'requests');
  return Array.from({ length: count }, (_, i) => ({
    tokens: Array.from({ length: random.integer(1, 20) }, () => random.integer(2, 32)),
    maxNewTokens: random.integer(1, 12),
    sampling: [greedy, sampling, { temperature: 0.8, topK: 8, topP: 0.9, minP: 0.01, repetitionPenalty: 1.2 }][i % 3],
    stopIds: [3],
    seed: i,
    ...(i % 17 === 5 && { samples: 3 }),
  }));
}

await onEachBackend('the engine', async (t) => {
  await t.test('cached and uncached logits are equal, rows in stretches of their own', () => {
    const model = tinyModel(11, context);
    const ids = [
      [2, 9, 4, 31, 7, 7, 15],
      [5, 5, 6, 8, 30, 2, 3],
    ];
    const whole = columnLogits(model, ids, [0, 7]);
    const cache = createCache(model.config, 2 * 16);
    const pieces = (
      [
        [0, 3],
        [3, 4],
        [4, 7],
      ] as const
    ).map((range) => ({ range, values: columnLogits(model, ids, range, cache) }));
    const size = model.config.vocab_size;
    for (const {
      range: [from, to],
      values,
    } of pieces) {
      for (const row of [0, 1]) {
        const wanted = whole.subarray((row * 7 + from) * size, (row * 7 + to) * size);
        const got = values.subarray(row * (to - from) * size, (row + 1) * (to - from) * size);
        const worst = Math.max(...got.map((value, i) => Math.abs(value - wanted[i])));
        assert.ok(worst < 1e-4, `columns ${from} to ${to}: largest difference ${worst}`);
      }
    }
    disposeCache(cache);
    disposeModel(model);
  });

  await t.test('greedy answers follow the argmax of the uncached model', async () => {
    const model = tinyModel(11, context);
    const prompt = [3, 14, 15];
    const [{ tokens }] = await answersOf(model, [prompt], { sampling: greedy, maxNewTokens: 6 });
    const expected = [...prompt];
    for (let i = 0; i < 6; i++) {
      const last = columnLogits(model, [expected], [0, expected.length]).slice(-model.config.vocab_size);
      expected.push(last.indexOf(Math.max(...last)));
    }
    assert.deepEqual(tokens, expected.slice(prompt.length));
    disposeModel(model);
  });

  await t.test('answers follow weights that another tensor was assigned to', async () => {
    const [model, other] = [tinyModel(11, context), tinyModel(12, context)];
    const [requests, engines] = [mixedRequests(6), [model, other].map((each) => new Engine(each))];
    await engines[0].run(requests);
    for (const [name, value] of model.weights) {
      tidy(() => value.assign(tensor(other.weights.get(name)?.dataSync() as Float32Array, value.shape)));
    }
    engines[0].weightsChanged();
    const [answers, wanted] = await Promise.all(engines.map((engine) => engine.run(requests)));
    assert.deepEqual(answers, wanted);
    for (const engine of engines) await engine.dispose();
    for (const each of [model, other]) disposeModel(each);
  });

  await t.test('rows without a token are never drawn, and without such rows no draw changes', async () => {
    const model = tinyModel(11, context);
    const requests = mixedRequests(12);
    const drawn = async (withoutToken: number[], logProbabilities = false): Promise<Generation[]> => {
      const engine = new Engine(model, { withoutToken });
      const answers = await engine.run(requests.map((request) => ({ ...request, logProbabilities })));
      await engine.dispose();
      return answers;
    };
    const plain = new Engine(model);
    const free = await plain.run(requests);
    await plain.dispose();
    assert.deepEqual(await drawn([]), free);
    const padding = [...Array(10).keys()].map((i) => 22 + i);
    assert.ok(free.some(({ tokens }) => tokens.some((id) => padding.includes(id))));
    for (const { tokens } of [...(await drawn(padding)), ...(await drawn(padding, true))]) {
      assert.ok(!tokens.some((id) => padding.includes(id)), `${tokens}`);
    }
    disposeModel(model);
  });

  await t.test('an answer is the same alone, among others, joining late, and read in chunks', async () => {
    const model = tinyModel(11, context);
    const requests = mixedRequests(40);
    const together = new Engine(model);
    const all = await Promise.all(requests.map((request) => together.submit(request)));
    const chunked = new Engine(model, { maxRows: 3, chunkTokens: 4, stepTokens: 9, cacheTokens: 128 });
    const late: Promise<Generation[]>[] = [];
    for (const request of requests) {
      late.push(chunked.submit(request));
      await new Promise(setImmediate);
    }
    const lateAnswers = await Promise.all(late);
    for (const [i, request] of requests.entries()) {
      const alone = new Engine(model);
      assert.deepEqual(await alone.submit(request), all[i], `request ${i} alone`);
      assert.deepEqual(lateAnswers[i], all[i], `request ${i} in chunks`);
      await alone.dispose();
    }
    await together.dispose();
    await chunked.dispose();
    disposeModel(model);
  });
});

await onBackend(
  'answers to one prompt outlive the one whose columns their beginning was copied from',
  'native',
  {},
  async () => {
    const ask = { sampling, stopIds: [], seed: 1 };
    const long = tinyModel(11, 256);
    const ids = (seed: number, length: number): number[] => {
      const random = Random.stream(seed, 'copies');
      return Array.from({ length }, () => random.integer(4, 32));
    };
    const prompt = ids(1, 70); // two blocks of keys that are read together
    const requests: Request[] = [
      { ...ask, tokens: prompt, maxNewTokens: 2 },
      { ...ask, tokens: prompt, maxNewTokens: 50, logProbabilities: true },
      { ...ask, tokens: prompt, maxNewTokens: 50, logProbabilities: true, seed: 2 },
      { ...ask, tokens: ids(2, 100), maxNewTokens: 20 }, // waits for the room of the first
    ];
    const crowded = new Engine(long, { cacheTokens: 3 * 128 });
    const together = await crowded.run(requests);
    assert.ok(crowded.counts.reused >= 2 * 69, 'both have copies');
    const alone = new Engine(long, { maxRows: 1 });
    const separate: Generation[] = [];
    for (const request of requests) {
      separate.push(...(await alone.submit(request)));
      alone.weightsChanged(); // nothing is read for two of them
    }
    assert.deepEqual(together, separate);
    for (const each of [crowded, alone]) await each.dispose();
    disposeModel(long);
  },
);

describe('the engine', () => {
  let model: Model;
  let engine: Engine;
  const ask = { maxNewTokens: 6, sampling, stopIds: [], seed: 1 };
  before(async () => {
    await openBackend('wasm');
    model = tinyModel(11, context);
    engine = new Engine(model);
  });
  after(async () => {
    await engine.dispose();
    disposeModel(model);
  });

  test('who waits for a beginning does not take it from columns that have become another answer', async () => {
    const long = tinyModel(11, 256);
    const ids = (seed: number, length: number): number[] => {
      const random = Random.stream(seed, 'beginnings');
      return Array.from({ length }, () => random.integer(4, 32));
    };
    const [shared, other] = [ids(1, 130), (id: number) => (id === 31 ? 4 : id + 1)];
    const controller = new AbortController();
    const crowded = new Engine(long, { chunkTokens: 64, stepTokens: 64 });
    const leader = crowded.submit({ ...ask, tokens: [...shared, ...ids(2, 90)], signal: controller.signal });
    // Both are read before the follower's turn comes.
    const between = [ids(3, 240), ids(4, 200)].map((tokens) => crowded.submit({ ...ask, tokens }));
    const tokens = [...shared, 9, 8, 7];
    const follower = crowded.submit({ ...ask, tokens, logProbabilities: true });
    while (crowded.counts.read < 128) await new Promise(setImmediate);
    controller.abort();
    const heir = crowded.submit({ ...ask, tokens: [...shared.slice(0, 128), other(shared[128])] });
    await Promise.all([leader, heir, ...between]);
    await Promise.all([leader, heir, ...between]);
    const alone = new Engine(long);
    const [[answer], [wanted]] = [await follower, await alone.submit({ ...ask, tokens, logProbabilities: true })];
    assert.deepEqual(answer.tokens, wanted.tokens);
    for (const [i, { logProbability }] of (wanted.emitted ?? []).entries()) {
      const difference = Math.abs((answer.emitted?.[i].logProbability ?? 0) - (logProbability ?? 0));
      assert.ok(difference < 2e-6, `token ${i}: ${difference}`);
    }
    for (const each of [crowded, alone]) await each.dispose();
    disposeModel(long);
  });

  test('samples read their prompt once, differ, and are those of their seed whatever the room', async () => {
    const tokens = [5, 6, 7, 8, 9, 10];
    const fresh = new Engine(model);
    const samples = await fresh.submit({ ...ask, tokens, samples: 5 });
    assert.equal(fresh.counts.read, tokens.length + 5 * (ask.maxNewTokens - 1));
    assert.ok(new Set(samples.map((each) => each.tokens.join())).size > 1);
    const [first] = await fresh.submit({ ...ask, tokens });
    assert.deepEqual(first, samples[0]);
    await fresh.dispose();
    const narrow = new Engine(model, { maxRows: 2, cacheTokens: 128 });
    assert.deepEqual(await narrow.submit({ ...ask, tokens, samples: 5 }), samples);
    assert.equal(narrow.counts.read, tokens.length + 5 * (ask.maxNewTokens - 1), 'in three rounds, one reading');
    await narrow.dispose();
  });

  test('what continues an earlier sequence reads only what is new', async () => {
    const fresh = new Engine(model);
    const prompt = [5, 6, 7, 8, 9, 10];
    const [{ tokens }] = await fresh.submit({ ...ask, tokens: prompt });
    const { read } = fresh.counts;
    const next = [...prompt, ...tokens, 20, 21];
    const [continued] = await fresh.submit({ ...ask, tokens: next });
    // The last token of the answer was drawn, but never read.
    assert.equal(fresh.counts.read - read, 3 + ask.maxNewTokens - 1);
    assert.equal(fresh.counts.reused, prompt.length + tokens.length - 1);
    assert.deepEqual(continued, (await engine.submit({ ...ask, tokens: next }))[0]);
    await fresh.dispose();
  });

  test('equal beginnings are read once, also by requests that join together', async () => {
    const shared = Array.from({ length: 24 }, (_, i) => 3 + i);
    const requests = [28, 29, 30].map((last) => ({ ...ask, tokens: [...shared, last] }));
    const alone = await Promise.all(requests.map((request) => engine.submit(request)));
    for (const options of [{}, { chunkTokens: 7 }]) {
      const fresh = new Engine(model, options);
      assert.deepEqual(await fresh.run(requests), alone.flat());
      assert.deepEqual(fresh.counts, { read: shared.length + 3 * ask.maxNewTokens, reused: 2 * shared.length });
      await fresh.dispose();
    }
    // Whom the others wait for is gone before it has read what they wait for.
    const left = new Engine(model, { chunkTokens: 7 });
    const controller = new AbortController();
    const first = left.submit({ ...requests[0], signal: controller.signal });
    const others = left.run(requests.slice(1));
    await new Promise(setImmediate);
    controller.abort();
    assert.deepEqual(await first, [{ tokens: [], finish: 'aborted' }]);
    assert.deepEqual(await others, alone.slice(1).flat());
    await left.dispose();
  });

  test('forced tokens come where they are asked for, are told apart, and each token with its log-probability', async () => {
    const forced = [20, 21, 22];
    const request: Request = {
      ...{ ...ask, tokens: [3, 4], maxNewTokens: 8, logProbabilities: true },
      force: (generated) => (generated.length === 2 ? forced : []),
    };
    const [{ tokens, emitted = [] }] = await engine.submit(request);
    assert.deepEqual(tokens.slice(2, 5), forced);
    assert.deepEqual(
      emitted.map(({ sampled }) => sampled),
      [true, true, false, false, false, true, true, true],
    );
    const whole = [3, 4, ...tokens];
    const values = columnLogits(model, [whole], [0, whole.length]);
    const size = model.config.vocab_size;
    for (const [i, { id, logProbability = 0 }] of emitted.entries()) {
      const logits = [...values.subarray((i + 1) * size, (i + 2) * size)];
      const expected = logits[id] - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      assert.ok(Math.abs(logProbability - expected) < 1e-4, `token ${i}: ${logProbability}, ${expected}`);
    }
    const [silent] = await engine.submit({ ...request, logProbabilities: false });
    assert.deepEqual(silent, { tokens, finish: 'length' });
    const [opened] = await engine.submit({ ...request, force: (generated) => (generated.length === 0 ? forced : []) });
    assert.deepEqual(opened.tokens.slice(0, 3), forced);
    assert.equal(opened.emitted?.length, 8);
  });

  test('a stop token ends an answer and is no part of it, unless something is forced after it', async () => {
    const request = { ...ask, tokens: [2, 3], sampling: greedy, maxNewTokens: 8 };
    const [{ tokens: free }] = await engine.submit(request);
    const stop = free[2];
    const at = free.indexOf(stop);
    const [stopped] = await engine.submit({ ...request, stopIds: [stop] });
    assert.deepEqual(stopped, { tokens: free.slice(0, at), finish: 'stop', stopId: stop });
    const force = (generated: readonly number[]) => (generated.length === at + 1 ? [7, 8] : []);
    const [continued] = await engine.submit({ ...request, stopIds: [stop], force });
    assert.deepEqual(continued.tokens.slice(0, at + 3), [...free.slice(0, at + 1), 7, 8]);
    const [long] = await engine.submit({ ...request, maxNewTokens: 500 });
    assert.deepEqual([long.finish, long.tokens.length], ['length', context - 2]);
    const [cut] = await engine.submit({ ...request, maxNewTokens: 4, force: () => [9, 9, 9, 9, 9, 9] });
    assert.deepEqual(cut, { tokens: [9, 9, 9, 9], finish: 'length' });
  });

  test('what can never be answered is refused before it queues', async () => {
    const small = new Engine(model, { cacheTokens: 64, maxRows: 1 });
    await assert.rejects(small.submit({ ...ask, tokens: Array.from({ length: context }, () => 4) }), {
      name: 'UserError',
      message: /a prompt of 32 tokens can never be answered here.*context holds 32/s,
    });
    await assert.rejects(small.submit({ ...ask, tokens: [4, 32] }), /the vocabulary of 32 has no token 32/);
    await assert.rejects(small.submit({ ...ask, tokens: [] }), /at least one token/);
    assert.deepEqual(small.load, { active: 0, waiting: 0 });
    await small.dispose();
  });

  test('an abort frees the row within one step, with what there is so far; the others continue unchanged', async () => {
    const one = new Engine(model, { maxRows: 1 });
    const controller = new AbortController();
    const seen: Emitted[] = [];
    const request = { ...ask, tokens: [2, 3], maxNewTokens: 25 };
    const long = one.submit({ ...request, signal: controller.signal }, (emitted) => {
      if (seen.push(emitted) === 4) controller.abort();
    });
    const waiting = one.submit({ ...request, signal: controller.signal });
    const other = one.submit({ ...ask, tokens: [9] });
    const [aborted] = await long;
    assert.deepEqual(aborted, { tokens: seen.map(({ id }) => id), finish: 'aborted' });
    assert.equal(seen.length, 4, 'no token after the step in which it was aborted');
    assert.deepEqual(await waiting, [{ tokens: [], finish: 'aborted' }]);
    assert.deepEqual(await other, await engine.submit({ ...ask, tokens: [9] }));
    assert.deepEqual(one.load, { active: 0, waiting: 0 });
    await one.dispose();
  });

  test('a stream gives the tokens of its request; whoever leaves it ends the request', async () => {
    const request = { ...ask, tokens: [2, 3], maxNewTokens: 20 };
    const [{ tokens }] = await engine.submit(request);
    const streamed: number[] = [];
    for await (const { id } of engine.stream(request)) streamed.push(id);
    assert.deepEqual(streamed, tokens);
    for await (const { id } of engine.stream(request)) if (id === tokens[3]) break;
    assert.deepEqual(engine.load, { active: 0, waiting: 0 });
    await assert.rejects(engine.stream({ ...request, tokens: [] }).next(), RangeError);
  });

  test('samples that all end at once let those behind them in', async () => {
    const tokens = [5, 6, 7];
    const [{ tokens: free }] = await engine.submit({ ...ask, tokens, sampling: greedy });
    const none = { tokens: [], finish: 'stop', stopId: free[0] };
    for (const options of [{ maxRows: 1 }, { maxRows: 64, cacheTokens: 64 }]) {
      const narrow = new Engine(model, options);
      const request = { ...ask, tokens, sampling: greedy, stopIds: [free[0]] };
      assert.deepEqual(await narrow.submit({ ...request, samples: 5 }), [none, none, none, none, none]);
      assert.deepEqual(narrow.load, { active: 0, waiting: 0 });
      await narrow.dispose();
    }
  });

  test('more samples than rows join as rows become free', async () => {
    const narrow = new Engine(model, { maxRows: 4 });
    const rows: number[] = [];
    // Samples end at stop tokens, at different times.
    const request = { ...ask, tokens: [5, 6, 7], stopIds: [5, 9, 16, 23, 27], maxNewTokens: 20, samples: 16 };
    const samples = await narrow.submit(request, () => rows.push(narrow.load.active));
    assert.deepEqual(samples, await engine.submit(request));
    const full = rows.filter((active) => active === 4).length;
    assert.ok(full > 0.6 * rows.length, `${full} of ${rows.length} tokens came while all rows were busy`);
    await narrow.dispose();
  });

  test('what goes wrong with a request rejects it alone: its listener, its forced ids', async () => {
    const { numTensors } = memory();
    const shared = new Engine(model, { cacheTokens: 256, chunkTokens: 4 });
    const good = { ...ask, tokens: Array.from({ length: 18 }, (_, i) => 3 + i) };
    const fail = () => assert.fail('the listener failed');
    const outcomes = await Promise.allSettled([
      shared.submit({ ...ask, tokens: [2, 3] }, fail),
      shared.submit({ ...good, samples: 3 }),
      shared.submit({ ...ask, tokens: [4, 9], force: () => [32] }),
      shared.submit({ ...ask, tokens: [4, 9], force: () => [1.5], samples: 2 }),
      shared.submit({ ...ask, tokens: [8] }),
      shared.submit({ ...ask, tokens: [4, 9], samples: 2 }, (_, sample) => assert.equal(sample, 0)),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'fulfilled', 'rejected', 'rejected', 'fulfilled', 'rejected'],
    );
    assert.match(String((outcomes[2] as PromiseRejectedResult).reason), /the vocabulary of 32 has no token 32/);
    // All of its columns are free again.
    const wide = { ...good, maxNewTokens: 14, samples: 4 };
    assert.deepEqual(await shared.submit(wide), await engine.submit(wide));
    assert.deepEqual(shared.load, { active: 0, waiting: 0 });
    await shared.dispose();
    assert.equal(memory().numTensors, numTensors);
  });

  test('weights that are no numbers reject, and harm nobody else', async () => {
    const broken = tinyModel(11, context);
    for (const [name, values] of broken.weights) {
      if (!/embed_tokens/.test(name)) continue;
      const width = values.shape[1] ?? 1;
      const rows = (values.dataSync() as Float32Array).map((x, i) => (Math.floor(i / width) === 31 ? Number.NaN : x));
      tidy(() => values.assign(tensor(rows, values.shape)));
    }
    const mixed = new Engine(broken);
    const lost = { ...ask, sampling: greedy, tokens: Array.from({ length: 25 }, () => 31) };
    await assert.rejects(mixed.submit(lost), { name: 'UserError', message: /output is not finite/ });
    mixed.weightsChanged();
    const [short, long] = [
      { ...ask, sampling: greedy, tokens: [5, 6, 7] },
      { ...ask, sampling: greedy, tokens: Array.from({ length: 24 }, (_, i) => 3 + i) },
    ];
    const beside = await mixed.run([short, long]);
    const alone = new Engine(broken);
    assert.deepEqual(beside, [...(await alone.submit(short)), ...(await alone.submit(long))]);
    await Promise.all([mixed.dispose(), alone.dispose()]);
    disposeModel(broken);
  });

  test('once the weights have changed, nothing that was read before is used again', async () => {
    const changing = tinyModel(11, context);
    const other = tinyModel(12, context);
    const tokens = Array.from({ length: 20 }, (_, i) => 3 + i);
    const old = new Engine(changing);
    let change = (): void => {
      for (const [name, values] of changing.weights) values.assign(other.weights.get(name) ?? values);
      old.weightsChanged();
      change = () => undefined;
    };
    await old.submit({ ...ask, tokens }, () => change());
    const fresh = new Engine(other);
    assert.deepEqual(await old.submit({ ...ask, tokens }), await fresh.submit({ ...ask, tokens }));
    await Promise.all([old.dispose(), fresh.dispose()]);
    disposeModel(changing);
    disposeModel(other);
  });

  test('a request that only waits drives nothing out of the cache', async () => {
    const small = new Engine(model, { cacheTokens: 128, maxRows: 8 });
    const prompt = Array.from({ length: 20 }, (_, i) => 3 + i);
    const [{ tokens }] = await small.submit({ ...ask, tokens: prompt, maxNewTokens: 2 });
    const running = small.submit({ ...ask, tokens: [2, 3], maxNewTokens: 20 });
    const controller = new AbortController();
    const waiting = small.submit({ ...ask, tokens: [9, 9], samples: 2, signal: controller.signal });
    await new Promise(setImmediate);
    controller.abort();
    await Promise.all([running, waiting]);
    const { reused } = small.counts;
    await small.submit({ ...ask, tokens: [...prompt, ...tokens, 7] });
    assert.equal(small.counts.reused - reused, prompt.length + 1);
    await small.dispose();
  });

  test('counts that are no counts are refused; disposing ends what is being answered', async () => {
    const { numTensors } = memory();
    const ending = new Engine(model);
    for (const wrong of [{ maxNewTokens: 1.5 }, { samples: 2.5 }, { samples: -1 }]) {
      await assert.rejects(ending.submit({ ...ask, tokens: [2, 3], ...wrong }), /must be a whole number/);
    }
    assert.deepEqual(await ending.submit({ ...ask, tokens: [2, 3], samples: 0 }), []);
    const ended = ending.submit({ ...ask, tokens: [2, 3] });
    await Promise.all([assert.rejects(ended, /disposed before/), ending.dispose()]);
    await assert.rejects(ending.submit({ ...ask, tokens: [2, 3] }), /is disposed/);
    assert.equal(memory().numTensors, numTensors);
  });

  test('three thousand requests, some aborted, leave tensors and memory where they were', async () => {
    const busy = new Engine(model, { maxRows: 32 });
    const serve = async (count: number): Promise<void> => {
      for (const request of mixedRequests(200)) if (request.tokens.length > 16) request.maxNewTokens = 2;
      for (let served = 0; served < count; served += 200) {
        const controller = new AbortController();
        const requests = mixedRequests(200).map((request, i) => ({
          ...request,
          maxNewTokens: Math.min(request.maxNewTokens, 3),
          signal: i % 10 === 0 ? controller.signal : undefined,
        }));
        const all = busy.run(requests);
        setImmediate(() => controller.abort());
        await all;
      }
    };
    await serve(1000);
    const { numTensors } = memory();
    const { rss } = process.memoryUsage();
    await serve(2000);
    assert.equal(memory().numTensors, numTensors);
    const grown = (process.memoryUsage().rss - rss) / 2 ** 20;
    assert.ok(grown < 64, `${grown.toFixed(0)} MiB more than after the first thousand`);
    await busy.dispose();
  });
});
