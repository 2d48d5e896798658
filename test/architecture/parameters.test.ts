// The parameter table says where each weight belongs, how it is trained and what GGUF calls it; heads make
// another table of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { decoderTable, type ParameterSpec, withHead } from '../../src/architecture/parameters.js';
import { type ModelConfig, modelSchema } from '../../src/config/model.js';

const settings = { hiddenSize: 16, layers: 2, heads: 2, keyValueHeads: 1, intermediateSize: 32, contextLength: 16 };
const qwen3 = modelConfig(modelSchema.parse(settings), { vocabSize: 40, endOfText: 0, pad: 1 });
const llama: ModelConfig = {
  ...qwen3,
  ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', attention_bias: true, tie_word_embeddings: false },
};

const namesOf = (rows: readonly ParameterSpec[]): string[] => rows.map(({ name }) => name);

test('each row says its layer, its part and what steps it', () => {
  for (const config of [qwen3, llama]) {
    for (const { name, layer, part, update, decay, shape } of decoderTable(config)) {
      const [, index, module] = /^model\.layers\.(\d+)\.(.+)$/.exec(name) ?? [];
      assert.equal(layer, index === undefined ? undefined : Number(index), name);
      assert.equal(decay, shape.length === 2, name);
      assert.equal(update, layer !== undefined && shape.length === 2 ? 'muon' : 'adamw', name);
      if (module !== undefined) assert.equal(part, /^(mlp|post)/.test(module) ? 'mlp' : 'attention', name);
    }
  }
  const outside = decoderTable(llama).filter(({ layer }) => layer === undefined);
  assert.deepEqual(
    outside.map(({ name, part }) => [name, part]),
    [
      ['model.embed_tokens.weight', 'embedding'],
      ['model.norm.weight', 'norm'],
      ['lm_head.weight', 'head'],
    ],
  );
});

test('the rotary embedding turns the rows of queries and keys, biases included, and of nothing else', () => {
  const turned = decoderTable(llama).filter(({ rotary, layer }) => rotary && layer === 1);
  assert.deepEqual(
    turned.map(({ gguf }) => gguf),
    ['blk.1.attn_q.weight', 'blk.1.attn_k.weight', 'blk.1.attn_q.bias', 'blk.1.attn_k.bias'],
  );
});

test('every name is there once, in both naming schemes', () => {
  for (const config of [qwen3, llama]) {
    const rows = decoderTable(config);
    assert.equal(new Set(namesOf(rows)).size, rows.length);
    assert.equal(new Set(rows.map(({ gguf }) => gguf)).size, rows.length);
  }
});

test('a reward head takes the place of the output projection, a value head stands beside it', () => {
  const base = decoderTable(llama);
  const reward = withHead(base, 'reward');
  assert.deepEqual(namesOf(reward), [...namesOf(base).filter((name) => name !== 'lm_head.weight'), 'score.weight']);
  const value = withHead(base, 'value');
  assert.deepEqual(value.slice(0, -1), base);
  assert.deepEqual([value.at(-1)?.part, value.at(-1)?.shape, value.at(-1)?.gguf], ['value', [1, 16], undefined]);
  assert.deepEqual(decoderTable({ ...llama, architectures: ['LlamaForSequenceClassification'] }), reward);
});

test('heads may be wider together than the model', () => {
  const wide = modelConfig(modelSchema.parse({ ...settings, headDim: 24 }), { vocabSize: 40, endOfText: 0, pad: 1 });
  const shapes = Object.fromEntries(
    decoderTable(wide).flatMap(({ name, shape, layer }) => (layer === 0 ? [[name.split('.').at(-2), shape]] : [])),
  );
  assert.deepEqual(
    [shapes.q_proj, shapes.k_proj, shapes.v_proj, shapes.o_proj, shapes.q_norm],
    [[48, 16], [24, 16], [24, 16], [16, 48], [24]],
  );
  const refused = (model: object, what: RegExp): void =>
    assert.throws(
      () => modelConfig(modelSchema.parse({ ...settings, ...model }), { vocabSize: 40, endOfText: 0, pad: 1 }),
      what,
    );
  refused({ headDim: 7 }, /headDim 7 is odd/);
  refused({ heads: 3, keyValueHeads: 3 }, /not a multiple of heads 3.*headDim/s);
});
