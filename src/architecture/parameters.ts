// THE parameter table: every weight of the decoder once, with its Hugging Face name, shape, initial values and
// whether weight decay applies. Initialisation, loading, saving, optimizing, counting and planning all read it.
import { sizeOf } from '../base/host-tensor.js';
import type { ModelConfig } from '../config/model.js';
import { architectureFlags } from './config.js';

export interface ParameterSpec {
  /** Hugging Face's name. */
  name: string;
  /** Matrices are [out, in]. */
  shape: number[];
  /** Standard deviation of the initial normal values, or a constant. */
  init: { std: number } | { value: number };
  /** Matrices decay; norms and biases do not. */
  decay: boolean;
}

export function parameterTable(config: ModelConfig): ParameterSpec[] {
  const { hidden_size: d, intermediate_size: f, head_dim: head, vocab_size: vocab } = config;
  const queries = config.num_attention_heads * head;
  const keys = config.num_key_value_heads * head;
  const flags = architectureFlags(config);
  const matrix = (name: string, out: number, input: number, std: number): ParameterSpec => ({
    name: `${name}.weight`,
    shape: [out, input],
    init: { std },
    decay: true,
  });
  const vector = (name: string, size: number, value: number): ParameterSpec => ({
    name,
    shape: [size],
    init: { value },
    decay: false,
  });
  const std = 1 / Math.sqrt(d);
  // Projections back into the residual stream start small, so that its variance does not grow with depth (GPT-2).
  const residual = 1 / Math.sqrt(2 * config.num_hidden_layers);
  const layer = (index: number): ParameterSpec[] => {
    const at = `model.layers.${index}`;
    const attention = `${at}.self_attn`;
    return [
      vector(`${at}.input_layernorm.weight`, d, 1),
      matrix(`${attention}.q_proj`, queries, d, std),
      matrix(`${attention}.k_proj`, keys, d, std),
      matrix(`${attention}.v_proj`, keys, d, std),
      matrix(`${attention}.o_proj`, d, queries, residual / Math.sqrt(queries)),
      ...(flags.qkvBias
        ? [
            vector(`${attention}.q_proj.bias`, queries, 0),
            vector(`${attention}.k_proj.bias`, keys, 0),
            vector(`${attention}.v_proj.bias`, keys, 0),
          ]
        : []),
      ...(flags.outputBias ? [vector(`${attention}.o_proj.bias`, d, 0)] : []),
      ...(flags.qkNorm
        ? [vector(`${attention}.q_norm.weight`, head, 1), vector(`${attention}.k_norm.weight`, head, 1)]
        : []),
      vector(`${at}.post_attention_layernorm.weight`, d, 1),
      matrix(`${at}.mlp.gate_proj`, f, d, std),
      matrix(`${at}.mlp.up_proj`, f, d, std),
      matrix(`${at}.mlp.down_proj`, d, f, residual / Math.sqrt(f)),
    ];
  };
  return [
    matrix('model.embed_tokens', vocab, d, 0.02),
    ...Array.from({ length: config.num_hidden_layers }, (_, index) => layer(index)).flat(),
    vector('model.norm.weight', d, 1),
    ...(flags.reward ? [matrix('score', 1, d, 0.02)] : []),
    ...(flags.reward || config.tie_word_embeddings ? [] : [matrix('lm_head', vocab, d, 0.02)]),
  ];
}

/** Of all parameters, or of those that `counts` holds for. */
export function parameterCount(config: ModelConfig, counts: (spec: ParameterSpec) => boolean = () => true): number {
  return parameterTable(config)
    .filter(counts)
    .reduce((total, { shape }) => total + sizeOf(shape), 0);
}

/** What Muon is for: matrices that turn hidden states into hidden states. Embeddings and heads are look-ups by token. */
export function isLayerMatrix({ name, shape }: Pick<ParameterSpec, 'name' | 'shape'>): boolean {
  return name.startsWith('model.layers.') && shape.length === 2;
}

/** One row for each token of the vocabulary. */
export function isByToken({ name }: Pick<ParameterSpec, 'name'>): boolean {
  return name === 'model.embed_tokens.weight' || name === 'lm_head.weight';
}
