// The one dial: what follows from a size, what a person wrote, and that no shipped pipeline leaves a number to it.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { resolvedTraining } from '../../src/architecture/dial.js';
import { parameterCount } from '../../src/architecture/parameters.js';
import { UserError } from '../../src/base/errors.js';
import { loadYaml } from '../../src/base/yaml.js';
import { modelSchema } from '../../src/config/model.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { type TrainConfig, type WrittenTrainConfig, writtenTrainSchema } from '../../src/config/train.js';
import { loadPipeline, packagedPipelines } from '../../src/pipeline/load.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-dial-'));
after(() => rm(folder, { recursive: true }));

function settledFor(
  model: Record<string, unknown>,
  written: Partial<WrittenTrainConfig> = {},
  vocabSize = 4096,
): TrainConfig & { parameters: number; tokens: number; batch: number } {
  const config = modelConfig(modelSchema.parse(model), { vocabSize, endOfText: 0, pad: 1 });
  const train = resolvedTraining(config, writtenTrainSchema.parse(written));
  const batch = train.batchSize * train.accumulation * config.max_position_embeddings;
  return { ...train, parameters: parameterCount(config), tokens: (train.steps ?? 0) * batch, batch };
}

const within = (value: number, wanted: number, factor: number): void =>
  assert.ok(value < wanted * factor && value > wanted / factor, `${value}, not ${wanted}`);

test('a model that continues learns at a tenth of a whole training, however few tokens and rows follow', () => {
  const config = modelConfig(modelSchema.parse({ size: '7m' }), { vocabSize: 4096, endOfText: 0, pad: 1 });
  const rate = (written: object, isContinued: boolean): number =>
    resolvedTraining(config, writtenTrainSchema.parse(written), isContinued).learningRate;
  const whole = rate({}, false);
  within(rate({ tokens: 20 * parameterCount(config) }, true), whole / 10, 1.05);
  for (const batchSize of [1, 8]) {
    const few = rate({ steps: 20, batchSize }, true);
    assert.ok(few <= whole / 10, `${few} of ${whole} at ${batchSize} rows`);
  }
  // Qwen3-0.6B by hand, 8 rows of 1,024: 1.79 · (440e6)^-0.713 · (11.9e9)^0.307 · √(8,192 / 330,000) / 10 = 2.4e-5.
  const qwen = { hiddenSize: 1024, layers: 28, heads: 16, keyValueHeads: 8, headDim: 128, intermediateSize: 3072 };
  const published = modelConfig(modelSchema.parse({ ...qwen, contextLength: 1024 }), {
    vocabSize: 151_936,
    endOfText: 0,
    pad: 1,
  });
  const train = resolvedTraining(published, writtenTrainSchema.parse({ steps: 50, batchSize: 8 }), true);
  within(train.learningRate, 2.4e-5, 1.1);
  const { steps, epochs, batchSize } = resolvedTraining(published, writtenTrainSchema.parse({}), true);
  assert.deepEqual([steps, epochs, batchSize], [undefined, 1, 8], 'its text once, not 20 tokens a parameter');
});

test('from 100k to 20B: 20 tokens a parameter; batches grow, learning rates fall, decay stays about 0.1', () => {
  const shapes = [
    ...['100k', '1m', '7m', '34m', '120m'].map((size) => settledFor({ size })),
    ...['1b', '7b', '20b'].map((size) => settledFor({ size, contextLength: 2048 }, {}, 32_768)),
  ];
  for (const [i, now] of shapes.entries()) {
    within(now.tokens, 20 * now.parameters, 1.02);
    within(now.weightDecay, 0.12, 2.5);
    const before = shapes[i - 1];
    if (before === undefined) continue;
    assert.ok(now.batch > before.batch || i === 1 + shapes.length - 1, `${now.batch} after ${before.batch}`);
    assert.ok(now.learningRate <= before.learningRate, `${now.learningRate} after ${before.learningRate}`);
  }
  // The law at 20B, worked out by hand: 1.79 · (19.8e9)^-0.713 · (4.01e11)^0.307 = 2.9e-4; 0.58 · (4.01e11)^0.571 = 2.5M.
  const largest = shapes[shapes.length - 1];
  within(largest.learningRate, 2.9e-4, 1.2);
  within(largest.batch, 2.5e6, 1.42);
});

test('what the lab book found best for 256 × 4 is where the dial points, within a factor of two', () => {
  const shape = { size: '1m', hiddenSize: 256 };
  const adamw = settledFor(shape, { steps: 1200, batchSize: 8 });
  within(adamw.learningRate, 2e-3, 1.6);
  const muon = settledFor(shape, { steps: 460, batchSize: 16, optimizer: 'muon' });
  within(muon.learningRate, 4e-3, 1.6);
  within(settledFor(shape, { tokens: 1.2e6 }).batch, 1024, 2.01);
  // And 2e-2 for 100k at 20 tokens a parameter, where the law itself says 5e-2, which was worse.
  assert.equal(settledFor({ size: '100k' }, {}, 1024).learningRate, 0.02);
});

test('a depth is a size too: as wide as 64 times it', () => {
  assert.deepEqual(settledFor({ size: 'd12' }), settledFor({ size: '120m' }));
  for (const size of ['900b', '10k']) assert.throws(() => settledFor({ size }), /no model with .* has about/);
  assert.ok(settledFor({ size: 'd10' }).parameters < settledFor({ size: 'D12' }).parameters);
});

