// Rows for new tokens: the mean of the old tokens that spell them, and nothing else changes, not by a bit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { continuedShape } from '../../src/architecture/continued.js';
import { resizeVocabulary } from '../../src/architecture/resize.js';
import { UserError } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import type { ModelConfig } from '../../src/config/model.js';
import { modelSchema } from '../../src/config/model.js';
import { forward, logits } from '../../src/model/forward.js';
import { disposeModel, type Model, modelFromTensors } from '../../src/model/model.js';
import { tensor1d, tensor3d, tidy } from '../../src/tensor/tf.js';
import { onEachBackend } from '../conformance/backends.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../interop/fixtures/${name}`, import.meta.url));
const embedding = 'model.embed_tokens.weight';

function logitsOf(model: Model, ids: readonly number[]): Float32Array {
  let values = new Float32Array(0);
  tidy(() => {
    const hidden = forward(model, {
      tokens: tensor1d([...ids], 'int32'),
      positions: tensor1d([...ids.keys()], 'int32'),
      ranges: tensor3d(
        [...ids.keys()].flatMap((i) => [0, i]),
        [1, ids.length, 2],
        'int32',
      ),
    });
    values = (logits(model, hidden).dataSync() as Float32Array).slice();
  });
  return values;
}

await onEachBackend('a larger vocabulary', async (t) => {
  for (const name of ['llama-3.2', 'qwen2-sharded']) {
    await t.test(`${name}: old tokens keep their logits, bit for bit`, async () => {
      const { model: config, weights } = await openCheckpoint(fixture(name));
      const spelled = Array.from({ length: 37 }, (_, i) => [i + 5, i + 40, 7]);
      const resized = resizeVocabulary(config, weights, config.vocab_size, spelled);
      assert.equal(resized.model.vocab_size, config.vocab_size + 37);
      const [before, after] = [
        modelFromTensors(config, weights, name),
        modelFromTensors(resized.model, resized.weights, name),
      ];
      const ids = Array.from({ length: 21 }, (_, i) => (i * 13) % config.vocab_size);
      const [old, fresh] = [logitsOf(before, ids), logitsOf(after, ids)];
      for (let row = 0; row < ids.length; row++) {
        const at = row * resized.model.vocab_size;
        assert.deepEqual(
          fresh.subarray(at, at + config.vocab_size),
          old.subarray(row * config.vocab_size, (row + 1) * config.vocab_size),
        );
      }
      disposeModel(before);
      disposeModel(after);
    });
  }
});

const config = {
  ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', vocab_size: 6, hidden_size: 8, intermediate_size: 8 },
  ...{ num_hidden_layers: 1, num_attention_heads: 1, num_key_value_heads: 1, head_dim: 8, rms_norm_eps: 1e-5 },
  ...{ max_position_embeddings: 64, rope_parameters: { rope_type: 'default', rope_theta: 10000 } },
  ...{ tie_word_embeddings: false, attention_bias: false, bos_token_id: 0, eos_token_id: 1, pad_token_id: 1 },
} as ModelConfig;
/** Eight columns alike: row r holds `start` + r. */
const rows = (start: number) => Float32Array.from({ length: 48 }, (_, i) => start + (i >> 3));
const rowsOf = (data: Float32Array | undefined): number[] => [...(data ?? [])].filter((_, i) => i % 8 === 0);
const weights = new Map([
  [embedding, { name: embedding, shape: [6, 8], data: rows(0) }],
  ['lm_head.weight', { name: 'lm_head.weight', shape: [6, 8], data: rows(100) }],
  ['model.norm.weight', { name: 'model.norm.weight', shape: [2], data: Float32Array.of(1, 1) }],
]);

test('rows that only padded the embedding are taken first; the output projection grows as the embedding does', () => {
  // Four tokens, two rows of padding; three new tokens.
  const { model, weights: resized } = resizeVocabulary(config, weights, 4, [[0, 2], [3], [0, 1, 1, 2]]);
  assert.equal(model.vocab_size, 7);
  assert.deepEqual(rowsOf(resized.get(embedding)?.data), [0, 1, 2, 3, 1, 3, 1]);
  assert.deepEqual(rowsOf(resized.get('lm_head.weight')?.data), [100, 101, 102, 103, 101, 103, 101]);
  assert.equal(resized.get('model.norm.weight'), weights.get('model.norm.weight'));
  // Two new tokens fit into the padding: the model keeps its size.
  assert.equal(resizeVocabulary(config, weights, 4, [[0], [1]]).model.vocab_size, 6);
});

test('a row that the model uses itself is not given away', () => {
  assert.throws(() => resizeVocabulary({ ...config, pad_token_id: 5 }, weights, 4, [[0], [1]]), UserError);
  resizeVocabulary({ ...config, pad_token_id: 5 }, weights, 4, [[0]]);
});

test('no new token is made of rows that are not there', () => {
  assert.throws(() => resizeVocabulary(config, weights, 7, [[0, 6]]), /has 6 rows, the tokenizer beside it 7 tokens/);
});

test('settings beside a checkpoint may agree with it; each that contradicts is named', () => {
  const shape = (settings: object) => continuedShape(modelSchema.parse(settings), config);
  assert.equal(shape({}).max_position_embeddings, 64);
  assert.equal(
    shape({ contextLength: 32, hiddenSize: 8, layers: 1, tieEmbeddings: false }).max_position_embeddings,
    32,
  );
  assert.throws(
    () => shape({ size: '7m', heads: 4, contextLength: 256 }),
    (error: UserError) =>
      error.faults.map(({ where }) => where).join() ===
      'pretrain.model.size,pretrain.model.heads,pretrain.model.contextLength',
  );
});
