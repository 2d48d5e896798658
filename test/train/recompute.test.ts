// The switch `recompute` must change memory and nothing else: same losses, same gradients, to the bit.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { parameterCount } from '../../src/architecture/parameters.js';
import { Interrupted } from '../../src/base/errors.js';
import { sizeOf } from '../../src/base/host-tensor.js';
import { manifestName } from '../../src/base/layout.js';
import { type ModelConfig, modelSchema } from '../../src/config/model.js';
import { padSequences } from '../../src/data/sequences.js';

import { createCache, disposeCache } from '../../src/model/cache.js';
import { forward, modelInput } from '../../src/model/forward.js';

import { disposeModel, initModel, type Model } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { engine, memory, type Scalar, tensor1d, tidy } from '../../src/tensor/tf.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';
import { preferenceObjective } from '../../src/train/objectives/preference.js';
import { type TrainingResult, train } from '../../src/train/trainer.js';
import { onEachBackend } from '../conformance/backends.js';
import { gradientsOf } from '../golden/fixtures.js';
import { abortedWhen } from '../signals.js';
import {
  countingObjective,
  countingPairs,
  countingSequences,
  padId,
  preferenceOf,
  recordingReporter,
  tinyModel,
  trainConfig,
  vocabSize,
} from './tiny.js';

const base = modelConfig(
  modelSchema.parse({ hiddenSize: 16, layers: 3, heads: 2, keyValueHeads: 1, contextLength: 16 }),
  { vocabSize, endOfText: 0, pad: padId },
);
/** Every combination of flags that changes the decoder. */
const configs: Record<string, ModelConfig> = {
  Qwen3: base,
  'Qwen3 with biases, output not tied': { ...base, attention_bias: true, tie_word_embeddings: false },
  Qwen2: { ...base, architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2' },
  Llama: { ...base, architectures: ['LlamaForCausalLM'], model_type: 'llama' },
  'Llama with biases': { ...base, architectures: ['LlamaForCausalLM'], model_type: 'llama', attention_bias: true },
};

function assertSameGradients(model: Model, loss: (model: Model, options: { recompute: boolean }) => Scalar): void {
  const of = (recompute: boolean) => gradientsOf(model, (each) => loss(each, { recompute }));
  const plain = of(false);
  const { numTensors, numBytes } = memory();
  const again = of(true);
  assert.deepEqual([memory().numTensors, memory().numBytes], [numTensors, numBytes]);
  assert.ok([...plain.gradients.values()].every((gradient) => gradient.some((g) => g !== 0)));
  assert.deepEqual(again, plain);
}

await onEachBackend('recomputed layers give the same bits', async (t) => {
  for (const [name, config] of Object.entries(configs)) {
    await t.test(`next-token loss, ${name}`, async () => {
      const model = initModel(config, 5);
      const batch = await countingObjective().next(); // packed: several documents a row
      assertSameGradients(model, (each, options) => negativeLogLikelihood(each, batch, options));
      disposeModel(model);
    });
  }

  await t.test('DPO', async () => {
    const model = tinyModel();
    const pairs = countingPairs(3);
    const objective = preferenceObjective(pairs, {
      preference: preferenceOf({ sftWeight: 0.2 }),
      batchSize: 3,
      padId,
      seed: 1,
    });
    const batch = await objective.next();
    assertSameGradients(model, (each, options) => objective.loss(each, batch, { record: () => {}, ...options }));
    disposeModel(model);
  });
});

/** Trains 8 steps; stops after `stopAt` of them where it is given. */
async function run(directory: string, recompute: boolean, stopAt = Number.POSITIVE_INFINITY) {
  const reporter = recordingReporter();
  const losses = () => reporter.events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));
  const config = trainConfig({ recompute, accumulation: 2 });
  const objective = countingObjective();
  const asked: unknown[] = []; // of each loss
  const result: TrainingResult | Interrupted = await train({
    model: tinyModel(),
    objective: {
      ...objective,
      loss: (model, batch, context) => {
        asked.push(context.recompute);
        return objective.loss(model, batch, context);
      },
    },
    config,
    steps: 8,
    directory,
    runDirectory: dirname(directory),
    tokenizerFiles: { 'tokenizer.json': '{}' },
    eosTokenIds: [0],
    manifest: {
      stage: 'pretrain',
      parent: null,
      lineage: [],
      settings: config,
      inputDigest: '',
      backend: 'cpu',
      threads: null,
      precision: 'fp32',
    },
    reporter,
    signal: abortedWhen(() => losses().length >= stopAt),
  }).catch((error: unknown) => {
    if (error instanceof Interrupted) return error;
    throw error;
  });
  assert.deepEqual(
    asked,
    Array.from({ length: 2 * losses().length }, () => recompute),
  );
  return { losses: losses(), result };
}

