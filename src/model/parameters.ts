// THE parameter table: every weight of the decoder once, with its Hugging Face name, shape, initial values and
// whether weight decay applies. Initialisation, loading, saving, optimizing and counting all read it.

import { UserError } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';
import { Random } from '../base/random.js';
import type { ModelConfig } from '../config/model.js';
import { type Tensor1D, type Tensor2D, tensor, type Variable, variable } from '../tensor/tf.js';
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

export function parameterCount(config: ModelConfig): number {
  return parameterTable(config).reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
}

/** A decoder's weights on the current backend, by Hugging Face name. */
export interface Model {
  config: ModelConfig;
  weights: Map<string, Variable>;
  /** Gradients recompute each layer's activations instead of keeping them (see tensor/checkpoint.ts). */
  checkpointing?: boolean;
}

/** A fresh model: the same seed gives the same weights on every backend. */
export function initModel(config: ModelConfig, seed: number): Model {
  return build(config, (spec) => {
    const values = new Float32Array(spec.shape.reduce((a, b) => a * b, 1));
    if ('value' in spec.init) return values.fill(spec.init.value);
    const random = Random.stream(seed, spec.name);
    for (let i = 0; i < values.length; i++) values[i] = random.normal() * spec.init.std;
    return values;
  });
}

/** Missing, extra or misshapen tensors are a UserError that names them. */
export function checkTensors(config: ModelConfig, tensors: ReadonlyMap<string, HostTensor>, where: string): void {
  const specs = parameterTable(config);
  const known = new Set(specs.map((spec) => spec.name));
  const faults = specs.flatMap(({ name, shape }) => {
    const stored = tensors.get(name);
    if (stored === undefined) return [`${name} is missing`];
    if (stored.shape.join() === shape.join()) return [];
    return [`${name} is [${stored.shape.join(', ')}], config.json asks for [${shape.join(', ')}]`];
  });
  faults.push(...[...tensors.keys()].filter((name) => !known.has(name)).map((name) => `${name} is unknown`));
  if (faults.length > 0) {
    const more = faults.length > 3 ? `; and ${faults.length - 3} more` : '';
    throw new UserError({
      where,
      what: 'the weights do not fit the configuration',
      why: faults.slice(0, 3).join('; ') + more,
      next: 'Use the config.json and model.safetensors of one checkpoint together',
    });
  }
}

/** A model from stored tensors. Throws as `checkTensors` does. */
export function modelFromTensors(config: ModelConfig, tensors: ReadonlyMap<string, HostTensor>, where: string): Model {
  checkTensors(config, tensors, where);
  return build(config, (spec) => (tensors.get(spec.name) as HostTensor).data);
}

/** Copies the weights out, in the table's order. */
export function modelTensors(model: Model): HostTensor[] {
  return parameterTable(model.config).map(({ name, shape }) => ({
    name,
    shape,
    data: (weight(model, name).dataSync() as Float32Array).slice(),
  }));
}

export function disposeModel(model: Model): void {
  for (const value of model.weights.values()) value.dispose();
}

export function weight(model: Model, name: string): Variable {
  const found = model.weights.get(name);
  if (found === undefined) throw new Error(`the model has no parameter ${name}`);
  return found;
}

export const matrixOf = (model: Model, name: string): Tensor2D =>
  weight(model, name) as Variable as unknown as Tensor2D;
export const vectorOf = (model: Model, name: string): Tensor1D =>
  weight(model, name) as Variable as unknown as Tensor1D;

function build(config: ModelConfig, values: (spec: ParameterSpec) => Float32Array): Model {
  const weights = new Map<string, Variable>();
  for (const spec of parameterTable(config)) {
    const initial = tensor(values(spec), spec.shape, 'float32');
    // tfjs keeps its own registry of variable names; ours are found in the map.
    weights.set(spec.name, variable(initial, true));
    initial.dispose();
  }
  return { config, weights };
}
