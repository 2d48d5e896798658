// What we write as GGUF: read back by Hugging Face's own JavaScript reader and by ours, q8_0 against llama.cpp's package.
// llama.cpp itself runs these files in scripts/interop/llama-cpp.mjs.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gguf } from '@huggingface/gguf';
import { UserError } from '../../src/base/errors.js';
import { sha256File } from '../../src/base/files.js';
import { type Checkpoint, openCheckpoint } from '../../src/checkpoint/directory.js';
import { writeGguf } from '../../src/checkpoint/gguf.js';
import { type GgufTensor, readGguf } from '../../src/checkpoint/gguf-read.js';
import { tokenizerMetadata } from '../../src/checkpoint/gguf-tokenizer.js';
import { encodeNumbers } from '../../src/checkpoint/quantize.js';
import type { RopeParameters } from '../../src/config/model.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { checkpointContent } from './fixtures/content.js';
import { ggufCheckpoint } from './fixtures/gguf-checkpoint.js';
import { decodeNumbers, readGgufTensor } from './fixtures/gguf-numbers.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mossctl-gguf-'));
});
after(() => rm(folder, { recursive: true }));

const interop = fileURLToPath(new URL('../interop/fixtures/', import.meta.url));
const golden = JSON.parse(await readFile(new URL('fixtures/gguf.json', import.meta.url), 'utf8')) as {
  q8_0: { numbers: string; bytes: string };
  llama3: { headDim: number; rope: Omit<RopeParameters & { rope_type: 'llama3' }, 'rope_type'>; factors: number[] };
};

async function tensorOf(path: string, name: string): Promise<GgufTensor> {
  const found = (await readGguf(path)).tensors.find((tensor) => tensor.name === name);
  assert.ok(found, `${name} is in the file`);
  return found;
}

test('q8_0 bytes equal those of gguf.quants, every edge included', () => {
  const numbers = new Float32Array(new Uint8Array(Buffer.from(golden.q8_0.numbers, 'base64')).buffer);
  const expected = Buffer.from(golden.q8_0.bytes, 'base64');
  assert.equal(numbers.length, 74 * 32);
  assert.deepEqual(Buffer.from(encodeNumbers(numbers, 'q8_0') ?? []), expected);
  const back = decodeNumbers(expected, 'q8_0');
  for (let i = 0; i < 64 * 32; i++) {
    const block = numbers.subarray(i - (i % 32), i - (i % 32) + 32);
    const step = Math.max(...block.map(Math.abs)) / 127;
    // Half a step, and what rounding the scale to a half (units of 2^-24 below 2^-14) does to the largest.
    assert.ok(Math.abs(back[i] - numbers[i]) <= step * 0.6 + 127 * 2 ** -25, `${numbers[i]} became ${back[i]}`);
  }
});

test('the independent reader finds the metadata, the names and the shapes', async () => {
  const path = join(folder, 'llama.gguf');
  await writeGguf(path, await ggufCheckpoint('llama'), { dtype: 'q8_0' });
  const { metadata, tensorInfos } = await gguf(path, { allowLocalFile: true });
  const fields: Record<string, unknown> = { ...metadata };
  for (const [name, value] of Object.entries({
    version: 3,
    'general.architecture': 'llama',
    'general.file_type': 7,
    'general.name': 'mossctl sft step 12',
    'llama.block_count': 2,
    'llama.context_length': 128,
    'llama.embedding_length': 64,
    'llama.feed_forward_length': 80,
    'llama.attention.head_count': 4,
    'llama.attention.head_count_kv': 2,
    'llama.attention.key_length': 16,
    'llama.attention.value_length': 16,
    'llama.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
    'llama.rope.freq_base': 10000,
    'llama.rope.dimension_count': 16,
    'llama.vocab_size': 576,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'deepseek-v3',
    'tokenizer.ggml.bos_token_id': 0,
    'tokenizer.ggml.eos_token_id': 3,
    'tokenizer.ggml.eot_token_id': 3,
    'tokenizer.ggml.padding_token_id': 1,
    'tokenizer.ggml.add_bos_token': false,
    'tokenizer.ggml.add_eos_token': false,
  })) {
    assert.deepEqual(fields[name], value, name);
  }
  const tokens = fields['tokenizer.ggml.tokens'] as string[];
  const kinds = fields['tokenizer.ggml.token_type'] as number[];
  assert.deepEqual(tokens.slice(0, 5), ['<|endoftext|>', '<|pad|>', '<|im_start|>', '<|im_end|>', 'Ā']);
  assert.deepEqual(kinds.slice(0, 5), [3, 3, 3, 3, 1]);
  assert.deepEqual(
    [tokens.length, tokens[560], kinds[559], kinds[560], tokens[575]],
    [576, '[PAD560]', 1, 5, '[PAD575]'],
  );
  const merges = fields['tokenizer.ggml.merges'] as string[];
  assert.equal(merges.length, 560 - 4 - 256);
  assert.ok(merges.every((merge) => merge.split(' ').length === 2));

  const infos = new Map(tensorInfos.map(({ name, shape, dtype }) => [name, `${dtype} ${shape}`]));
  assert.equal(infos.size, 2 * 13 + 3);
  assert.equal(infos.get('token_embd.weight'), '8 64,576', 'dimensions are reversed');
  assert.equal(infos.get('output.weight'), '8 64,576');
  assert.equal(infos.get('blk.1.ffn_down.weight'), '1 80,64', 'rows of 80 are stored as f16');
  assert.equal(infos.get('blk.1.ffn_up.weight'), '8 64,80');
  assert.equal(infos.get('blk.0.attn_k.bias'), '0 32', 'biases stay f32');
  assert.equal(infos.get('output_norm.weight'), '0 64');
});

