// What a plan says against what happens: parameters of the table, operations by the formula, and the memory of real
// training steps by the native engine's own count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adapterShape, withAdapters } from '../../src/architecture/adapters.js';
import { modelConfig } from '../../src/architecture/config.js';
import {
  devices,
  measuredShare,
  optimalParameters,
  shardingOn,
  trainingFlopsPerToken,
  trainingMemory,
} from '../../src/architecture/cost.js';
import { decoderTable, parameterCount } from '../../src/architecture/parameters.js';
import { planTraining } from '../../src/architecture/training-plan.js';
import { planTuning } from '../../src/architecture/tuning-plan.js';
import { loraSchema } from '../../src/config/lora.js';
import { type ModelConfig, modelSchema } from '../../src/config/model.js';
import { trainSchema } from '../../src/config/train.js';
import { PackedBatches } from '../../src/data/packing.js';
import { disposeModel, initModel, withParameters } from '../../src/model/model.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import { openNative, trainSteps } from '../tensor/native-world.js';

function configOf(settings: Record<string, unknown>, vocabSize = 512): ModelConfig {
  return modelConfig(modelSchema.parse(settings), { vocabSize, endOfText: 0, pad: 1 });
}

/** Full rows of one document each. */
function batches(vocabulary: number, rows: number, columns: number) {
  const tokens = Array.from({ length: columns + 1 }, (_, i) => 2 + ((i * 37) % (vocabulary - 2)));
  const source = { length: 1, get: () => ({ id: 'x', tokens }) };
  return tokenObjective(new PackedBatches({ source, mode: 'stream', seed: 1, rows, columns, padId: 1 }));
}

test('the memory of real steps, by the count of the native arena, is within a fifth of the plan', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  // The arena's high-water mark only rises: from the smallest peak to the largest.
  const cases = [
    { settings: { size: '100k' }, vocabulary: 512, rows: 4, columns: 32 },
    { settings: { size: '1m', keyValueHeads: 1, tieEmbeddings: false }, vocabulary: 2048, rows: 1, columns: 32 },
    { settings: { size: '1m', layers: 6 }, vocabulary: 512, rows: 4, columns: 128, recompute: true },
    { settings: { size: '1m' }, vocabulary: 4096, rows: 2, columns: 64, accumulation: 2 },
    { settings: { size: '1m' }, vocabulary: 4096, rows: 8, columns: 128 },
    { settings: { size: '7m', keyValueHeads: 2 }, vocabulary: 2048, rows: 4, columns: 256 },
    { settings: { size: '7m' }, vocabulary: 512, rows: 1, columns: 64, lora: 16 },
    { settings: { size: '7m' }, vocabulary: 512, rows: 4, columns: 128, lora: 64 },
  ];
  const planned = cases
    .map((each) => {
      const { rows, columns, accumulation = 1, recompute = false } = each;
      const config = configOf({ ...each.settings, contextLength: columns }, each.vocabulary);
      const whole = decoderTable(config);
      const table =
        each.lora === undefined
          ? whole
          : withAdapters(whole, adapterShape(whole, loraSchema.parse({ rank: each.lora })));
      const memory = trainingMemory(config, { rows, columns }, { accumulation, table });
      return {
        ...each,
        config,
        table,
        accumulation,
        recompute,
        plan: recompute ? memory.recomputedPeak : memory.peak,
      };
    })
    .sort((a, b) => a.plan - b.plan);
  for (const { config, table, vocabulary, rows, columns, accumulation, recompute, plan, lora } of planned) {
    const held: { used: number; peak: number } = backend.arena.figures;
    assert.equal(held.used, 0);
    const model = withParameters(initModel(config, 1), table, 1);
    await trainSteps(model, batches(vocabulary, rows, columns), { steps: 2, accumulation, recompute });
    disposeModel(model);
    const { peak } = backend.arena.figures;
    const what = `${parameterCount(config)} parameters, ${rows}×${columns}${recompute ? ', recompute' : ''}${lora ? `, LoRA of rank ${lora}` : ''}`;
    t.diagnostic(`${what}: planned ${plan}, measured ${peak}, ${(plan / peak).toFixed(3)}`);
    assert.ok(peak > held.peak, `${what}: hidden by an earlier peak`);
    assert.ok(plan > 0.8 * peak && plan < 1.2 * peak, `${what}: planned ${plan}, measured ${peak}`);
  }
});

test('operations and compute-optimal sizes', () => {
  const config = configOf({ size: '7m', contextLength: 256 }, 8192);
  assert.equal(trainingFlopsPerToken(config, 256), 6 * 6_918_144 + 12 * 6 * 256 * 256);
  // 10^22 operations: C = 6·N·20·N.
  const optimal = optimalParameters(1e22);
  assert.ok(Math.abs(6 * optimal * 20 * optimal - 1e22) < 1e10);
  assert.ok(optimal > 9.1e9 && optimal < 9.2e9);
  assert.deepEqual([1e6, 6.9e6, 1e9].map(measuredShare), [0.38, 0.55, 0.55]);
});

test('a size in parameters, from 1M to 20B, gives about that many, in heads of even width', () => {
  for (const [size, wanted] of Object.entries({
    '1000k': 1e6,
    '30m': 30e6,
    '350M': 350e6,
    '1.5b': 1.5e9,
    '20B': 20e9,
  })) {
    const config = configOf({ size }, wanted < 1e7 ? 1024 : 32_768);
    const { hidden_size: width, num_hidden_layers: layers, num_attention_heads: heads } = config;
    const ratio = parameterCount(config) / wanted;
    assert.ok(ratio > 0.93 && ratio < 1.07, `${size}: ${parameterCount(config)} (${width} × ${layers})`);
    assert.ok(width / layers > 16 && width / layers < 260, `${size}: ${width} × ${layers}`);
    assert.equal((width / heads) % 2, 0);
  }
});

