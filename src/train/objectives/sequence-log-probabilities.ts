// How likely whole answers are: log π summed over the counted tokens of each sequence. What preference losses compare.
import { setImmediate } from 'node:timers/promises';
import { type BatchShape, batchesOnce } from '../../data/sequences.js';
import type { TokenBatch, TokenSequence } from '../../data/types.js';
import { type ForwardOptions, outputWeight } from '../../model/forward.js';
import type { Model } from '../../model/model.js';
import { withoutGradient } from '../../tensor/backward.js';
import { readResult } from '../../tensor/host.js';
import { crossEntropy, crossEntropyWithFigures } from '../../tensor/ops/cross-entropy.js';
import { embedding } from '../../tensor/ops/embedding.js';
import { linear } from '../../tensor/ops/linear.js';
import { mul, neg, reshape, slice, type Tensor1D, type Tensor2D, tensor1d, tensor2d } from '../../tensor/tf.js';
import type { RecordMetric } from '../objective.js';
import { type CountedStates, countedStates } from './counted-states.js';
import { tokenEntropies } from './vocabulary.js';

/** log π of some tokens, by group: a group is an answer, or whatever else is summed over. */
export interface GroupedLogProbabilities {
  /** Σ log π of each group's tokens [groups]. */
  sums: Tensor1D;
  /** How many tokens those are. */
  counts: Float32Array;
}

/** log π of each sequence of the batch, summed over its counted tokens [sequences], and how many those are. */
export function sequenceLogProbabilities(
  model: Model,
  batch: TokenBatch,
  options: ForwardOptions = {},
): { logProbabilities: Tensor1D; counts: Float32Array } {
  const { hidden, targets, positions } = countedStates(model, batch, options);
  const losses = crossEntropy(hidden, outputWeight(model), targets);
  const groups = Array.from(positions, (position) => ownerOf(batch, position));
  const { sums, counts } = groupSums(losses, groups, batch.ids.length);
  return { logProbabilities: sums, counts };
}

/**
 * log π of sequences that are only measured, by their ids: those of one id are summed. A model may be asked while it is trained.
 * @returns of each id the sum over its counted tokens, and how many those are.
 */
export async function measureLogProbabilities(
  model: Model,
  sequences: readonly TokenSequence[],
  shape: BatchShape,
): Promise<Map<string, { sum: number; count: number }>> {
  const measured = new Map<string, { sum: number; count: number }>();
  for (const batch of batchesOnce(sequences, shape)) {
    let counts = new Float32Array();
    const sums = await readResult(() => {
      const results = sequenceLogProbabilities(model, batch);
      counts = results.counts as Float32Array<ArrayBuffer>;
      return results.logProbabilities;
    });
    for (const [i, id] of batch.ids.entries()) {
      const before = measured.get(id) ?? { sum: 0, count: 0 };
      measured.set(id, { sum: before.sum + sums[i], count: before.count + counts[i] });
    }
    await setImmediate(); // signals arrive between turns of the event loop
  }
  return measured;
}

/**
 * As `sequenceLogProbabilities`, of groups of one's own, with the figures that TRL logs of every token: its entropy, the mean of its logits, and
 * whether it was the likeliest.
 * @param groupOf a counted position of the batch → its group; −1: of none.
 */
export function groupedLogProbabilities(
  model: Model,
  batch: TokenBatch,
  { groups, groupOf }: { groups: number; groupOf(position: number): number },
  options: ForwardOptions = {},
): GroupedLogProbabilities & { tokens: TokenFigures } {
  const { hidden, targets, positions } = countedStates(model, batch, options);
  const { losses, figures } = crossEntropyWithFigures(hidden, outputWeight(model), targets);
  const groupIds = Array.from(positions, groupOf);
  return { ...groupSums(losses, groupIds, groups), tokens: { figures, groups: groupIds } };
}

export interface TokenLogProbabilities {
  /** log π of each counted token [n], at `temperature`. */
  logProbabilities: Tensor1D;
  /** The sequence of each; −1 where it stands in for none. */
  owners: number[];
  /** Tokens by sequence. */
  counts: Float32Array;
  /** Of the distribution that each was drawn from, in nats [n]. */
  entropies: Tensor1D;
}

/**
 * log π of every counted token of the batch. `temperature`: what it was sampled at, for π is what it was drawn from.
 * `entropyGradient`: the entropies have a gradient, which takes another pass over the vocabulary.
 */
