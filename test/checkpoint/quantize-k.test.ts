// llama.cpp's K-quants as we write them: the layout of blocks against llama.cpp's own package, how near the numbers stay, and
// which matrix of a model is stored how.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { writeGguf } from '../../src/checkpoint/gguf.js';
import { readGguf } from '../../src/checkpoint/gguf-read.js';
import { encodeNumbers } from '../../src/checkpoint/quantize.js';
import { ggufCheckpoint } from './fixtures/gguf-checkpoint.js';
import { decodeNumbers, readGgufTensor } from './fixtures/gguf-numbers.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-k-'));
after(() => rm(folder, { recursive: true }));

type Golden = Record<'q4_k' | 'q6_k', { bytes: string; numbers: string }>;
const golden = JSON.parse(await readFile(new URL('fixtures/gguf-k.json', import.meta.url), 'utf8')) as Golden;

function through(dtype: 'q4_k' | 'q6_k', numbers: Float32Array): Float32Array {
  const bytes = encodeNumbers(numbers, dtype);
  assert.ok(bytes);
  assert.equal(bytes.length, (numbers.length / 256) * (dtype === 'q4_k' ? 144 : 210));
  return decodeNumbers(bytes, dtype);
}

/** Root of the mean squared error, as a share of that of the numbers. */
function relativeError(before: Float32Array, now: Float32Array): number {
  const squares = (of: (i: number) => number): number => before.reduce((sum, _, i) => sum + of(i) ** 2, 0);
  return Math.sqrt(squares((i) => now[i] - before[i]) / squares((i) => before[i]));
}

for (const dtype of ['q4_k', 'q6_k'] as const) {
  test(`${dtype}: blocks are read here as llama.cpp's package reads them`, () => {
    const expected = new Float32Array(new Uint8Array(Buffer.from(golden[dtype].numbers, 'base64')).buffer);
    assert.equal(expected.length, 4 * 256);
    const read = decodeNumbers(Buffer.from(golden[dtype].bytes, 'base64'), dtype);
    for (const [i, value] of expected.entries()) assert.ok(Math.abs(read[i] - value) <= 1e-6 * Math.abs(value) + 1e-7);
  });

  test(`${dtype}: weights stay as near as the format lets them, whatever their scale`, () => {
    const random = Random.stream(3, dtype);
    const most = dtype === 'q4_k' ? 0.08 : 0.02;
    for (const scale of [0.02, 1, 300]) {
      const numbers = Float32Array.from({ length: 2048 }, () => random.normal() * scale);
      const error = relativeError(numbers, through(dtype, numbers));
      assert.ok(error < most && error > most / 8, `${error} at ${scale}`);
    }
    // Each group has a scale of its own: small numbers beside large ones are not lost.
    const mixed = Float32Array.from({ length: 256 }, (_, i) => random.normal() * (i < 128 ? 1 : 0.1));
    const now = through(dtype, mixed);
    assert.ok(relativeError(mixed.subarray(128), now.subarray(128)) < 3 * most);
  });

  test(`${dtype}: zeros, equal numbers and one large one; what is too large is said`, () => {
    assert.ok(through(dtype, new Float32Array(256)).every((value) => value === 0));
    for (const value of [3.5, -2]) {
      for (const now of through(dtype, new Float32Array(256).fill(value))) {
        assert.ok(Math.abs(now - value) < 0.02 * Math.abs(value), `${value} became ${now}`);
      }
    }
    const lone = new Float32Array(256);
    lone[77] = 8;
    const now = through(dtype, lone);
    assert.ok(Math.abs(now[77] - 8) < 0.1);
    assert.equal(
      now.findIndex((value, i) => i !== 77 && value !== 0),
      -1,
    );
    assert.equal(encodeNumbers(new Float32Array(256).fill(1e12), dtype), undefined);
  });
}

const divisible = { hidden_size: 256, intermediate_size: 512, head_dim: 64, num_hidden_layers: 3 };

test('q4_K_M is the mixture that llama.cpp makes: more bits for the output and for some values and down projections', async () => {
  const path = join(folder, 'model.gguf');
  const checkpoint = await ggufCheckpoint('qwen3', divisible);
  await writeGguf(path, checkpoint, { dtype: 'q4_K_M' });
  const { tensors, metadata } = await readGguf(path);
  assert.equal(metadata.get('general.file_type'), 15);
  const stored = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const dtypeOf = (name: string) => stored.get(name)?.dtype;
  assert.equal(dtypeOf('output.weight'), 'q6_k');
  assert.equal(dtypeOf('token_embd.weight'), 'q4_k');
  for (const part of ['attn_v', 'ffn_down']) {
    const dtypes = [0, 1, 2].map((layer) => dtypeOf(`blk.${layer}.${part}.weight`));
    assert.deepEqual(dtypes, ['q4_k', 'q4_k', 'q6_k']);
  }
  assert.equal(dtypeOf('blk.2.attn_q.weight'), 'q4_k');
  assert.equal(dtypeOf('blk.2.attn_norm.weight'), 'f32');
  const down = stored.get('blk.2.ffn_down.weight');
  assert.ok(down);
  const before = checkpoint.weights.get('model.layers.2.mlp.down_proj.weight')?.data;
  assert.ok(before && relativeError(before, await readGgufTensor(path, down)) < 0.02);
});

test('a tied embedding is the output, too; rows that are no multiple of 256 are refused with what works', async () => {
  const path = join(folder, 'tied.gguf');
  await writeGguf(path, await ggufCheckpoint('llama', { ...divisible, tie_word_embeddings: true }), {
    dtype: 'q4_K_M',
  });
  const { tensors } = await readGguf(path);
  assert.equal(tensors.find(({ name }) => name === 'token_embd.weight')?.dtype, 'q6_k');
  const narrow = await ggufCheckpoint('qwen3', { ...divisible, intermediate_size: 320 });
  await assert.rejects(
    writeGguf(join(folder, 'narrow.gguf'), narrow, { dtype: 'q4_K_M' }),
    /3 of its matrices have rows of 320 numbers.*--dtype q8_0/s,
  );
});
