// Pretraining goes on from a model that transformers made: with its own tokenizer, then with one that knows Chinese.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { openTokens } from '../../src/data/shards.js';
import { chooseHeldOut, measureHeldOut } from '../../src/evaluation/bits-per-byte.js';
import { measureTexts, metricsOf } from '../../src/evaluation/measurements.js';
import { disposeModel, type Model, modelFromTensors } from '../../src/model/model.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type PipelineResult, runPipeline } from '../../src/pipeline/run.js';
import type { Event } from '../../src/report/event.js';
import { openContinued } from '../../src/stages/continued.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { modelTensors } from '../model-tensors.js';

const root = await mkdtemp(join(tmpdir(), 'mossctl-continued-'));
after(() => rm(root, { recursive: true, force: true }));
const llama = fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url));
const notes: string[] = [];
const reporter = {
  emit(event: Event) {
    if (event.type === 'note') notes.push(event.text);
  },
};

async function pretrain(name: string, from: string, set: readonly string[] = []): Promise<PipelineResult> {
  const shape = ['pretrain.model={contextLength: 64}', `pretrain.from=${from}`];
  const others = ['selfInstruct', 'sft', 'align', 'eval'].map((block) => `${block}=null`);
  const config = await loadPipeline({
    config: 'smoke',
    set: [...others, ...shape, ...set],
    flags: { backend: 'auto' },
  });
  return runPipeline({ config, runDirectory: join(root, name), reporter });
}

const train = (steps: number) =>
  `pretrain.train={steps: ${steps}, batchSize: 8, learningRate: 0.01, evaluateEvery: 0, sampleEvery: 0}`;

async function chineseBits(model: Model, tokens: string, tokenizer: Tokenizer): Promise<number> {
  const documents = await openTokens(tokens, 'validation', tokenizer);
  const texts = await measureHeldOut(model, await chooseHeldOut(documents, 1500));
  return metricsOf(measureTexts(texts))['bitsPerByte.zh'];
}

test('a Llama goes on with its own tokenizer, then with Chinese added: better for each', async () => {
  await pretrain('first', llama, ['tokenizer=null', train(250)]);
  const base = await openCheckpoint(join(root, 'first/latest'));
  const imported = await openCheckpoint(llama);
  assert.equal(base.manifest.parent, imported.digest);
  assert.deepEqual(base.manifest.lineage, [{ stage: 'import', step: 0, digest: imported.digest }]);
  assert.equal(base.model.max_position_embeddings, imported.model.max_position_embeddings);
  assert.doesNotMatch(JSON.stringify(base.manifest.settings), /fixtures|mossctl-continued/);
  assert.equal(base.tokenizerFiles['tokenizer.json'], imported.tokenizerFiles['tokenizer.json']);
  assert.deepEqual(base.generationConfig, imported.generationConfig);
  assert.deepEqual([...base.eosTokenIds].sort(), [...imported.eosTokenIds].sort());

  const extend = [`tokenizer.extend=${llama}`, 'tokenizer.add=150'];
  const second = await pretrain('second', join(root, 'first'), [...extend, train(20)]);
  assert.ok(notes.some((note) => note.includes('vocabulary 367 → 517: 150 rows from the mean of their old tokens')));
  const tokens = second.outputs.tokens?.path ?? '';
  const tokenizer = await Tokenizer.open(second.outputs.tokenizer?.path ?? '');
  const documents = await openTokens(tokens, 'train', tokenizer);
  const { tokens: ids } = await documents.get(0);
  // A Llama document starts as it did when the model learnt: <|begin_of_text|>, and ends with <|end_of_text|>.
  assert.deepEqual(
    [tokenizer.decode([ids[0]]), tokenizer.decode([ids.at(-1) ?? 0])],
    ['<|begin_of_text|>', '<|end_of_text|>'],
  );

  const { model } = await openContinued(join(root, 'first'), tokenizer, {});
  const means = await chineseBits(model, tokens, tokenizer);
  const random = Random.stream(1, 'rows');
  const tensors = modelTensors(model).map((tensor) => {
    if (tensor.shape[0] !== 517) return tensor;
    const { data } = tensor;
    for (let i = 367 * tensor.shape[1]; i < data.length; i++) data[i] = 0.02 * random.normal();
    return tensor;
  });
  const randomRows = modelFromTensors(model.config, new Map(tensors.map((each) => [each.name, each])), 'random rows');
  const drawn = await chineseBits(randomRows, tokens, tokenizer);
  disposeModel(model);
  disposeModel(randomRows);
  assert.ok(means < drawn, `means ${means}, random ${drawn}`);
  const trained = second.outputs.pretrain?.metrics['heldOutBitsPerByte.zh'] ?? Number.NaN;
  assert.ok(trained < means, `after 20 steps ${trained}, before ${means}`);
});

test('what does not belong to the checkpoint is refused before anything is trained', async () => {
  await assert.rejects(pretrain('a', llama, [train(2)]), /brings its own tokenizer, but the tokenizer block trains/);
  await assert.rejects(pretrain('b', llama, ['tokenizer=null', 'pretrain.model.layers=9']), /pretrain\.model\.layers/);
  await assert.rejects(pretrain('first', join(root, 'first'), ['tokenizer=null', train(2)]), /a run folder of its own/);
  await assert.rejects(pretrain('c', join(root, 'nowhere'), ['tokenizer=null']), UserError);
  const other = fileURLToPath(new URL('../interop/fixtures/qwen3/tokenizer.json', import.meta.url));
  const mixed = pretrain('d', llama, [`tokenizer.extend=${other}`, 'tokenizer.add=10', train(2)]);
  await assert.rejects(mixed, /neither that of the checkpoint nor one that extends it/);
  assert.match(await readFile(join(root, 'first/pipeline.yaml'), 'utf8'), /from: /);
});
