// Weights that are not those of their config.json: what is said, and what to do about it, by what the names give away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decoderTable } from '../../src/architecture/parameters.js';
import { type Fault, UserError } from '../../src/base/errors.js';
import { type HostTensor, sizeOf } from '../../src/base/host-tensor.js';
import type { Architecture, ModelConfig } from '../../src/config/model.js';
import { checkTensors } from '../../src/model/check-tensors.js';

function modelOf(architecture: Architecture, tied = true): ModelConfig {
  return {
    architectures: [architecture],
    model_type: architecture.startsWith('Llama') ? 'llama' : 'qwen2',
    ...{ vocab_size: 10, hidden_size: 4, intermediate_size: 6, num_hidden_layers: 2, num_attention_heads: 2 },
    ...{ num_key_value_heads: 1, head_dim: 2, max_position_embeddings: 16, rms_norm_eps: 1e-6 },
    rope_parameters: { rope_type: 'default', rope_theta: 1e4 },
    ...{ tie_word_embeddings: tied, attention_bias: false, bos_token_id: null, eos_token_id: 0, pad_token_id: 0 },
  };
}

interface Changed {
  tied?: boolean;
  architecture?: Architecture;
  add?: readonly string[];
  remove?: RegExp;
  shape?: Record<string, number[]>;
}

function faultOf({ tied, architecture = 'LlamaForCausalLM', add = [], remove, shape = {} }: Changed): Fault {
  const rows = decoderTable(modelOf(architecture, tied));
  const kept = rows.filter(({ name }) => remove === undefined || !remove.test(name));
  const named: HostTensor[] = [
    ...kept.map((row) => ({ name: row.name, shape: shape[row.name] ?? row.shape })),
    ...add.map((name) => ({ name, shape: [4] })),
  ].map((tensor) => ({ ...tensor, data: new Float32Array(sizeOf(tensor.shape)) }));
  try {
    checkTensors(rows, new Map(named.map((tensor) => [tensor.name, tensor])), 'there');
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.faults[0];
  }
  assert.fail('they fit');
}

const attention = 'model.layers.0.self_attn';
const cases: [string, Changed, RegExp, RegExp][] = [
  [
    'a tensor that nobody knows',
    { add: [`${attention}.mystery.weight`] },
    /no part of this architecture/,
    /as it was published/,
  ],
  ['an adapter', { add: [`${attention}.q_proj.lora_A.default.weight`] }, /adapter \(LoRA\)/, /merge_and_unload/],
  ['quantized', { add: [`${attention}.q_proj.qweight`], remove: /q_proj/ }, /quantized/, /unquantized/],
  ['experts', { add: ['model.layers.0.mlp.experts.0.up_proj.weight'] }, /mixture of experts/, /dense/],
  ['images', { add: ['visual.blocks.0.attn.qkv.weight'] }, /see or hear/, /text model/],
  ["TRL's head", { add: ['v_head.summary.weight'] }, /value head/, /pretrained_model/],
  ['a reward model', { add: ['score.weight'] }, /score texts/, /ForSequenceClassification/],
  ['Qwen3 norms', { add: [`${attention}.q_norm.weight`] }, /normalize queries and keys/, /Qwen3/],
  [
    'all biases',
    { add: [`${attention}.q_proj.bias`, `${attention}.o_proj.bias`] },
    /have biases/,
    /"attention_bias": true/,
  ],
  ['Qwen2 biases', { add: [`${attention}.q_proj.bias`] }, /biases that the architecture/, /Qwen2/],
  ['an MLP with biases', { add: ['model.layers.0.mlp.up_proj.bias'] }, /biases in the MLP/, /without them/],
  ['several tokens at once', { add: ['mtp.layers.0.weight'] }, /draft several tokens/, /without them/],
  ['no head', { tied: false, remove: /^lm_head/ }, /no output projection/, /"tie_word_embeddings": true/],
  [
    'more layers',
    { add: ['model.layers.2.mlp.up_proj.weight'] },
    /have 3 layers, config\.json says num_hidden_layers 2/,
    /correct the field/,
  ],
  [
    'fewer layers',
    { remove: /layers\.1\./ },
    /have 1 layers, config\.json says num_hidden_layers 2/,
    /correct the field/,
  ],
  ['missing', { remove: /norm\.weight$/ }, /incomplete/, /Fetch the model again/],
  [
    'another architecture',
    { remove: /./, add: ['transformer.h.0.attn.c_attn.weight'] },
    /names of another architecture/,
    /save_pretrained/,
  ],
  [
    'another shape',
    { shape: { 'model.norm.weight': [5] } },
    /do not fit the configuration/,
    /config\.json and the weights of one/,
  ],
];
for (const [title, changed, what, next] of cases) {
  test(`advice that fits: ${title}`, () => {
    const fault = faultOf(changed);
    assert.match(fault.what, what);
    assert.match(fault.next ?? '', next);
    assert.equal(fault.where, 'there');
    assert.match(fault.why ?? '', /is missing|is unknown|config\.json asks for/);
  });
}

test('at most three are named, and the rest is counted', () => {
  const { why } = faultOf({ remove: /self_attn/ });
  assert.match(why ?? '', /^(\S+ is missing; ){3}and 5 more$/);
});

test('NaN and infinity are named by tensor, with how many there are of each', () => {
  const config = modelOf('LlamaForCausalLM');
  const rows = decoderTable(config);
  const tensors = new Map(
    rows.map(({ name, shape }) => [name, { name, shape, data: new Float32Array(sizeOf(shape)).fill(-0) }]),
  );
  const set = (name: string, at: number, value: number): void => {
    (tensors.get(name) as HostTensor).data[at] = value;
  };
  checkTensors(rows, tensors, 'there');
  set('model.norm.weight', 3, Number.NaN);
  const message = (): string => {
    try {
      checkTensors(rows, tensors, 'there');
    } catch (error) {
      return (error as UserError).message;
    }
    return '';
  };
  assert.match(message(), /^there: model\.norm\.weight holds NaN \(1 of 4\)\. /);
  set('model.norm.weight', 3, 1);
  // Each place of a tensor whose length four does not divide.
  for (let at = 0; at < 6; at++) {
    const name = 'model.layers.1.self_attn.k_proj.weight';
    set(name, at, at % 2 === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY);
    assert.match(message(), /k_proj\.weight holds infinity \(1 of 8\)/);
    set(name, at, 3.4e38);
    assert.equal(message(), '');
  }
  set('model.embed_tokens.weight', 0, Number.NaN);
  set('model.embed_tokens.weight', 39, Number.NEGATIVE_INFINITY);
  set('model.norm.weight', 0, Number.POSITIVE_INFINITY);
  assert.match(
    message(),
    /embed_tokens\.weight holds NaN \(1 of 40\) and infinity \(1 of 40\), model\.norm\.weight holds infinity \(1 of 4\)\./,
  );
});