test('every weight comes back: exact as f32, rounded as f16 and bf16', async () => {
  const checkpoint = await ggufCheckpoint('qwen3', { tie_word_embeddings: true });
  for (const [dtype, relative] of [
    ['f32', 0],
    ['bf16', 2 ** -8],
    ['f16', 2 ** -11],
  ] as const) {
    const path = join(folder, `qwen3-${dtype}.gguf`);
    await writeGguf(path, checkpoint, { dtype });
    const { tensors, metadata } = await readGguf(path);
    assert.equal(metadata.get('general.architecture'), 'qwen3');
    assert.equal(tensors.length, checkpoint.weights.size);
    assert.ok(!tensors.some(({ name }) => name === 'output.weight'), 'tied: no output matrix');
    const pairs = [
      ['token_embd.weight', 'model.embed_tokens.weight'],
      ['blk.1.attn_q.weight', 'model.layers.1.self_attn.q_proj.weight'],
      ['blk.1.attn_k_norm.weight', 'model.layers.1.self_attn.k_norm.weight'],
      ['blk.0.ffn_down.weight', 'model.layers.0.mlp.down_proj.weight'],
    ];
    for (const [name, from] of pairs) {
      const read = await readGgufTensor(path, await tensorOf(path, name));
      const { data, shape } = checkpoint.weights.get(from) ?? assert.fail(from);
      assert.deepEqual((await tensorOf(path, name)).shape, shape);
      let changed = 0;
      const allowed = shape.length === 1 ? 0 : relative;
      for (const [i, value] of read.entries()) {
        const off = Math.abs(value - data[i]);
        assert.ok(
          off <= allowed * Math.max(Math.abs(data[i]), 2 ** -14),
          `${name} as ${dtype}: ${data[i]} became ${value}`,
        );
        if (off > 0) changed++;
      }
      assert.equal(changed > 0, allowed > 0);
    }
  }
});

test('Llama heads are stored with the two halves of a head interleaved, biases too', async () => {
  const checkpoint = await ggufCheckpoint('llama');
  const path = join(folder, 'turned.gguf');
  await writeGguf(path, checkpoint, { dtype: 'f32' });
  const order = (row: number): number => row - (row % 16) + (row % 2) * 8 + ((row % 16) >> 1);
  assert.deepEqual(
    Array.from({ length: 6 }, (_, row) => order(row + 16)),
    [16, 24, 17, 25, 18, 26],
  );
  for (const [name, from, columns] of [
    ['attn_q.weight', 'q_proj.weight', 64],
    ['attn_k.bias', 'k_proj.bias', 1],
  ] as const) {
    const stored = await readGgufTensor(path, await tensorOf(path, `blk.1.${name}`));
    const { data, shape } = checkpoint.weights.get(`model.layers.1.self_attn.${from}`) ?? assert.fail(from);
    for (let row = 0; row < shape[0]; row++) {
      const expected = data.subarray(order(row) * columns, (order(row) + 1) * columns);
      assert.deepEqual(stored.subarray(row * columns, (row + 1) * columns), expected, `${name} row ${row}`);
    }
  }
});

