// Models of ours for Python to open: random weights, a tokenizer that we train, one checkpoint for each architecture.
import { join } from 'node:path';
import { decoderTable } from '../../src/architecture/parameters.ts';
import { Random } from '../../src/base/random.ts';
import { saveCheckpoint } from '../../src/checkpoint/save.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { trainTokenizer } from '../../src/tokenizer/train.ts';

const shape = {
  hidden_size: 16,
  intermediate_size: 20,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  attention_bias: false,
};
const plain = { rope_type: 'default', rope_theta: 1e4 };
const linear = { rope_type: 'linear', rope_theta: 1e4, factor: 4 };
const llama3 = {
  rope_type: 'llama3',
  rope_theta: 5e4,
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 64,
};
const yarn = {
  rope_type: 'yarn',
  rope_theta: 1e4,
  factor: 4,
  original_max_position_embeddings: 512,
  beta_fast: 8,
  beta_slow: 2,
  attention_factor: 1.25,
  truncate: false,
};

const models = {
  qwen3: { model_type: 'qwen3', rope_parameters: plain },
  'qwen3-yarn': { model_type: 'qwen3', rope_parameters: yarn, tie_word_embeddings: false },
  qwen2: { model_type: 'qwen2', rope_parameters: plain, tie_word_embeddings: false, head_dim: 4 },
  llama: { model_type: 'llama', rope_parameters: llama3 },
  'llama-biased': { model_type: 'llama', rope_parameters: linear, tie_word_embeddings: false, attention_bias: true },
  'qwen3-reward': { model_type: 'qwen3', rope_parameters: plain, reward: true },
  'qwen2-reward': { model_type: 'qwen2', rope_parameters: plain, reward: true, head_dim: 4 },
  'llama-reward': { model_type: 'llama', rope_parameters: llama3, reward: true },
};
const classNames = { qwen3: 'Qwen3', qwen2: 'Qwen2', llama: 'Llama' };

/**
 * Writes each under its name; @returns the paths by name. The tokenizer learns from `texts`; but a Qwen2 model of ours
 * is one that was imported, with the tokenizer of `qwen2`: AutoTokenizer gives every Qwen2 model that splitter.
 */
export async function writeOwnModels(folder, { texts, qwen2 }) {
  const trained = await trainTokenizer([...texts, ...texts], { vocabSize: 400 });
  const imported = await Tokenizer.open(qwen2);
  const paths = {};
  for (const [name, { reward = false, ...fields }] of Object.entries(models)) {
    const tokenizer = fields.model_type === 'qwen2' ? imported : trained;
    const [endOfText, turnEnd, pad] = ['endOfText', 'turnEnd', 'pad'].map((role) => tokenizer.specialId(role));
    const model = {
      ...shape,
      ...fields,
      architectures: [`${classNames[fields.model_type]}For${reward ? 'SequenceClassification' : 'CausalLM'}`],
      vocab_size: tokenizer.vocabSize,
      bos_token_id: endOfText,
      eos_token_id: endOfText,
      pad_token_id: pad,
    };
    paths[name] = join(folder, name);
    await saveCheckpoint(paths[name], {
      model,
      eosTokenIds: [turnEnd],
      tokenizerFiles: tokenizer.files(),
      weights: decoderTable(model).map((spec) => randomTensor(spec)),
      manifest: {
        ...{ stage: 'sft', step: 1, tokensSeen: 0, parent: null, lineage: [], settings: {}, inputDigest: '' },
        ...{ metrics: {}, backend: 'none', threads: null, precision: 'fp32' },
      },
    });
  }
  return paths;
}

/** Far from the usual small initial values, so that a wrong scale, a lost bias or a turned head shows. */
function randomTensor({ name, shape: dimensions }) {
  const random = Random.stream(2, name);
  const data = new Float32Array(dimensions.reduce((a, b) => a * b, 1));
  const isNorm = /norm/.test(name);
  for (let i = 0; i < data.length; i++) data[i] = isNorm ? 1 + 0.3 * random.normal() : 0.35 * random.normal();
  return { name, shape: dimensions, data };
}
