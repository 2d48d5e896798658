// The decoder, top to bottom: embed → (attention + SwiGLU, each behind an RMSNorm and a residual) × layers → norm.
// Training, evaluation and cached decoding all run through here.
import { rotationOf } from '../architecture/rope.js';
import { UserError } from '../base/errors.js';
import type { Matrix } from '../tensor/matrix.js';
import { attention } from '../tensor/ops/attention.js';
import { embedding } from '../tensor/ops/embedding.js';
import { rmsNorm } from '../tensor/ops/rms-norm.js';
import { rotary } from '../tensor/ops/rotary.js';
import { swiglu } from '../tensor/ops/swiglu.js';
import { recomputed } from '../tensor/recompute.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '../tensor/tf.js';
import { add, reshape, tensor1d, tensor3d, tidy } from '../tensor/tf.js';
import { attendCached, type CacheUse } from './cache.js';
import { type Model, matrixOf, vectorOf } from './model.js';
import type { Noise } from './noise.js';
import { layerWeights, product, project, projectAll } from './project.js';
import { type WantedQueries, type WantedStates, wantedStates } from './wanted-states.js';

/** B rows of T tokens, row-major. */
export interface ModelInput {
  /** int32 [B·T]. */
  tokens: Tensor1D;
  /** int32 [B·T], from 0 within each document. */
  positions: Tensor1D;
  /** int32 [B, T, 2]: first and last key (of the row; with a cache, columns of it) each position attends to. */
  ranges: Tensor3D;
  /** int32 [B·S]: the position among B·T that each key of a row is of; absent: S is T, and each its own. Not with a cache. */
  keys?: Tensor1D;
  /** Whose states are wanted; absent: all. Not with a cache. */
  wanted?: WantedStates;
}

export interface ForwardOptions {
  /** Its keys and values come first, and ranges count its columns. */
  cache?: CacheUse;
  /** For the backward pass, compute each layer's activations again instead of keeping them; done so too where ranks share the layers. */
  recompute?: boolean;
  /** Sees what goes through the layers: it must neither change nor keep it. */
  observe?: Observe;
  /** Of a training pass. Noise on embeddings needs the batch: whoever has it adds that (`addToEmbeddings`). */
  noise?: Noise;
  /** [B·T, d]. */
  addToEmbeddings?: Tensor2D;
}

/**
 * `attention`, `mlp`: the residual stream after it [N, d]. `queries`, `keys`: after norm and rotation [B, T, heads, D].
 * Of the last layer, where states are wanted of some positions, all but the keys are of these. Called twice per layer with `recompute`.
 */
export type Observe = (layer: number, what: 'attention' | 'mlp' | 'queries' | 'keys', states: Tensor) => void;

/** The tensors of a batch of tokens, each array row-major. `wanted`: positions among them, rising, whose states are all that is read. */
export function modelInput(
  batch: {
    rows: number;
    columns: number;
    tokens: Int32Array;
    positions: Int32Array;
    ranges: Int32Array;
    keys?: Int32Array;
  },
  wanted?: Int32Array,
): ModelInput {
  return {
    tokens: tensor1d(batch.tokens, 'int32'),
    positions: tensor1d(batch.positions, 'int32'),
    ranges: tensor3d(batch.ranges, [batch.rows, batch.columns, 2], 'int32'),
    ...(batch.keys && { keys: tensor1d(batch.keys, 'int32') }),
    ...(wanted && { wanted: wantedStates(batch, wanted) }),
  };
}

/** The final hidden states, after the last norm: [B·T, d], or [n, d] of the n positions that are wanted. */
export function forward(model: Model, input: ModelInput, options: ForwardOptions = {}): Tensor2D {
  const { recompute = false, addToEmbeddings, ...others } = options;
  const { wanted, ...places } = input;
  if (recompute && others.cache) throw new Error('forward: a cache changes as a layer runs, so none may run twice');
  if (wanted && others.cache) throw new Error('forward: with a cache all states are computed');
  const { num_hidden_layers: layers, rms_norm_eps: epsilon } = model.config;
  let x = embedding(matrixOf(model, 'model.embed_tokens.weight'), input.tokens); // [B·T, d]
  if (addToEmbeddings !== undefined) x = add(x, addToEmbeddings);
  for (let layer = 0; layer < layers; layer++) {
    const states = x;
    // What a layer computed on the way ends with it: a backward pass holds what it will read by itself.
    const queries = layer === layers - 1 ? wanted?.queries : undefined;
    x = tidy(() =>
      (recompute || model.shards ? recomputedLayer : decoderLayer)(model, layer, states, {
        ...places,
        ...others,
        queries,
      }),
    );
  }
  if (wanted !== undefined && wanted.order.size < x.shape[0]) x = embedding(x, wanted.order);
  return rmsNorm(x, vectorOf(model, 'model.norm.weight'), epsilon);
}

/**
 * The output projection [V, d]: the embedding itself where they are tied.
 * @throws UserError of a reward model, which has none.
 */
export function outputWeight(model: Model): Matrix {
  return matrixOf(model, outputName(model));
}

function outputName(model: Model): string {
  if (model.weights.has('score.weight')) {
    throw new UserError({
      what: 'a reward model cannot predict text',
      why: `${model.config.architectures[0]} has a score for a sequence in the place of probabilities for the next token`,
      next: 'Use the model that it was made from, or another …ForCausalLM',
    });
  }
  return model.config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
}

