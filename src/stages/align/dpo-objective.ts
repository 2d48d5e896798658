// DPO over a round's pairs, with a little likelihood of the chosen answer beside it: DPO alone is content when both
// log-probabilities fall as long as the gap grows.
import { UserError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { padSequences } from '../../data/packing.js';
import type { TokenBatch } from '../../data/types.js';
import type { Model } from '../../model/model.js';
import { embedding } from '../../tensor/ops/embedding.js';
import { clone, reshape, type Scalar, sub, type Tensor1D, type Tensor2D, tensor1d } from '../../tensor/tf.js';
import { chosenLikelihoodLoss, dpo, sequenceLogProbabilities, weighted } from '../../train/losses.js';
import type { MicroBatch, Objective } from '../../train/objective.js';
import { type Pair, pairSequences } from './pairs.js';

export interface PairBatch extends MicroBatch {
  batch: TokenBatch;
  pairs: readonly Pair[];
}

interface Cursor {
  epoch: number;
  index: number;
}

export interface DpoOptions {
  beta: number;
  sftWeight: number;
  batchSize: number;
  padId: number;
  seed: number;
}

export function dpoObjective(pairs: readonly Pair[], options: DpoOptions): Objective<PairBatch> {
  let cursor: Cursor = { epoch: 0, index: 0 };
  const batchSize = Math.min(options.batchSize, pairs.length);
  const order = (): number[] => Random.stream(options.seed, `pairs-${cursor.epoch}`).shuffle([...pairs.keys()]);
  return {
    next: () => {
      const chosen: Pair[] = [];
      let indices = order();
      while (chosen.length < batchSize) {
        if (cursor.index >= pairs.length) {
          cursor = { epoch: cursor.epoch + 1, index: 0 };
          indices = order();
        }
        chosen.push(pairs[indices[cursor.index++]]);
      }
      return Promise.resolve(describe(chosen, options.padId));
    },
    state: () => ({ ...cursor }),
    restore: (state) => {
      const { epoch, index } = state as Cursor;
      if (!Number.isInteger(epoch) || !Number.isInteger(index) || index < 0 || index > pairs.length) {
        throw new UserError({ what: 'the position in the pairs that the checkpoint holds does not fit them' });
      }
      cursor = { epoch, index };
    },
    loss: (model, batch, record) => pairLoss(model, batch, options, record),
  };
}

/** Steps of one pass over the pairs. */
export function pairBatchCount(pairs: readonly Pair[], batchSize: number): number {
  return Math.max(1, Math.ceil(pairs.length / batchSize));
}

function describe(pairs: readonly Pair[], padId: number): PairBatch {
  const batch = padSequences(pairSequences(pairs), { padId });
  const tokens = batch.owners.reduce((count, owner) => count + (owner >= 0 ? 1 : 0), 0);
  return { batch, pairs, weight: pairs.length, tokens, ids: pairs.map(({ id }) => id) };
}

function pairLoss(
  model: Model,
  { batch, pairs }: PairBatch,
  { beta, sftWeight }: DpoOptions,
  record: (name: string, value: Tensor1D) => void,
): Scalar {
  const count = pairs.length;
  const { logProbabilities, counts } = sequenceLogProbabilities(model, batch);
  // `embedding` is the differentiable way to pick rows.
  const column = reshape(logProbabilities, [2 * count, 1]) as Tensor2D;
  const half = (first: number): Tensor1D => {
    const ids = Int32Array.from({ length: count }, (_, i) => first + i);
    return reshape(embedding(column, tensor1d(ids, 'int32')), [count]);
  };
  const [chosen, rejected] = [half(0), half(count)];
  const terms = dpo(
    chosen,
    rejected,
    tensor1d(pairs.map((pair) => pair.chosen.reference)),
    tensor1d(pairs.map((pair) => pair.rejected.reference)),
    beta,
  );
  const margins = sub(terms.chosenRewards, terms.rejectedRewards) as Tensor1D;
  record('rewards/chosen', clone(terms.chosenRewards));
  record('rewards/rejected', clone(terms.rejectedRewards));
  record('rewards/margins', margins);
  record('rewards/accuracies', tensor1d((margins.dataSync() as Float32Array).map((margin) => (margin > 0 ? 1 : 0))));
  record('logps/chosen', clone(chosen));
  record('logps/rejected', clone(rejected));
  return sftWeight === 0
    ? terms.loss
    : weighted(terms.loss, chosenLikelihoodLoss(chosen, counts.subarray(0, count)), sftWeight);
}