test('sharding: the least that fits, and how many devices it takes where nothing does', () => {
  const h100 = devices.find(({ name }) => name === 'h100');
  assert.ok(h100);
  const large = configOf({ size: '20b', contextLength: 2048 }, 32_768);
  const small = configOf({ size: '120m', contextLength: 1024 }, 32_768);
  assert.match(shardingOn(small, { columns: 1024 }, h100, 8).how, /whole copy/);
  assert.equal(shardingOn(small, { columns: 1024 }, h100, 8).devicesNeeded, 1);
  // 16 bytes a parameter: 320 GB over 8 is 40 GB each.
  const eight = shardingOn(large, { columns: 2048 }, h100, 8);
  assert.match(eight.how, /ZeRO-3/);
  assert.ok(eight.fits && eight.bytesPerDevice > 40e9 && eight.bytesPerDevice < 50e9, `${eight.bytesPerDevice}`);
  const two = shardingOn(large, { columns: 2048 }, h100, 2);
  assert.equal(two.fits, false);
  assert.equal(two.devicesNeeded, eight.devicesNeeded);
  assert.ok(two.devicesNeeded >= 5 && two.devicesNeeded <= 6, `${two.devicesNeeded}`);
  assert.match(shardingOn(large, { columns: 2048 }, h100, 512).how, /ZeRO-1|ZeRO-2/);
});

test('a plan adds up: whole steps for 20 tokens a parameter, time = operations / rate', () => {
  const config = configOf({ size: '1m' }, 4096);
  const train = trainSchema.parse({ batchSize: 8, accumulation: 3, batchWarmup: 0.5 });
  const machine = { peakFlops: 2e11, bytes: 1e9 };
  const plan = planTraining({ config, train, machine, hardware: [{ device: devices[1], count: 4 }] });
  // Half of the steps with 2 micro-batches on average, half with 3.
  assert.equal(plan.batch.tokens, 8 * 128 * 2.5);
  assert.equal(plan.steps, Math.ceil((20 * plan.parameters) / plan.batch.tokens));
  assert.equal(plan.tokens, plan.steps * plan.batch.tokens);
  assert.equal(plan.flops, plan.tokens * plan.flopsPerToken);
  assert.equal(plan.machine.seconds, plan.flops / (2e11 * measuredShare(plan.parameters)));
  assert.equal(plan.hardware[0].flopsPerSecond, 4 * 989e12 * 0.4);
  assert.ok(plan.machine.fits);
  const unknown = planTraining({ config, train, machine: { peakFlops: null, bytes: 1 }, hardware: [] });
  assert.deepEqual([unknown.machine.seconds, unknown.machine.fits], [null, false]);
});

test('Muon keeps one moment of the matrices of the layers, here and on every device', () => {
  const config = configOf({ size: '7b', contextLength: 2048 }, 32_768);
  const batch = { rows: 1, columns: 2048 };
  const [adamw, muon] = (['adamw', 'muon'] as const).map((optimizer) => trainingMemory(config, batch, { optimizer }));
  const [d, f] = [config.hidden_size, config.intermediate_size];
  const matrices = config.num_hidden_layers * (4 * d * d + 3 * d * f);
  assert.equal(adamw.moments - muon.moments, 4 * matrices);
  assert.equal(adamw.peak - muon.peak, 4 * matrices);
  const perDevice = (optimizer: 'adamw' | 'muon') =>
    shardingOn(config, { columns: 2048, optimizer }, devices[1], 4).bytesPerDevice;
  assert.ok(Math.abs(perDevice('adamw') - perDevice('muon') - matrices) < 1e6);
});

test('a fine-tuning: what is frozen takes two bytes a number of its matrices, and a third less arithmetic', () => {
  const model = configOf({ size: '7m', contextLength: 256 }, 8192);
  const train = trainSchema.parse({ batchSize: 2 });
  const machine = { peakFlops: 2e11, bytes: 8e9, available: 1e9 };
  const lora = loraSchema.parse({ rank: 4 });
  const request = { model, hasHalves: true, train, columns: 128, tokens: 1e6, machine };
  const [full, adapters] = [planTuning(request), planTuning({ ...request, lora })];
  const [d, f, layers] = [model.hidden_size, model.intermediate_size, model.num_hidden_layers];
  const matrices = 8192 * d + layers * (4 * d * d + 3 * d * f);
  const vectors = full.parameters - matrices;
  assert.equal(adapters.memory.frozen, 2 * matrices + 4 * vectors);
  assert.equal(adapters.trained, layers * 4 * (8 * d + 3 * (d + f)));
  assert.deepEqual([full.memory.frozen, full.trained], [0, full.parameters]);
  for (const { memory } of [full, adapters]) assert.equal(memory.most, memory.program + memory.saved + memory.peak);
  const attention = 12 * layers * 128 * d;
  assert.equal(adapters.flopsPerToken - attention, 4 * adapters.parameters + 6 * adapters.trained);
  assert.equal(adapters.seconds, 1e6 / (adapters.tokensPerSecond ?? 0));
  assert.ok(!planTuning({ ...request, machine: { ...machine, available: full.memory.most - 1 } }).fits && full.fits);
});