/** Hidden states [N, d] → logits [N, V]. */
export function logits(model: Model, hidden: Tensor2D): Tensor2D {
  return product(model, outputName(model), hidden);
}

/** What a layer needs, beside the hidden states. */
type LayerContext = Omit<ModelInput, 'tokens' | 'wanted'> &
  Pick<ForwardOptions, 'cache' | 'observe' | 'noise'> & { queries?: WantedQueries };

function decoderLayer(model: Model, layer: number, x: Tensor2D, context: LayerContext): Tensor2D {
  const at = `model.layers.${layer}`;
  const norm = (states: Tensor2D, name: string): Tensor2D =>
    rmsNorm(states, vectorOf(model, `${at}.${name}.weight`), model.config.rms_norm_eps);
  const residual = context.queries === undefined ? x : embedding(x, context.queries.places);
  const mixed = selfAttention(model, layer, norm(x, 'input_layernorm'), residual, context);
  context.observe?.(layer, 'attention', mixed);
  const output = feedForward(model, at, norm(mixed, 'post_attention_layernorm'), mixed, context);
  context.observe?.(layer, 'mlp', output);
  return output;
}

/** The same layer, its activations computed again in the backward pass; its weights gathered for each of the two, where ranks share them. */
function recomputedLayer(model: Model, layer: number, x: Tensor2D, context: LayerContext): Tensor2D {
  const lent = model.shards?.lend(layer);
  const { trained, frozen } = lent === undefined ? layerWeights(model, layer) : { trained: [], frozen: [] };
  const { keys, queries } = context;
  const own = queries === undefined ? [] : [queries.places, queries.positions, queries.ranges];
  return recomputed(
    ([states, positions, ranges, ...rest]) => {
      const shared = keys && (rest.shift() as Tensor1D);
      const again = { ...context, positions: positions as Tensor1D, ranges: ranges as Tensor3D, keys: shared };
      const [places, ownPositions, ownRanges] = rest as [Tensor1D, Tensor1D, Tensor3D];
      return decoderLayer(model, layer, states as Tensor2D, {
        ...again,
        queries: queries && { places, positions: ownPositions, ranges: ownRanges },
      });
    },
    [x, context.positions, context.ranges, ...(keys ? [keys] : []), ...own, ...trained],
    { frozen, lent },
  );
}

function selfAttention(
  model: Model,
  layer: number,
  x: Tensor2D,
  residual: Tensor2D,
  { positions, ranges, keys: sharedKeys, queries: wanted, cache, observe, noise }: LayerContext,
): Tensor2D {
  const { num_attention_heads: heads, head_dim: dimension } = model.config;
  const [rows] = ranges.shape;
  const at = `model.layers.${layer}.self_attn`;
  const [ofQueries, ...ofKeys] = [`${at}.q_proj`, `${at}.k_proj`, `${at}.v_proj`];
  const projected =
    wanted === undefined
      ? projectAll(model, [ofQueries, ...ofKeys], x, noise)
      : [project(model, ofQueries, embedding(x, wanted.places), { noise }), ...projectAll(model, ofKeys, x, noise)];
  const [queries, keys, values] = projected.map((states) =>
    reshape(states, [rows, states.shape[0] / rows, states.shape[1] / dimension, dimension]),
  ) as Tensor4D[];
  // Queries and keys: per-head norm, then rotation. [B, T or Q, heads, D]
  const positioned = (states: Tensor4D, name: string, places: Tensor1D): Tensor4D => {
    const norm = model.weights.get(`${at}.${name}_norm.weight`) as Tensor1D | undefined;
    const normed = norm === undefined ? states : rmsNorm(states, norm, model.config.rms_norm_eps);
    return rotary(normed, places, rotationOf(model.config));
  };
  const { positions: ownPositions, ranges: ownRanges } = wanted ?? { positions, ranges };
  const [q, k, v] = [positioned(queries, 'q', ownPositions), positioned(keys, 'k', positions), values];
  observe?.(layer, 'queries', q);
  observe?.(layer, 'keys', k);
  const mixed =
    cache === undefined
      ? attention(q, laidOut(k, sharedKeys), laidOut(v, sharedKeys), ownRanges)
      : attendCached(cache, layer, [q, k, v], reshape(ranges, [-1, 2]));
  const heard = reshape(mixed, [-1, heads * dimension]) as Tensor2D;
  return project(model, `${at}.o_proj`, heard, { residual, noise });
}

/** The keys or values of a batch [B, T, G, D] in their places [B, S, G, D]. */
function laidOut(states: Tensor4D, keys: Tensor1D | undefined): Tensor4D {
  if (keys === undefined) return states;
  const [rows, columns, groups, dimension] = states.shape;
  const flat = reshape(states, [rows * columns, groups * dimension]) as Tensor2D;
  return reshape(embedding(flat, keys), [rows, keys.size / rows, groups, dimension]) as Tensor4D;
}

function feedForward(model: Model, at: string, x: Tensor2D, residual: Tensor2D, { noise }: LayerContext): Tensor2D {
  const [gate, up] = projectAll(model, [`${at}.mlp.gate_proj`, `${at}.mlp.up_proj`], x, noise);
  return project(model, `${at}.mlp.down_proj`, swiglu(gate, up), { residual, noise });
}
