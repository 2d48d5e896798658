// What one of several ranks takes, against sums by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelShape } from '../../src/architecture/config.js';
import { trainingMemory } from '../../src/architecture/cost.js';
import { decoderTable, parameterCount } from '../../src/architecture/parameters.js';
import { exchangeMemory, momentsShare, rankMemory, wireBytes } from '../../src/architecture/rank-plan.js';
import { modelSchema } from '../../src/config/model.js';

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
