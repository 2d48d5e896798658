// What one of several ranks takes, against sums by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelShape } from '../../src/architecture/config.js';
import { trainingMemory } from '../../src/architecture/cost.js';
import { decoderTable, parameterCount, sizeOfTable } from '../../src/architecture/parameters.js';
import { exchangeMemory, momentsShare, ownShare, rankMemory, wireBytes } from '../../src/architecture/rank-plan.js';
import { modelSchema } from '../../src/config/model.js';
import { undivided } from '../../src/train/objective.js';
import { ownParts } from '../../src/train/ranks.js';

const config = modelShape(modelSchema.parse({ size: '10m' }), 32_000);
const table = decoderTable(config);

test('a rank sends each gradient twice but for its own share, and sums through three buffers', () => {
  const bytes = 4 * parameterCount(config);
  assert.equal(wireBytes(table, 2), bytes);
  assert.equal(wireBytes(table, 4), 1.5 * bytes);
  assert.equal(exchangeMemory(table, 1), 0);
  const largest = 4 * 32_000 * config.hidden_size; // the embedding
  assert.ok(largest > 1 << 22);
  assert.equal(exchangeMemory(table, 2), 2 * (1 << 22) + largest);
});

test('a rank holds what a process holds, of its own rows', () => {
  const shape = { rows: 8, columns: 128 };
  const kind = { optimizer: 'adamw', accumulation: 1 } as const;
  const alone = trainingMemory(config, { ...shape, rows: 2 }, kind);
  const four = rankMemory(config, shape, { ...kind, ranks: 4 });
  assert.equal(four.rows, 2);
  assert.equal(four.activations, alone.activations);
  assert.equal(four.moments, alone.moments * momentsShare(4));
  assert.equal(four.peak, alone.peak + four.exchange - alone.moments * (1 - momentsShare(4)));
  // Three micro-batches on two ranks: one has two, and adds up their gradients.
  const two = rankMemory(config, shape, { ...kind, accumulation: 3, ranks: 2 });
  assert.equal(two.rows, 8);
  assert.equal(two.gradients, trainingMemory(config, shape, { ...kind, accumulation: 2 }).gradients);
});

test('where layers are in shares, a rank holds its own of them, one as a whole, and what is in none', () => {
  const shape = { rows: 8, columns: 128 };
  const kind = { optimizer: 'adamw', accumulation: 1, ranks: 4 } as const;
  const [whole, shared] = [rankMemory(config, shape, kind), rankMemory(config, shape, { ...kind, shard: 'weights' })];
  const inLayers = 4 * sizeOfTable(table.filter(({ layer }) => layer !== undefined));
  const outside = 4 * parameterCount(config) - inLayers;
  const held = outside + inLayers / 4 + inLayers / config.num_hidden_layers;
  assert.deepEqual([shared.weights, shared.gradients], [held, held]);
  assert.deepEqual([shared.moments, shared.saved, shared.gathered], [whole.moments, whole.saved, inLayers]);
  assert.equal(shared.activations, whole.recomputedActivations);
  assert.equal(shared.peak, shared.recomputedPeak);
  assert.ok(shared.peak < whole.recomputedPeak - inLayers, `${shared.peak}, ${whole.recomputedPeak}`);
  // Sums of what is outside stand beside the gradients of the second pass.
  const twice = rankMemory(config, shape, { ...kind, accumulation: 8, shard: 'weights' });
  assert.deepEqual([twice.passes, twice.gradients], [2, held + outside]);
  // Each pass sends a layer's weights twice, and its gradients once.
  assert.equal(wireBytes(table, 4, 2), 0.75 * (2 * outside + 6 * inLayers));
  const alone = { optimizer: 'adamw', accumulation: 1, ranks: 1 } as const;
  assert.deepEqual(rankMemory(config, shape, { ...alone, shard: 'weights' }), rankMemory(config, shape, alone));
});

test('what a rank computes of a step at most is what ranks do compute of it', () => {
  const batch = { rows: 0, weight: 1, tokenCount: 1, ids: [] };
  type Batch = typeof batch;
  const byRow = {
    units: ({ rows }: Batch) => rows,
    part: (whole: Batch, begin: number, end: number) => ({ ...whole, rows: end - begin }),
  };
  for (const [units, accumulation, ranks] of [8, 5, 1].flatMap((rows) =>
    [1, 2, 3, 4, 6, 7].flatMap((count) => [1, 2, 3, 4, 5, 8, 64].map((size) => [rows, count, size])),
  )) {
    const batches = Array.from({ length: accumulation }, () => ({ ...batch, rows: units }));
    const division = units === 1 ? { ...byRow, ...undivided } : byRow;
    const all = Array.from({ length: ranks }, (_, rank) => {
      return ownParts({ division }, batches, { rank, size: ranks }, { isWhole: false });
    });
    const { units: most, parts } = ownShare({ units, accumulation, ranks });
    const what = `${accumulation} × ${units} rows, ${ranks} ranks`;
    assert.equal(parts, Math.max(...all.map((own) => own.length)), what);
    assert.equal(most, Math.max(...all.flat().map((own) => own.batch.rows)), what);
  }
  // Whole micro-batches, and pairs of rows.
  const memory = (together: number) => {
    return rankMemory(config, { rows: 6, columns: 128, together }, { accumulation: 2, ranks: 5 });
  };
  assert.deepEqual(
    [1, 2, 6].map((together) => memory(together).rows),
    [3, 4, 6],
  );
});
