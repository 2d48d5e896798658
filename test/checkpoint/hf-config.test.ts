// Third-party config.json: what transformers makes of each (scripts/golden/make_configs.py), and what is refused by name.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ropeFrequencies } from '../../src/architecture/rope.js';
import { UserError } from '../../src/base/errors.js';
import { parseForeignConfig } from '../../src/checkpoint/hf-config.js';
import { modelConfigText, parseModelConfig } from '../../src/checkpoint/model-config.js';
import { modelConfigSchema } from '../../src/config/model.js';

interface Case {
  name: string;
  config: Record<string, unknown>;
  expected: Record<string, unknown> & {
    eos_token_id: number | number[] | null;
    pad_token_id: number | null;
    rope: { rope_type: string; rope_theta: number };
    angles: { every: number; frequencies: number[]; scale: number };
  };
}
const cases = JSON.parse(await readFile(new URL('fixtures/configs.json', import.meta.url), 'utf8')) as Case[];

for (const { name, config, expected } of cases) {
  test(`reads as transformers does: ${name}`, () => {
    const read = parseForeignConfig(JSON.stringify(config), 'config.json');
    const { rope, angles, eos_token_id: eos, pad_token_id: pad, ...shape } = expected;
    const fields = Object.fromEntries(Object.keys(shape).map((key) => [key, read[key as keyof typeof read]]));
    assert.deepEqual(fields, shape);
    assert.deepEqual(read.eosTokenIds, [eos ?? []].flat());
    assert.equal(read.padTokenId, pad ?? undefined);
    const { rope_type, rope_theta } = read.rope_parameters;
    assert.deepEqual({ rope_type, rope_theta }, rope);
    const ours = ropeFrequencies(read.rope_parameters, read.head_dim);
    assertNear(ours.scale, angles.scale);
    angles.frequencies.forEach((frequency, i) => {
      assertNear(ours.frequencies[i * angles.every], frequency);
    });
  });

  test(`what we write of it reads back the same, in our own and in foreign spelling: ${name}`, () => {
    const { eosTokenIds, padTokenId, ...read } = parseForeignConfig(JSON.stringify(config), 'config.json');
    const model = modelConfigSchema.parse({
      ...read,
      eos_token_id: eosTokenIds[0] ?? 7,
      pad_token_id: padTokenId ?? 8,
    });
    const text = modelConfigText(model, 'bf16');
    assert.deepEqual(parseModelConfig(text, 'config.json'), model);
    for (const drop of ['rope_parameters', 'rope_scaling']) {
      const written = { ...(JSON.parse(text) as Record<string, unknown>) };
      delete written[drop];
      const again = parseForeignConfig(JSON.stringify(written), 'config.json');
      assert.deepEqual(again.rope_parameters, model.rope_parameters, `without ${drop}`);
      assert.equal(again.head_dim, model.head_dim);
    }
  });
}

test('a token that config.json says is none is none, whatever the architecture takes for absent', () => {
  const read = (config: object) =>
    parseForeignConfig(JSON.stringify({ model_type: 'llama', ...config }), 'config.json');
  const none = read({ bos_token_id: null, eos_token_id: null });
  assert.deepEqual([none.bos_token_id, none.eosTokenIds], [null, []]);
  assert.deepEqual([read({}).bos_token_id, read({}).eosTokenIds], [1, [2]]);
});

test('the fixture is whole', () => assert.equal(cases.length, 24));

/** transformers computes the angles in float32. */
function assertNear(actual: number, wanted: number): void {
  assert.ok(Math.abs(actual - wanted) <= 2e-6 * Math.abs(wanted), `${actual}, not ${wanted}`);
}