test('RoPE: the llama3 factors are those of transformers; linear and yarn are metadata', async () => {
  const { headDim, rope, factors } = golden.llama3;
  const path = join(folder, 'rope.gguf');
  const shape = { head_dim: headDim, hidden_size: 64, num_attention_heads: 2, num_key_value_heads: 1 };
  await writeGguf(
    path,
    await ggufCheckpoint('llama', { ...shape, rope_parameters: { rope_type: 'llama3', ...rope } }),
    {
      dtype: 'f16',
    },
  );
  const tensor = await tensorOf(path, 'rope_freqs.weight');
  const read = await readGgufTensor(path, tensor);
  assert.equal(tensor.dtype, 'f32');
  assert.equal(read.length, 32);
  factors.forEach((factor, i) => {
    assert.ok(Math.abs(read[i] / factor - 1) < 1e-6, `${i}: ${read[i]}, ${factor}`);
  });

  const scaling = async (rope_parameters: RopeParameters): Promise<unknown[]> => {
    await writeGguf(path, await ggufCheckpoint('qwen2', { rope_parameters }), { dtype: 'f16' });
    const { metadata } = await readGguf(path);
    const keys = ['type', 'factor', 'original_context_length', 'attn_factor'];
    return keys.map((key) => metadata.get(`qwen2.rope.scaling.${key}`));
  };
  assert.deepEqual(await scaling({ rope_type: 'linear', rope_theta: 1e4, factor: 2 }), [
    'linear',
    2,
    undefined,
    undefined,
  ]);
  const yarn = { rope_type: 'yarn', rope_theta: 1e6, original_max_position_embeddings: 32 } as const;
  const rest = { beta_fast: 32, beta_slow: 1, truncate: true };
  const own = 1 + 0.1 * Math.log(4); // llama.cpp's own share
  assert.deepEqual(await scaling({ ...yarn, ...rest, factor: 4, attention_factor: own }), ['yarn', 4, 32, 1]);
  const doubled = await scaling({ ...yarn, ...rest, factor: 4, attention_factor: 2 * own });
  assert.deepEqual(doubled, ['yarn', 4, 32, 2]);
});

test('tokenizers of Llama 3 and Qwen3 keep their kinds of tokens, their cuts and their first token', async () => {
  const path = join(folder, 'foreign.gguf');
  const metadataOf = async (name: string) => {
    await writeGguf(path, await openCheckpoint(interop + name), { dtype: 'bf16' });
    const { metadata } = await readGguf(path);
    const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
    const kinds = metadata.get('tokenizer.ggml.token_type') as Int32Array;
    const of = (key: string) => metadata.get(`tokenizer.ggml.${key}`);
    return {
      tokens,
      kind: (token: string) => kinds[tokens.indexOf(token)],
      of,
      token: (key: string) => tokens[Number(of(key))],
    };
  };
  const llama = await metadataOf('llama-3.2');
  assert.deepEqual([llama.of('pre'), llama.of('add_bos_token'), llama.of('add_eos_token')], ['llama-bpe', true, false]);
  assert.deepEqual(['bos_token_id', 'eos_token_id', 'eot_token_id'].map(llama.token), [
    '<|begin_of_text|>',
    '<|eot_id|>',
    '<|eot_id|>',
  ]);
  const qwen = await metadataOf('qwen3');
  assert.deepEqual([qwen.of('pre'), qwen.of('add_bos_token')], ['qwen2', false]);
  assert.deepEqual(['eos_token_id', 'eot_token_id', 'padding_token_id'].map(qwen.token), [
    '<|im_end|>',
    '<|im_end|>',
    '<|endoftext|>',
  ]);
  assert.deepEqual(['<|im_start|>', '<think>', '<|fim_prefix|>', 'Ġt'].map(qwen.kind), [3, 4, 3, 1]);
});

test('marks around calls and thoughts are user-defined tokens: as control tokens, engines would drop calls', async () => {
  const tokenizer = await trainTokenizer(['x'], { vocabSize: 266 });
  const { model } = checkpointContent(1);
  const checkpoint = { model: { ...model, vocab_size: 266 }, path: 'own', eosTokenIds: [3] } as unknown as Checkpoint;
  const kinds = new Map(tokenizerMetadata(checkpoint, tokenizer)).get('tokenizer.ggml.token_type');
  assert.deepEqual((kinds?.value as number[] | undefined)?.slice(0, 11), [3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 1]);
});

test('added tokens of the files beside tokenizer.json are in it; flags that GGUF has no place for are refused', async () => {
  const own = await mkdtemp(join(folder, 'added-'));
  await cp(`${interop}qwen2.5`, own, { recursive: true }); // 364 tokens, 368 rows
  const change = async (name: string, edit: (json: Record<string, Record<string, object>>) => void): Promise<void> => {
    const json = JSON.parse(await readFile(join(own, name), 'utf8')) as Record<string, Record<string, object>>;
    edit(json);
    await writeFile(join(own, name), JSON.stringify(json));
  };
  await change('tokenizer_config.json', (config) => {
    config.added_tokens_decoder = { ...config.added_tokens_decoder, 364: { content: '<extra>', special: true } };
  });
  const path = join(folder, 'added.gguf');
  await writeGguf(path, await openCheckpoint(own), { dtype: 'bf16' });
  const { metadata } = await readGguf(path);
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  const kinds = metadata.get('tokenizer.ggml.token_type') as Int32Array;
  assert.deepEqual([tokens[364], kinds[364], tokens[365], kinds[365]], ['<extra>', 3, '[PAD365]', 5]);
  await change('tokenizer_config.json', (config) => {
    config.added_tokens_decoder[364] = { content: '<extra>', special: true, rstrip: true };
  });
  await assert.rejects(
    writeGguf(path, await openCheckpoint(own), { dtype: 'bf16' }),
    /"<extra>" has single_word, lstrip or rstrip/,
  );
});