export function tokenLogProbabilities(
  model: Model,
  batch: TokenBatch,
  {
    temperature = 1,
    entropyGradient = false,
    ...options
  }: { temperature?: number; entropyGradient?: boolean } & ForwardOptions = {},
): TokenLogProbabilities {
  const { hidden, targets, ...rows } = sampledStates(model, batch, { temperature, ...options });
  const weight = outputWeight(model);
  const { losses, figures } = crossEntropyWithFigures(hidden, weight, targets);
  const entropies = entropyGradient ? tokenEntropies({ hidden, weight }) : entropiesOf(figures);
  return { logProbabilities: neg(losses) as Tensor1D, ...rows, entropies };
}

/** `countedStates`, divided by the temperature, and whose they are. */
export function sampledStates(
  model: Model,
  batch: TokenBatch,
  { temperature, ...options }: { temperature: number } & ForwardOptions,
): Pick<CountedStates, 'hidden' | 'targets'> & Pick<TokenLogProbabilities, 'owners' | 'counts'> {
  const { hidden, targets, positions } = countedStates(model, batch, options);
  const owners = Array.from(positions, (position) => ownerOf(batch, position));
  return {
    ...{ targets, owners, counts: sizesOf(owners, batch.ids.length) },
    hidden: temperature === 1 ? hidden : (mul(hidden, 1 / temperature) as Tensor2D),
  };
}

/** Those among the figures of tokens [3, n], without a gradient. */
export function entropiesOf(figures: Tensor2D): Tensor1D {
  const n = figures.shape[1];
  return withoutGradient(() => reshape(slice(figures, [0, 0], [1, n]), [n]) as Tensor1D);
}

/** Of the sequence that a counted position belongs to; −1 where the position stands in for none. */
export function ownerOf(batch: TokenBatch, position: number): number {
  return batch.weights[position] === 0 ? -1 : batch.owners[position];
}

/** What `groupedLogProbabilities` saw of each token. */
export interface TokenFigures {
  /** Entropy in nats, mean logit, 1 where the token was the likeliest: [3, n]. */
  figures: Tensor2D;
  /** Of each token. */
  groups: readonly number[];
}

/** Records them under TRL's names; `kindOf` a group says whose token it is, so that each name takes those of its kind. */
export function recordTokenFigures(
  record: RecordMetric,
  { figures, groups }: TokenFigures,
  kindOf: (group: number) => 'chosen' | 'rejected' | undefined,
): void {
  const n = groups.length;
  const kinds = groups.map((group) => (group < 0 ? undefined : kindOf(group)));
  const of = (row: number, isCounted: (kind: 'chosen' | 'rejected' | undefined) => boolean) => {
    const weights = new Float32Array(3 * n);
    kinds.forEach((kind, i) => {
      if (isCounted(kind)) weights[row * n + i] = 1;
    });
    return { weights };
  };
  record(
    'entropy',
    figures,
    of(0, (kind) => kind !== undefined),
  );
  record(
    'logits/chosen',
    figures,
    of(1, (kind) => kind === 'chosen'),
  );
  record(
    'logits/rejected',
    figures,
    of(1, (kind) => kind === 'rejected'),
  );
  record(
    'mean_token_accuracy',
    figures,
    of(2, (kind) => kind === 'chosen'),
  );
}

/** Elements `from` … `from + count − 1`: `embedding` is the differentiable way to pick rows. */
export function elements(x: Tensor1D, from: number, count: number): Tensor1D {
  const ids = Int32Array.from({ length: count }, (_, i) => from + i);
  return reshape(embedding(reshape(x, [-1, 1]) as Tensor2D, tensor1d(ids, 'int32')), [count]);
}

/** Σ of each group's tokens [groups]. `values` [n]; −1 stands for no group. */
export function sumByGroup(values: Tensor1D, groupIds: readonly number[], groups: number): Tensor1D {
  const n = groupIds.length;
  const membership = new Float32Array(groups * n); // [groups, n]
  groupIds.forEach((group, index) => {
    if (group >= 0) membership[group * n + index] = 1;
  });
  const sums = linear(reshape(values, [1, -1]) as Tensor2D, tensor2d(membership, [groups, n]));
  return reshape(sums, [groups]);
}

/** Of each token, what its row has; of one without a row, what the first has. `values` [rows] → [n]. */
export function valuesOfRows(values: Tensor1D, owners: readonly number[]): Tensor1D {
  const rows = Int32Array.from(owners, (owner) => Math.max(0, owner));
  return reshape(embedding(reshape(values, [-1, 1]) as Tensor2D, tensor1d(rows, 'int32')), [owners.length]);
}

function groupSums(losses: Tensor1D, groupIds: readonly number[], groups: number): GroupedLogProbabilities {
  return { sums: neg(sumByGroup(losses, groupIds, groups)) as Tensor1D, counts: sizesOf(groupIds, groups) };
}

function sizesOf(groupIds: readonly number[], groups: number): Float32Array {
  const sizes = new Float32Array(groups);
  for (const group of groupIds) if (group >= 0) sizes[group]++;
  return sizes;
}
