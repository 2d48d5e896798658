// Tokens drawn where the logits lie: those of the reference in TypeScript, from the same logits, whatever the instruction
// set, the number of rows or the threads; and log-probabilities that are the cross-entropy's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import type { Sampling } from '../../src/config/sampling.js';
import { crossEntropy } from '../../src/tensor/ops/cross-entropy.js';
import { linear } from '../../src/tensor/ops/linear.js';
import { type RowDraw, sampleRows } from '../../src/tensor/ops/sample-rows.js';
import { drawToken, notFinite } from '../../src/tensor/ops/sample-token.js';
import { memory, type Tensor2D, tensor1d, tensor2d } from '../../src/tensor/tf.js';
import { onEachBackend } from '../conformance/backends.js';
import { openNative } from './native-world.js';

const pick = <T>(random: Random, list: readonly T[]): T => list[random.integer(0, list.length)];

/** Spread, tied, nearly equal, huge, all equal, many that cannot be drawn, some that are no numbers. */
const kinds: Record<string, (random: Random) => number> = {
  spread: (random) => random.normal() * 3,
  tied: (random) => Math.round(random.normal() * 4) / 2,
  close: (random) => random.normal() * 1e-3,
  huge: (random) => random.normal() * 1e4,
  equal: () => 1.5,
  without: (random) => (random.uniform() < 0.3 ? Number.NEGATIVE_INFINITY : random.normal() * 5),
  'no numbers': (random) => (random.uniform() < 0.01 ? Number.NaN : random.normal()),
  infinite: (random) => (random.uniform() < 0.005 ? Number.POSITIVE_INFINITY : random.normal()),
};

function randomSampling(random: Random): Sampling {
  return {
    temperature: pick(random, [0, 1, 1, 0.7, 2, 1e-3, 1e-60]),
    topK: pick(random, [0, 0, 0, 1, 5, 50, 1_000_000]),
    topP: pick(random, [1, 1, 0.999999, 0.9, 0.5, 0.01]),
    minP: pick(random, [0, 0, 0, 0.05, 0.5, 1]),
    repetitionPenalty: pick(random, [1, 1, 1.3, 0.5]),
  };
}

function randomDraw(random: Random, rows: number, vocabulary: number): RowDraw & { sampling: Sampling } {
  const sampling = randomSampling(random);
  const seen = new Set(
    Array.from({ length: sampling.repetitionPenalty === 1 ? 0 : 10 }, () => random.integer(0, vocabulary)),
  );
  const uniform = pick(random, [random.uniform(), random.uniform(), 0, 1 - 2 ** -53]);
  return { row: random.integer(0, rows), logProbability: random.uniform() < 0.2, sampling, uniform, seen } as const;
}

test('thousands of rows draw the tokens of the reference on the native engine', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const random = Random.stream(1, 'rows');
  const rows = 4;
  let drawn = 0;
  let refused = 0;
  for (const [kind, make] of Object.entries(kinds)) {
    for (const vocabulary of [1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 65, 511, 1000, 1023, 1024, 1025, 4097, 16_384]) {
      const logits = new Float32Array(rows * vocabulary).map(() => make(random));
      const tensor = tensor2d(logits, [rows, vocabulary]);
      const draws = Array.from({ length: 20 }, () => randomDraw(random, rows, vocabulary));
      const without = random.uniform() < 0.3 && vocabulary > 3 ? [1, vocabulary - 1] : [];
      const results = await sampleRows(tensor, draws, without);
      for (const [i, draw] of draws.entries()) {
        const row = logits.slice(draw.row * vocabulary, (draw.row + 1) * vocabulary);
        for (const none of without) row[none] = Number.NEGATIVE_INFINITY;
        const id = drawToken(row, draw as Parameters<typeof drawToken>[1]);
        assert.equal(results[i].id, id, `${kind}, ${vocabulary} logits: ${JSON.stringify(draw)}`);
        drawn++;
        if (id === notFinite) refused++;
      }
      tensor.dispose();
    }
  }
  assert.ok(drawn === 2880 && refused > 100 && refused < 600, `${drawn} drawn, ${refused} refused`);
});

test('log-probabilities are those of the cross-entropy of the same states, to the bit, on the native engine', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const random = Random.stream(2, 'states');
  for (const [n, d, vocabulary] of [
    [1, 16, 40],
    [3, 64, 257],
    [64, 96, 1000],
    [20, 300, 8192],
  ]) {
    const draw = (size: number): Float32Array => new Float32Array(size).map(() => random.normal() / 3);
    const hidden = tensor2d(draw(n * d), [n, d]);
    const weight = tensor2d(draw(vocabulary * d), [vocabulary, d]);
    const targets = Array.from({ length: n }, () => random.integer(0, vocabulary));
    const losses = crossEntropy(hidden, weight, tensor1d(targets, 'int32'));
    const logits = linear(hidden, weight);
    const results = await sampleRows(
      logits,
      targets.map((id, row) => ({ row, id, logProbability: true })),
    );
    assert.deepEqual(
      results.map(({ logProbability }) => logProbability),
      [...losses.dataSync()].map((loss) => -loss),
    );
  }
});

await onEachBackend('rows of logits', async (t) => {
  await t.test('the likeliest tokens are tokens, the likeliest first', async () => {
    const logits = tensor2d([[1, 3, 2, 0.5]]) as Tensor2D;
    const [{ top = [] }] = await sampleRows(logits, [{ row: 0, id: 0, logProbability: true, top: 20 }], [2]);
    assert.deepEqual(
      top.map(({ id }) => id),
      [1, 0, 3],
    );
    logits.dispose();
  });

  await t.test('several draws may name a row, given ids are not drawn, and nothing is left behind', async () => {
    const rows = [
      [1, 3, 2, 0.5],
      [0, 0, 9, 0],
    ];
    const logits = tensor2d(rows) as Tensor2D;
    const { numTensors } = memory();
    const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
    const rest = { sampling: greedy, uniform: 0, seen: new Set<number>() };
    const results = await sampleRows(
      logits,
      [
        { row: 1, logProbability: false, ...rest },
        { row: 0, logProbability: true, ...rest },
        { row: 0, logProbability: true, id: 3 },
        { row: 0, logProbability: true, ...rest, sampling: { ...greedy, repetitionPenalty: 2 }, seen: new Set([1]) },
        { row: 0, logProbability: false, ...rest, sampling: { ...greedy, temperature: 1 }, uniform: 0.99 },
      ],
      [2],
    );
    assert.deepEqual(
      results.map(({ id }) => id),
      [0, 1, 3, 1, 3],
    );
    const total = rows[0].reduce((sum, x) => sum + Math.exp(x), 0);
    for (const [i, id] of [
      [1, 1],
      [2, 3],
      [3, 1],
    ]) {
      const wanted = rows[0][id] - Math.log(total);
      assert.ok(Math.abs(results[i].logProbability - wanted) < 1e-6, `${results[i].logProbability}, not ${wanted}`);
    }
    assert.deepEqual(await sampleRows(logits, []), []);
    assert.equal(memory().numTensors, numTensors);
    logits.dispose();
  });
});