test('the first token is the one that the tokenizer puts before a text, whatever config.json says', async () => {
  const own = await mkdtemp(join(folder, 'bos-'));
  await cp(`${interop}llama-3.2`, own, { recursive: true });
  const config = JSON.parse(await readFile(join(own, 'config.json'), 'utf8'));
  await writeFile(join(own, 'config.json'), JSON.stringify({ ...config, bos_token_id: 356 })); // as DeepSeek-R1-Distill
  const path = join(own, 'model.gguf');
  await writeGguf(path, await openCheckpoint(own), { dtype: 'bf16' });
  const { metadata } = await readGguf(path);
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  assert.equal(tokens[Number(metadata.get('tokenizer.ggml.bos_token_id'))], '<|begin_of_text|>');
  assert.equal(metadata.get('tokenizer.ggml.add_bos_token'), true);
});

test('what llama.cpp would run differently, or not at all, is refused by name', async () => {
  const path = join(folder, 'refused.gguf');
  const { headDim: _, rope, factors: __ } = golden.llama3;
  const yarn = { rope_type: 'yarn', rope_theta: 1e4, factor: 2, original_max_position_embeddings: 64 } as const;
  const usual = { beta_fast: 32, beta_slow: 1, attention_factor: 1, truncate: true };
  const wide = ggufCheckpoint('qwen2', { hidden_size: 65 });
  const refusals = [
    [ggufCheckpoint('qwen3', { rope_parameters: { rope_type: 'llama3', ...rope } }), /llama3 in a qwen3 model/],
    [ggufCheckpoint('llama', { rope_parameters: { ...yarn, ...usual, truncate: false } }), /truncate: false/],
    [ggufCheckpoint('qwen2', { rope_parameters: { ...yarn, ...usual, beta_fast: 16 } }), /beta_fast 16/],
    [ggufCheckpoint('qwen3', { attention_bias: true }), /attention_bias: true in a qwen3 model/],
    [ggufCheckpoint('llama', { architectures: ['LlamaForSequenceClassification'] }), /reward model.*--format hf/],
    [wide.then((c) => ({ ...c, model: { ...c.model, hidden_size: 64 } })), /is \[576,65\].* asks for \[576,64\]/],
    [ggufCheckpoint('llama', { vocab_size: 500 }), /560 tokens.*500 rows/],
  ] as const;
  for (const [checkpoint, message] of refusals) {
    const opened = await checkpoint;
    await assert.rejects(writeGguf(path, opened, { dtype: 'f16' }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.ok(!(await readdir(folder)).includes('refused.gguf'));
});

test('a failed export leaves the old file whole and nothing beside it; equal checkpoints give equal files', async () => {
  const own = await mkdtemp(join(folder, 'own-'));
  const path = join(own, 'model.gguf');
  await writeFile(path, 'the old file');
  const checkpoint = await ggufCheckpoint('qwen3');
  const weights = new Map(checkpoint.weights);
  const name = 'model.layers.1.mlp.up_proj.weight';
  const large = { ...(weights.get(name) ?? assert.fail()), data: new Float32Array(80 * 64).fill(70000) };
  weights.set(name, large);
  await assert.rejects(
    writeGguf(path, { ...checkpoint, weights }, { dtype: 'f16' }),
    /"model\.layers\.1\.mlp\.up_proj\.weight" does not fit into f16: 5,120 of 5,120 numbers.*--dtype bf16/,
  );
  const larger = new Map(weights).set(name, { ...large, data: large.data.map((x, i) => (i % 64 === 0 ? 1e7 : x)) });
  await assert.rejects(
    writeGguf(path, { ...checkpoint, weights: larger }, { dtype: 'q8_0' }),
    /does not fit into q8_0: 80 of 5,120 numbers would become infinite.*largest is 10000000/,
  );
  assert.deepEqual(await readdir(own), ['model.gguf']);
  assert.equal(await readFile(path, 'utf8'), 'the old file');
  await writeGguf(path, { ...checkpoint, weights }, { dtype: 'bf16' });
  await assert.rejects(
    writeGguf(join(path, 'folder.gguf'), checkpoint, { dtype: 'f16' }),
    /model\.gguf.folder\.gguf: there is something else under this name/,
  );

  await writeGguf(path, checkpoint, { dtype: 'q8_0' });
  const again = join(own, 'again.gguf');
  await writeGguf(again, await ggufCheckpoint('qwen3'), { dtype: 'q8_0' });
  assert.equal(await sha256File(again), await sha256File(path));
});