test('every number that is written stays, and the others fit it', () => {
  const free = settledFor({ size: '7m' });
  const written = { learningRate: 1e-4, weightDecay: 0.5, batchSize: 4, accumulation: 3, steps: 10 };
  const { learningRate, weightDecay, batchSize, accumulation, steps } = settledFor({ size: '7m' }, written);
  assert.deepEqual({ learningRate, weightDecay, batchSize, accumulation, steps }, written);
  const smallBatch = settledFor({ size: '7m' }, { batchSize: 4 });
  assert.equal(smallBatch.accumulation, 1);
  within(smallBatch.tokens, free.tokens, 1.02);
  within(smallBatch.learningRate, free.learningRate * Math.sqrt(smallBatch.batch / free.batch), 1.05);
  const parts = settledFor({ size: '7m' }, { accumulation: 8 });
  assert.deepEqual([parts.batchSize, parts.batch], [free.batch / 128 / 8, free.batch]);
  within(settledFor({ size: '7m' }, { tokens: 5e6 }).tokens, 5e6, 1.02);
  assert.deepEqual(
    [settledFor({ size: '7m' }, { epochs: 2 }).steps, settledFor({ size: '7m' }, { epochs: 2 }).epochs],
    [undefined, 2],
  );
  // Steps alone: as many tokens as make their batch the best one.
  const steady = settledFor({ size: '7m' }, { steps: 1000 });
  within(steady.batch, 0.58 * steady.tokens ** 0.571, 1.45);
  // The memory of a micro-batch is bounded, whatever the batch; a warming batch takes more steps for its tokens.
  const large = settledFor({ size: '1b', contextLength: 2048 }, {}, 32_768);
  assert.equal(large.batchSize, 1);
  const warming = settledFor({ size: '7m' }, { batchWarmup: 0.5 });
  assert.deepEqual([warming.accumulation, warming.batch], [8, free.batch]);
  assert.ok((warming.steps ?? 0) > (free.steps ?? 0) * 1.15);
});

test('sizes and lengths at the edge keep within what the settings hold', () => {
  assert.deepEqual(settledFor({ size: '0.5b' }), settledFor({ size: '500m' }));
  for (const size of ['0b', '0.0b', '00.5b']) assert.throws(() => modelSchema.parse({ size }));
  for (const settled of [
    settledFor({ size: '500b' }),
    settledFor({ size: 'd512' }),
    settledFor({}, { steps: 1e9 }),
    settledFor({ contextLength: 8 }, { steps: 1e9, accumulation: 1 }),
    settledFor({ contextLength: 8 }, { tokens: 1e15, recompute: true }),
  ])
    assert.equal(settled.batchSize * settled.accumulation, 65_536);
});

test('tokens beside steps or epochs are refused, not passed over', async () => {
  const tokens = 'pretrain.train.tokens=1e6';
  for (const other of ['steps=150', 'epochs=2']) {
    await assert.rejects(
      loadPipeline({ set: [tokens, `pretrain.train.${other}`], blocks: ['pretrain'] }),
      new RegExp(`--set ${tokens}: .*${other.split('=')[0]} does too .*null for the other`),
    );
  }
  const { pretrain } = await loadPipeline({ config: 'smoke', set: [tokens, 'pretrain.train.steps=null'] });
  assert.equal(pretrain?.train.steps, Math.ceil(1e6 / (4 * 128)));
});

test('--size takes the place of what the file says of shape and training; --set and the rest of the file stay', async () => {
  const turned = await loadPipeline({ config: 'quickstart', size: '34m', set: ['pretrain.train.steps=7'] });
  const { model, train } = turned.pretrain ?? {};
  assert.deepEqual([model?.size, model?.hiddenSize, model?.contextLength], ['34m', undefined, 512]);
  const plain = (await loadPipeline({ config: 'quickstart' })).pretrain?.train;
  assert.deepEqual([train?.steps, train?.evaluateEvery], [7, plain?.evaluateEvery]);
  assert.notEqual(train?.learningRate, plain?.learningRate);
  // The resolved file of a run holds all numbers; another --size derives them anew.
  const written = await loadPipeline({ size: '7m', blocks: ['pretrain'] });
  const path = join(folder, 'resolved.yaml');
  await writeFile(path, JSON.stringify(written));
  assert.deepEqual(await loadPipeline({ config: path }), written);
  assert.deepEqual(
    (await loadPipeline({ config: path, size: '30m' })).pretrain,
    (await loadPipeline({ size: '30m', blocks: ['pretrain'] })).pretrain,
  );
  await assert.rejects(loadPipeline({ config: 'quickstart', size: 'big' }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.match(
      error.message,
      /--size big: pretrain\.model\.size: must be one of 100k, 1m, .*, or a number of parameters such as 30m/,
    );
    return true;
  });
});

test('no shipped pipeline leaves a number to the dial: its results do not change with the rules', async () => {
  const names = await packagedPipelines();
  assert.ok(names.length >= 3);
  for (const name of names) {
    const { pretrain } = await loadYaml(
      new URL(`../../pipelines/${name}.yaml`, import.meta.url).pathname,
      pipelineSchema,
    );
    if (pretrain === undefined) continue;
    const { train } = pretrain;
    const { batchSize, learningRate, weightDecay, steps, epochs } = train;
    for (const value of [batchSize, learningRate, weightDecay, steps ?? epochs]) assert.ok(value !== undefined, name);
    const settled = (await loadPipeline({ config: name })).pretrain?.train;
    assert.deepEqual(settled, { ...train, accumulation: train.accumulation ?? 1, epochs: epochs ?? 1 }, name);
  }
});
