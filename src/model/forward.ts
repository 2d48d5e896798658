// The decoder, top to bottom: embed → (attention + SwiGLU, each behind an RMSNorm and a residual) × layers → norm.
// Training, evaluation and cached decoding all run through here.

import { architectureFlags } from '../architecture/config.js';
import { rotationOf } from '../architecture/rope.js';
import { UserError } from '../base/errors.js';
import { checkpointed } from '../tensor/checkpoint.js';
import { attention } from '../tensor/ops/attention.js';
import { embedding } from '../tensor/ops/embedding.js';
import { linear } from '../tensor/ops/linear.js';
import { rmsNorm } from '../tensor/ops/rms-norm.js';
import { rotary } from '../tensor/ops/rotary.js';
import { swiglu } from '../tensor/ops/swiglu.js';
import { reshape, type Tensor, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D } from '../tensor/tf.js';
import { extendCache, type KeyValueCache } from './cache.js';
import { type Model, matrixOf, vectorOf } from './model.js';

/** B rows of T tokens, row-major. */
export interface ModelInput {
  /** int32 [B·T]. */
  tokens: Tensor1D;
  /** int32 [B·T], from 0 within each document. */
  positions: Tensor1D;
  /** int32 [B, T, 2]: first and last key (of the row, the cached ones included) each position attends to. */
  ranges: Tensor3D;
}

/** The final hidden states [B·T, d], after the last norm. With a cache, its keys and values come first and it grows. */
export function forward(model: Model, input: ModelInput, cache?: KeyValueCache): Tensor2D {
  const { num_hidden_layers: layers, rms_norm_eps: epsilon } = model.config;
  let x = embedding(matrixOf(model, 'model.embed_tokens.weight'), input.tokens); // [B·T, d]
  // A cache grows as a layer runs, so no layer may run twice with one; and nothing is differentiated through it.
  const recompute = model.checkpointing === true && cache === undefined;
  for (let layer = 0; layer < layers; layer++) {
    x = recompute ? recomputedLayer(model, layer, x, input) : decoderLayer(model, layer, x, input, cache);
  }
  return rmsNorm(x, vectorOf(model, 'model.norm.weight'), epsilon);
}

/**
 * The output projection [V, d]: the embedding itself where they are tied.
 * @throws UserError of a reward model, which has none.
 */
export function outputWeight(model: Model): Tensor2D {
  if (architectureFlags(model.config).reward) {
    throw new UserError({
      what: 'a reward model cannot predict text',
      why: `${model.config.architectures[0]} has a score for a sequence in the place of probabilities for the next token`,
      next: 'Use the model that it was made from, or another …ForCausalLM',
    });
  }
  return matrixOf(model, model.config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
}

/** Hidden states [N, d] → logits [N, V]. */
export function logits(model: Model, hidden: Tensor2D): Tensor2D {
  return linear(hidden, outputWeight(model));
}

/** What a layer needs of the input, beside the hidden states. */
type Layout = Omit<ModelInput, 'tokens'>;

function decoderLayer(model: Model, layer: number, x: Tensor2D, input: Layout, cache?: KeyValueCache): Tensor2D {
  const at = `model.layers.${layer}`;
  const norm = (states: Tensor2D, name: string): Tensor2D =>
    rmsNorm(states, vectorOf(model, `${at}.${name}.weight`), model.config.rms_norm_eps);
  const mixed = selfAttention(model, layer, norm(x, 'input_layernorm'), x, input, cache);
  model.observe?.(layer, 'attention', mixed);
  const output = feedForward(model, at, norm(mixed, 'post_attention_layernorm'), mixed);
  model.observe?.(layer, 'mlp', output);
  return output;
}

/** The same layer, its activations computed again in the backward pass. */
function recomputedLayer(model: Model, layer: number, x: Tensor2D, { positions, ranges }: Layout): Tensor2D {
  const weights = [...model.weights].flatMap(([name, value]) =>
    name.startsWith(`model.layers.${layer}.`) ? [value as Tensor] : [],
  );
  return checkpointed(
    ([states, at, within]) =>
      decoderLayer(model, layer, states as Tensor2D, { positions: at as Tensor1D, ranges: within as Tensor3D }),
    [x, positions, ranges, ...weights],
  );
}

function selfAttention(
  model: Model,
  layer: number,
  x: Tensor2D,
  residual: Tensor2D,
  input: Layout,
  cache: KeyValueCache | undefined,
): Tensor2D {
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim: dimension } = model.config;
  const [rows, columns] = input.ranges.shape;
  const flags = architectureFlags(model.config);
  const at = `model.layers.${layer}.self_attn`;
  const project = (name: string, count: number): Tensor4D => {
    const bias = flags.qkvBias ? vectorOf(model, `${at}.${name}_proj.bias`) : undefined;
    const states = linear(x, matrixOf(model, `${at}.${name}_proj.weight`), { bias });
    return reshape(states, [rows, columns, count, dimension]);
  };
  // Queries and keys: per-head norm, then rotation. [B, T, heads, D]
  const positioned = (name: string, count: number): Tensor4D => {
    const states = project(name, count);
    const weight = flags.qkNorm ? vectorOf(model, `${at}.${name}_norm.weight`) : undefined;
    const normed = weight === undefined ? states : rmsNorm(states, weight, model.config.rms_norm_eps);
    return rotary(normed, input.positions, rotationOf(model.config));
  };
  const q = positioned('q', heads);
  let k = positioned('k', groups);
  let v = project('v', groups);
  model.observe?.(layer, 'queries', q);
  model.observe?.(layer, 'keys', k);
  if (cache !== undefined) [k, v] = extendCache(cache, layer, k, v);
  const mixed = reshape(attention(q, k, v, input.ranges), [rows * columns, heads * dimension]) as Tensor2D;
  const bias = flags.outputBias ? vectorOf(model, `${at}.o_proj.bias`) : undefined;
  return linear(mixed, matrixOf(model, `${at}.o_proj.weight`), { bias, residual });
}

function feedForward(model: Model, at: string, x: Tensor2D, residual: Tensor2D): Tensor2D {
  const gate = linear(x, matrixOf(model, `${at}.mlp.gate_proj.weight`));
  const up = linear(x, matrixOf(model, `${at}.mlp.up_proj.weight`));
  return linear(swiglu(gate, up), matrixOf(model, `${at}.mlp.down_proj.weight`), { residual });
}
