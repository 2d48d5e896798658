// An adapter and its base made one model: each tensor of the adapter is merged or takes the place of the base's. Where the base
// is tied and the adapter parts its two ends, the model gets two matrices, so that it computes what the adapter did.
import { UserError } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';
import { type Architecture, isRewardModel, type ModelConfig } from '../config/model.js';
import { type Adapter, checkAdapter, tokensFor } from './adapter-check.js';
import type { AdapterConfig, AdapterPlan } from './adapter-config.js';
import { mergePair, replaceRows } from './adapter-merge.js';
import { type AdapterPair, moduleOf } from './adapter-tensors.js';
import { embeddingName } from './model-config.js';

const headName = 'lm_head.weight';
const scoreName = 'score.weight';
const endModules: readonly string[] = ['model.embed_tokens', 'lm_head'];

interface Base {
  model: ModelConfig;
  weights: Map<string, HostTensor>;
}

/** The base's configuration as the adapter changes it: another head, other tokens. @param rows Of its own embedding. */
export function adaptedModel(model: ModelConfig, task: AdapterConfig['task'], rows = model.vocab_size): ModelConfig {
  const [architecture] = model.architectures;
  const name = task === 'SEQ_CLS' ? architecture.replace('ForCausalLM', 'ForSequenceClassification') : architecture;
  return { ...model, architectures: [name as Architecture], vocab_size: rows };
}

/**
 * The base with the adapter in it. `base.weights` is used up: its matrices are changed in place.
 * @throws UserError naming each tensor that does not fit.
 */
export function applyAdapter(base: Base, adapter: Adapter): Base & { plan: AdapterPlan; notes: string[] } {
  const { config, tensors } = adapter;
  const { weights } = base;
  const model = adaptedModel(base.model, config.task, tensors.whole.get(embeddingName)?.tensor.shape[0]);
  const plan = checkAdapter(model, weights, adapter);
  const ends = endsOf(base, adapter);
  for (const [name, { tensor }] of tensors.whole) weights.set(name, tensor);
  if (isRewardModel(model)) weights.delete(headName);
  for (const [name, tensor] of ends) weights.set(name, tensor);
  for (const [module, pair] of tensors.pairs) {
    const [weight, size] = [weights.get(`${module}.weight`), plan.modules.get(module)];
    if (weight !== undefined && size !== undefined) mergePair(weight, pair as Required<AdapterPair>, size.scale);
  }
  for (const name of [embeddingName, headName]) {
    const rows = rowsFor(moduleOf(name), adapter, base.model);
    const weight = weights.get(name);
    if (rows !== undefined && weight !== undefined) replaceRows(weight, rows.tokens, rows.tensor);
  }
  const tied = tieAgain(model, weights);
  return { ...tied, weights, plan, notes: [...adapterNotes(adapter), ...tied.notes] };
}

/**
 * The base as it is, and beside it the adapter's tensors under the names of the parameter table, for a training that continues.
 * @throws UserError as `applyAdapter`, and where the adapter has more than the matrices that a training here knows.
 */
export function separateAdapter(base: Base, adapter: Adapter) {
  const { config, tensors, path } = adapter;
  const model = adaptedModel(base.model, config.task, tensors.whole.get(embeddingName)?.tensor.shape[0]);
  const plan = checkAdapter(model, base.weights, adapter);
  const wholes = [...tensors.whole.keys()].filter((name) => name !== scoreName);
  const ends = [...plan.modules.keys()].filter((module) => endModules.includes(module));
  const more = [
    ...(config.dora ? ['DoRA'] : []),
    ...[...wholes, ...ends].map((name) => `${name} of its own`),
    ...(tensors.rows.size > 0 ? ['rows of single tokens'] : []),
  ];
  if (more.length > 0) {
    throw new UserError({
      what: 'this adapter cannot be trained further as an adapter',
      where: path,
      why: `it has ${more.slice(0, 5).join(', ')}, and adapters trained here are matrices beside the layers' linear modules`,
      next: 'Merge it, and start a new one from that: mossctl export ADAPTER --merge --format hf --out FOLDER',
    });
  }
  const all = new Map([...tensors.whole].map(([name, { tensor }]) => [name, tensor]));
  for (const { a, b } of tensors.pairs.values()) for (const tensor of [a, b]) if (tensor) all.set(tensor.name, tensor);
  if (isRewardModel(model)) base.weights.delete(headName);
  return { model, weights: base.weights, adapter: { shape: plan.shape, tensors: all }, notes: adapterNotes(adapter) };
}

function adapterNotes({ config, tensors }: Adapter): string[] {
  return [...config.notes, ...tensors.notes];
}

/**
 * Embedding and output projection before anything is added to them. A tied base whose two ends the adapter may part gets
 * both; else there is nothing to say here.
 */
function endsOf({ model, weights }: Base, { config, tensors }: Adapter): Map<string, HostTensor> {
  const touches = [...tensors.pairs.keys(), ...tensors.rows.keys(), ...[...tensors.whole.keys()].map(moduleOf)];
  const isTouched = touches.some((module) => endModules.includes(module));
  const original = weights.get(embeddingName);
  const isParted = model.tie_word_embeddings && isTouched && config.task === 'CAUSAL_LM' && original !== undefined;
  if (!isParted) return new Map();
  const [embedding, head] = [embeddingName, headName].map((name) => tensors.whole.get(name));
  // What stands under an adapter is the one matrix of both.
  const shared = [embedding, head].find((each) => each?.isBase)?.tensor ?? original;
  const start = embedding?.tensor ?? shared;
  const isAlone = embedding !== undefined && !embedding.isBase && !config.tiesEmbeddings;
  const end = head?.tensor ?? (isAlone ? shared : start);
  return new Map([
    [embeddingName, { ...start, name: embeddingName }],
    [headName, { ...end, name: headName, data: end.data === start.data ? end.data.slice() : end.data }],
  ]);
}

/** The rows of single tokens for a module; in a tied model the embedding's are the head's too. */
function rowsFor(module: string, { config, tensors }: Adapter, model: ModelConfig) {
  const owner = tensors.rows.has(module) || !model.tie_word_embeddings ? module : moduleOf(embeddingName);
  const [tensor, tokens] = [tensors.rows.get(owner), tokensFor(owner, config.tokenIndices, model)];
  return tensor === undefined || tokens === undefined ? undefined : { tensor, tokens };
}

/** One matrix for both ends as long as they are the same, two where the adapter has parted them. */
function tieAgain(model: ModelConfig, weights: Map<string, HostTensor>): { model: ModelConfig; notes: string[] } {
  const [embedding, head] = [embeddingName, headName].map((name) => weights.get(name));
  if (!model.tie_word_embeddings || isRewardModel(model) || head === undefined) return { model, notes: [] };
  if (sameNumbers(head.data, embedding?.data)) {
    weights.delete(headName);
    return { model, notes: [] };
  }
  const notes = [
    'the adapter changes the embedding and the output projection apart, which are one matrix in its base: merged, they are two',
  ];
  return { model: { ...model, tie_word_embeddings: false }, notes };
}

function sameNumbers(a: Float32Array, b: Float32Array | undefined): boolean {
  return a.length === b?.length && a.every((value, i) => Object.is(value, b[i]));
}
