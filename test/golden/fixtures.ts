// Reads the golden fixtures (made by scripts/golden/make_model.py) and compares with them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isTrained, type ParameterSpec } from '../../src/architecture/parameters.js';
import { parseForeignConfig } from '../../src/checkpoint/hf-config.js';
import { readSafetensors } from '../../src/checkpoint/safetensors.js';
import type { ModelConfig } from '../../src/config/model.js';
import { type Model, modelFromTensors, weight } from '../../src/model/model.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import type { Scalar } from '../../src/tensor/tf.js';

export const architectures = ['qwen3', 'qwen2', 'llama'] as const;

/** What transformers and torch computed; arrays are row-major. */
export interface Expected {
  /** [2, 12] */
  ids: number[][];
  /** [2, 12, V] */
  logits: number[];
  /** Mean over the 2 · 11 predicted tokens, in nats. */
  loss: number;
  gradientNorms: Record<string, number>;
  gradients: Record<string, number[]>;
  greedy: { prompt: number[][]; tokens: number[][] };
  adamw: {
    learningRate: number;
    beta1: number;
    beta2: number;
    epsilon: number;
    weightDecay: number;
    clipNorm: number;
    steps: number;
    /** Before each step, and after the last. */
    losses: number[];
    /** Of each step, before clipping. */
    gradientNorms: number[];
  };
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(path(name), 'utf8')) as T;
}

/** The model of this folder as transformers saved it, on the current backend. */
export async function loadGolden(folder: string): Promise<Model> {
  return modelOf(await readJson(`${folder}/config.json`), `${folder}/model.safetensors`);
}

/** The content of a config.json with the weights of a file, on the current backend. */
export async function modelOf(raw: object, weights: string): Promise<Model> {
  return modelFromTensors(configOf(raw), await readSafetensors(path(weights)), weights);
}

/** A config.json as transformers writes it. */
export function configOf(raw: object): ModelConfig {
  const { eosTokenIds, padTokenId = 0, ...config } = parseForeignConfig(JSON.stringify(raw), 'config.json');
  return { ...config, eos_token_id: eosTokenIds[0], pad_token_id: padTokenId };
}

/** One row a sequence, of equal length; every token after the first is predicted. */
export function asSequences(ids: number[][]): { id: string; tokens: number[] }[] {
  return ids.map((tokens, row) => ({ id: `row-${row}`, tokens }));
}

/** Everything on the host: the loss sum and every gradient by parameter name. */
export function gradientsOf(model: Model, loss: (model: Model) => Scalar) {
  return gradientsBy(model, loss, () => true);
}

/** The same of what is trained only. */
export function trainedGradientsOf(model: Model, loss: (model: Model) => Scalar) {
  return gradientsBy(model, loss, isTrained);
}

function gradientsBy(
  model: Model,
  loss: (model: Model) => Scalar,
  isWanted: (row: ParameterSpec) => boolean,
): { loss: number; gradients: Map<string, Float32Array> } {
  const names = model.parameters.filter(isWanted).map(({ name }) => name);
  const { value, gradients: tensors } = valueAndGradients(
    () => loss(model),
    names.map((name) => weight(model, name)),
  );
  const gradients = new Map<string, Float32Array>();
  names.forEach((name, index) => {
    gradients.set(name, Float32Array.from(tensors[index].dataSync() as Float32Array));
    tensors[index].dispose();
  });
  const sum = value.dataSync()[0];
  value.dispose();
  return { loss: sum, gradients };
}

/**
 * Two fp32 implementations add in different orders: each element may differ by `tolerance` of the largest one
 * (default 1e-4; the largest difference seen is 2e-5, in a gradient).
 */
export function assertClose(
  actual: ArrayLike<number>,
  wanted: ArrayLike<number>,
  what: string,
  tolerance = 1e-4,
): void {
  assert.equal(actual.length, wanted.length, what);
  const scale = Array.from(wanted).reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(actual[i] - wanted[i]);
    const message = `${what} [${i}]: ${actual[i]}, not ${wanted[i]} (error ${error}, allowed ${tolerance * scale})`;
    assert.ok(error <= tolerance * scale, message); // NaN fails too
  }
}

export function norm(values: Iterable<number>): number {
  return Math.hypot(...values);
}