test('a run with the switch: same losses, same weights; stopped and resumed too', async (t) => {
  await openBackend('cpu');
  const root = await mkdtemp(join(tmpdir(), 'mossctl-recompute-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const plain = await run(join(root, 'plain'), false);
  const whole = await run(join(root, 'whole'), true);
  assert.equal(plain.losses.length, 8);
  assert.deepEqual(whole.losses, plain.losses);
  const first = await run(join(root, 'resumed'), true, 3);
  const second = await run(join(root, 'resumed'), true);
  assert.ok(first.result instanceof Interrupted);
  assert.deepEqual([...first.losses, ...second.losses], plain.losses);
  const files = async (name: string) => {
    const folder = join(root, name, 'step-000008');
    return {
      weights: await readFile(join(folder, 'model.safetensors')),
      manifest: JSON.parse(await readFile(join(folder, manifestName), 'utf8')),
    };
  };
  const [a, b, c] = [await files('plain'), await files('whole'), await files('resumed')];
  assert.deepEqual(b, c);
  assert.ok(a.weights.equals(b.weights));
  // The manifest says which setting it was, and differs in nothing else.
  assert.equal(a.manifest.settings.recompute, false);
  assert.equal(b.manifest.settings.recompute, true);
  const same = { settings: 0, seal: 0 };
  assert.deepEqual({ ...a.manifest, ...same }, { ...b.manifest, ...same });
});

/** The most bytes that the cpu backend held at a time, above what it held before. */
function peakBytes(work: () => unknown): number {
  const { backend } = engine();
  const sizes = new Map<object, number>();
  let held = 0;
  let peak = 0;
  const [write, disposeData] = [backend.write.bind(backend), backend.disposeData.bind(backend)];
  backend.write = (values, shape, dtype) => {
    const id = write(values, shape, dtype);
    const bytes = 4 * sizeOf(shape);
    sizes.set(id, bytes);
    held += bytes;
    peak = Math.max(peak, held);
    return id;
  };
  backend.disposeData = (id, force) => {
    const gone = disposeData(id, force);
    if (gone) {
      held -= sizes.get(id) ?? 0;
      sizes.delete(id);
    }
    return gone;
  };
  try {
    work();
  } finally {
    Object.assign(backend, { write, disposeData });
  }
  return peak;
}

test('another layer takes at most the memory of its output, its parameters and their gradients', async () => {
  await openBackend('cpu');
  const [rows, columns] = [6, 20];
  const batch = padSequences(countingSequences(rows, columns + 1), { padId });
  const peak = (layers: number, recompute: boolean): number =>
    peakBytes(() => {
      const each = initModel({ ...base, num_hidden_layers: layers }, 1);
      gradientsOf(each, (same) => negativeLogLikelihood(same, batch, { recompute }));
      disposeModel(each);
    });
  const perLayer = (recompute: boolean): number => (peak(6, recompute) - peak(2, recompute)) / 4;
  const parameters =
    (parameterCount({ ...base, num_hidden_layers: 6 }) - parameterCount({ ...base, num_hidden_layers: 2 })) / 4;
  const recomputed = perLayer(true);
  const most = 4 * (rows * columns * base.hidden_size + 2 * parameters);
  assert.ok(recomputed <= most, `${recomputed} bytes a layer, not at most ${most}`);
  const plain = perLayer(false);
  assert.ok(plain > 5 * recomputed, `${recomputed} bytes a layer, and without the switch only ${plain}`);
});

test('no layer can be recomputed with a cache', async () => {
  await openBackend('cpu');
  const model = tinyModel();
  const batch = {
    rows: 1,
    columns: 1,
    tokens: Int32Array.of(2),
    positions: Int32Array.of(0),
    ranges: Int32Array.of(0, 0),
  };
  const cache = createCache(model.config, 4);
  tidy(() => {
    const options = { cache: { cache, columns: tensor1d([0], 'int32') }, recompute: true };
    assert.throws(() => forward(model, modelInput(batch), options), /none may run twice/);
  });
  disposeCache(cache);
  disposeModel(model);
});