const llama = { model_type: 'llama', architectures: ['LlamaForCausalLM'] };
const reward = { model_type: 'llama', architectures: ['LlamaForSequenceClassification'] };
const refused: [string, Record<string, unknown>, RegExp][] = [
  [
    'another architecture',
    { model_type: 'mistral', architectures: ['MistralForCausalLM'] },
    /not supported: MistralForCausalLM, model_type mistral.*LlamaForCausalLM/s,
  ],
  ['a type that disagrees', { ...llama, model_type: 'qwen2' }, /LlamaForCausalLM, model_type qwen2/],
  ['a bare decoder', { ...llama, architectures: ['LlamaModel'] }, /not supported: LlamaModel/],
  ['nothing at all', {}, /config.json names none/],
  ['an activation', { ...llama, hidden_act: 'gelu' }, /hidden_act gelu/],
  ['biases of the MLP', { ...llama, mlp_bias: true }, /mlp_bias/],
  ['a sliding window', { model_type: 'qwen2', use_sliding_window: true }, /sliding window/],
  [
    'sliding layers',
    { model_type: 'qwen3', layer_types: ['full_attention', 'sliding_attention'] },
    /sliding_attention/,
  ],
  ['quantized weights', { ...llama, quantization_config: { bits: 4 } }, /quantization_config/],
  [
    'dynamic rope',
    { ...llama, rope_scaling: { type: 'dynamic', factor: 2 } },
    /rope type dynamic.*default, linear, llama3, yarn/,
  ],
  ['longrope', { ...llama, rope_scaling: { rope_type: 'longrope', short_factor: [1] } }, /rope type longrope/],
  ['an unknown rope key', { ...llama, rope_scaling: { rope_type: 'yarn', factor: 2, attn_factor: 3 } }, /attn_factor/],
  ['rope by layer type', { ...llama, rope_parameters: { full_attention: { rope_type: 'default' } } }, /full_attention/],
  ['partial rotation', { ...llama, partial_rotary_factor: 0.5 }, /partial_rotary_factor: only 1/],
  ['linear without a factor', { ...llama, rope_scaling: { type: 'linear' } }, /factor/],
  ['llama3 without its bounds', { ...llama, rope_scaling: { rope_type: 'llama3', factor: 8 } }, /low_freq_factor/],
  [
    'llama3 upside down',
    { ...llama, rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 1 } },
    /high_freq_factor is not above/,
  ],
  ['two labels', reward, /LlamaForSequenceClassification with 2 labels.*num_labels 1/],
  ['three labels by name', { ...reward, id2label: { 0: 'a', 1: 'b', 2: 'c' } }, /with 3 labels/],
  [
    'heads that do not divide',
    { ...llama, num_attention_heads: 32, num_key_value_heads: 5 },
    /32 is not a multiple of num_key_value_heads 5/,
  ],
  ['an odd head', { ...llama, head_dim: 63 }, /head_dim 63 is odd/],
  ['a broken head', { ...llama, hidden_size: 100, num_attention_heads: 32 }, /head_dim/],
  ['too many layers', { ...llama, num_hidden_layers: 1e6 }, /num_hidden_layers/],
  ['text for a number', { ...llama, hidden_size: '4096' }, /hidden_size/],
];
for (const [title, config, message] of refused) {
  test(`refuses by name: ${title}`, () => {
    assert.throws(
      () => parseForeignConfig(JSON.stringify(config), 'x/config.json'),
      (error: unknown) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, message);
        assert.ok(error.message.includes('x/config.json'));
        return true;
      },
    );
  });
}

test('names everything that is not supported at once', () => {
  const config = { ...llama, mlp_bias: true, hidden_act: 'relu', rope_scaling: { type: 'dynamic', factor: 2 } };
  assert.throws(
    () => parseForeignConfig(JSON.stringify(config), 'c'),
    (error: unknown) => {
      assert.equal((error as UserError).faults.length, 3);
      return true;
    },
  );
});

test('one label, however it is said', () => {
  for (const said of [{ num_labels: 1 }, { id2label: { 0: 'LABEL_0' } }, { num_labels: 1, id2label: { 0: 'good' } }]) {
    const [name] = parseForeignConfig(JSON.stringify({ ...reward, ...said }), 'c').architectures;
    assert.equal(name, 'LlamaForSequenceClassification');
  }
});
