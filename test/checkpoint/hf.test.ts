// Third-party model directories (test/interop/fixtures, written by transformers): opened, imported, exported and opened
// again; and what is wrong with a directory is named.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decoderTable } from '../../src/architecture/parameters.js';
import { UserError } from '../../src/base/errors.js';
import { identifyCheckpoint, openCheckpoint } from '../../src/checkpoint/directory.js';
import type { FloatDtype } from '../../src/checkpoint/float16.js';
import { exportHf } from '../../src/checkpoint/hf-export.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { describeWeights, readWeights, writeWeights } from '../../src/checkpoint/weights.js';
import { checkTensors } from '../../src/model/check-tensors.js';

const fixtures = fileURLToPath(new URL('../interop/fixtures/', import.meta.url));
const names = (await readdir(fixtures)).sort();
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hf-'));
});
after(() => rm(folder, { recursive: true }));

async function copyOf(name: string, as: string): Promise<string> {
  const path = join(folder, as);
  await cp(join(fixtures, name), path, { recursive: true });
  return path;
}

async function edit(path: string, changes: Record<string, unknown>): Promise<void> {
  const value = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...value, ...changes }));
}

test('there are fixtures of every architecture', () => {
  assert.ok(names.length >= 8, names.join());
});

for (const name of names) {
  test(`${name}: opens, is imported, is exported in its own dtype, and is the same model each time`, async () => {
    const foreign = await openCheckpoint(join(fixtures, name));
    checkTensors(decoderTable(foreign.model), foreign.weights, name);
    const { stage, step, parent, lineage } = foreign.manifest;
    assert.deepEqual({ stage, step, parent, lineage }, { stage: 'import', step: 0, parent: null, lineage: [] });

    const imported = join(folder, 'imported', name);
    const weights = [...foreign.weights.values()];
    await saveCheckpoint(imported, { ...foreign, weights, training: undefined });
    const ours = await openCheckpoint(imported);
    assertSame(ours, foreign);

    const { entries } = await describeWeights(join(fixtures, name));
    const exported = join(folder, 'exported', name);
    await exportHf(exported, ours, { dtype: entries[0].dtype, maxShardBytes: 9000 });
    assertSame(await openCheckpoint(exported), foreign);
    assert.ok((await readdir(exported)).includes('model.safetensors.index.json'));
  });
}

type Opened = Awaited<ReturnType<typeof openCheckpoint>>;

function assertSame(actual: Opened, expected: Opened): void {
  for (const field of ['model', 'eosTokenIds'] as const) assert.deepEqual(actual[field], expected[field]);
  assert.equal(actual.tokenizerFiles['tokenizer.json'], expected.tokenizerFiles['tokenizer.json']);
  assert.deepEqual([...actual.weights.keys()].sort(), [...expected.weights.keys()].sort());
  for (const [name, tensor] of expected.weights) assert.deepEqual(actual.weights.get(name), tensor);
}

test('a digest follows from the files alone: the same elsewhere, another when one byte differs', async () => {
  const one = await identifyCheckpoint(join(fixtures, 'qwen3'));
  const path = await copyOf('qwen3', 'moved');
  await writeFile(join(path, 'README.md'), 'not read');
  assert.equal((await identifyCheckpoint(path)).digest, one.digest);
  assert.equal((await openCheckpoint(path)).digest, one.digest);
  await writeFile(join(path, 'chat_template.jinja'), 'other');
  assert.notEqual((await openCheckpoint(path)).digest, one.digest);
});

test('there is nothing to resume in a third-party model', async () => {
  await refuses(openCheckpoint(join(fixtures, 'qwen3'), { training: true }), /cannot be resumed.*--from/s);
});

test('the config says how the weights are stored, in both spellings', async () => {
  const checkpoint = await openCheckpoint(join(fixtures, 'qwen3'));
  for (const [dtype, word] of Object.entries({ f32: 'float32', f16: 'float16', bf16: 'bfloat16' })) {
    const path = join(folder, dtype);
    const files = await exportHf(path, checkpoint, { dtype: dtype as FloatDtype });
    assert.deepEqual((await readdir(path)).sort(), files);
    const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'));
    assert.deepEqual([config.dtype, config.torch_dtype], [word, word]);
  }
});

test('a template in a file of its own is exported in tokenizer_config.json too', async () => {
  const path = join(folder, 'template');
  await exportHf(path, await openCheckpoint(join(fixtures, 'llama-3.2')), { dtype: 'f32' });
  const template = await readFile(join(path, 'chat_template.jinja'), 'utf8');
  const config = JSON.parse(await readFile(join(path, 'tokenizer_config.json'), 'utf8'));
  assert.equal(config.chat_template, template);
  const generation = JSON.parse(await readFile(join(path, 'generation_config.json'), 'utf8'));
  assert.deepEqual(generation.eos_token_id, [364, 356, 363]);
});

test('generation_config.json goes through import and export, unknown fields too; what is malformed is named', async () => {
  const path = await copyOf('qwen2.5', 'sampling');
  const read = async (from: string) => JSON.parse(await readFile(join(from, 'generation_config.json'), 'utf8'));
  const theirs = {
    ...(await read(path)),
    temperature: 'hot',
    top_p: 7,
    top_k: -1,
    max_new_tokens: 2048,
    custom: { a: [1] },
    transformers_version: '5.24.0',
    typical_p: null,
  };
  await writeFile(join(path, 'generation_config.json'), JSON.stringify(theirs));
  const foreign = await openCheckpoint(path);
  const kept = {
    ...{ do_sample: true, repetition_penalty: 1.05, top_k: -1, max_new_tokens: 2048 },
    ...{ custom: { a: [1] }, transformers_version: '5.24.0' },
  };
  assert.deepEqual(foreign.generationConfig, kept);
  assert.deepEqual(foreign.notes, [
    'generation_config.json says temperature "hot", which is no value for it: skipped',
    'generation_config.json says top_p 7, which is no value for it: skipped',
  ]);
  const imported = join(folder, 'sampling-imported');
  await saveCheckpoint(imported, { ...foreign, weights: [...foreign.weights.values()], training: undefined });
  const exported = join(folder, 'sampling-exported');
  await exportHf(exported, await openCheckpoint(imported), { dtype: 'bf16' });
  const ids = { bos_token_id: 346, eos_token_id: [348, 346], pad_token_id: 346 };
  assert.deepEqual(await read(exported), { ...ids, ...kept });
});

test('an export replaces nothing, and leaves nothing behind when it fails', async () => {
  const checkpoint = await openCheckpoint(join(fixtures, 'qwen3'));
  const path = join(folder, 'parent', 'export');
  const [tensor] = checkpoint.weights.values();
  tensor.data[0] = 1e6;
  await refuses(exportHf(path, checkpoint, { dtype: 'f16' }), /does not fit into f16.*1000000/s);
  assert.deepEqual(await readdir(join(folder, 'parent')), []);
  await exportHf(path, checkpoint, { dtype: 'bf16' });
  await refuses(exportHf(path, checkpoint, { dtype: 'bf16' }), /something here already/);
});

test('a tied model may store its matrix twice, if it is the same', async () => {
  const path = await copyOf('qwen3', 'tied');
  const weights = await readWeights(path);
  const embedding = weights.get('model.embed_tokens.weight');
  assert.ok(embedding !== undefined && !weights.has('lm_head.weight'));
  const head = { ...embedding, name: 'lm_head.weight', data: embedding.data.slice() };
  await writeWeights(path, [...weights.values(), head]);
  assert.ok(!(await openCheckpoint(path)).weights.has('lm_head.weight'));
  head.data[5] += 1;
  await writeWeights(path, [...weights.values(), head]);
  await refuses(openCheckpoint(path), /lm_head.weight differs.*tie_word_embeddings/s);
});

const faults: [string, (path: string) => Promise<void>, RegExp][] = [
  ['no tokenizer.json', (path) => rm(join(path, 'tokenizer.json')), /tokenizer.json: .*missing/],
  ['no weights', (path) => rm(join(path, 'model.safetensors')), /no weights.*no model\.safetensors/],
  ['no config.json', (path) => rm(join(path, 'config.json')), /no config\.json.*hf:ORG/s],
  [
    'a slow tokenizer',
    async (path) => {
      await rm(join(path, 'tokenizer.json'));
      await writeFile(join(path, 'vocab.json'), '{}');
    },
    /no tokenizer.json.*vocab.json.*save_pretrained/s,
  ],
  [
    'an embedding of another size',
    (path) => edit(join(path, 'config.json'), { vocab_size: 400 }),
    /vocab_size 400.* 368 rows/,
  ],
  [
    'a tokenizer larger than the model',
    (path) => edit(join(path, 'config.json'), { vocab_size: 300 }),
    /ids up to 367.*only up to 299/,
  ],
  [
    'a tokenizer of another kind',
    (path) => edit(join(path, 'tokenizer.json'), { model: { vocab: [['a', 0]] } }),
    /tokenizer is not supported/,
  ],
  [
    'no end',
    async (path) => {
      await edit(join(path, 'config.json'), { eos_token_id: null });
      await edit(join(path, 'tokenizer_config.json'), { eos_token: null });
      await rm(join(path, 'special_tokens_map.json'), { force: true });
      await rm(join(path, 'generation_config.json'));
    },
    /nothing says which token ends/,
  ],
  [
    'truncated weights',
    async (path) => {
      const file = join(path, 'model.safetensors');
      const bytes = await readFile(file);
      await writeFile(file, bytes.subarray(0, bytes.length - 7));
    },
    /truncated/,
  ],
];
for (const [title, spoil, message] of faults) {
  test(`names what is wrong: ${title}`, async () => {
    const path = await copyOf('qwen3', title);
    await spoil(path);
    await refuses(openCheckpoint(path), message);
  });
}

test('a step of ours without its mossctl.json is damaged, not a third-party model', async () => {
  const path = await copyOf('qwen3', 'step-000100');
  await refuses(openCheckpoint(path), /holds no mossctl.json/);
});

async function refuses(work: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    return true;
  });
}
