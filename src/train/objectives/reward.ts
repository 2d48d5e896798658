// The objective of a reward model (Bradley and Terry 1952; Ouyang et al. 2022, arXiv 2203.02155): of two answers to one prompt the
// better one scores higher. −log σ(r_w − r_l − margin) + centerWeight (r_w + r_l)², of each pair, as TRL's RewardTrainer has it,
// + lmWeight · NLL per token of the chosen answer. A score is read at the token that ends an answer.
import { predictedPositions, scoredPositions } from '../../data/scored.js';
import { packPairs } from '../../data/sequences.js';
import { shuffledBatches } from '../../data/shuffled.js';
import type { TokenBatch, TokenSequence } from '../../data/types.js';
import { forward, modelInput } from '../../model/forward.js';
import { type Model, matrixOf } from '../../model/model.js';
import { scoreStates } from '../../model/reward.js';
import type { Matrix } from '../../tensor/matrix.js';
import { crossEntropy } from '../../tensor/ops/cross-entropy.js';
import { embedding } from '../../tensor/ops/embedding.js';
import { add, mul, type Scalar, sub, sum, type Tensor, tensor1d } from '../../tensor/tf.js';
import type { LossContext, Objective } from '../objective.js';
import { negativeLogSigmoid, type Sides } from './pair-losses.js';
import { elements } from './sequence-log-probabilities.js';

/** Each side from `scoredSequence`. */
export interface RewardPair {
  chosen: TokenSequence;
  rejected: TokenSequence;
  /** The gap that is asked for. Absent: 0. */
  margin?: number;
  /** Of its loss. Absent: 1. */
  weight?: number;
}

/** Its owners are the chosen answers, then the rejected ones. Its weight is the sum of the pairs' own. */
export interface RewardBatch extends TokenBatch {
  /** By pair. */
  margins: Float32Array;
  pairWeights: Float32Array;
  pairs: readonly RewardPair[];
}

export interface RewardLoss {
  centerWeight: number;
  lmWeight: number;
  /** The output projection [V, d] that the chat model had, where it is not the embedding: nobody trains it. */
  head?: Matrix;
}

export interface RewardOptions extends RewardLoss {
  batchSize: number;
  padId: number;
  seed: number;
}

export function rewardObjective(pairs: readonly RewardPair[], options: RewardOptions) {
  const { batchSize: size, seed, padId } = options;
  const batches = shuffledBatches(pairs, { size, seed, name: 'pairs' });
  return {
    division: {
      units: ({ pairs }) => pairs.length,
      part: (batch, begin, end) => rewardBatch(batch.pairs.slice(begin, end), padId),
    },
    next: () => Promise.resolve(rewardBatch(batches.next(), padId)),
    state: batches.state,
    restore: batches.restore,
    loss: (model, batch, context) => rewardLoss(model, batch, options, context),
  } satisfies Objective<RewardBatch>;
}

export function rewardBatch(pairs: readonly RewardPair[], padId: number): RewardBatch {
  const margins = Float32Array.from(pairs, ({ margin = 0 }) => margin);
  const pairWeights = Float32Array.from(pairs, ({ weight = 1 }) => weight);
  const weight = pairWeights.reduce((total, each) => total + each, 0);
  const sides = pairs.map(({ chosen, rejected }) => [chosen, rejected] as const);
  return { ...packPairs(sides, { padId }), margins, pairWeights, weight, pairs };
}

/** The loss of each pair [pairs], of the scores of both sides; `margins` by pair. */
export function pairLoss(
  { chosen, rejected }: Sides,
  margins: Float32Array,
  { centerWeight }: Pick<RewardLoss, 'centerWeight'>,
): Tensor {
  const own = negativeLogSigmoid(sub(sub(chosen, rejected), tensor1d(margins)));
  const both = add(chosen, rejected);
  return centerWeight === 0 ? own : add(own, mul(mul(both, both), centerWeight));
}

function rewardLoss(model: Model, batch: RewardBatch, options: RewardLoss, { record, ...pass }: LossContext): Scalar {
  const { margins, pairWeights: weights } = batch;
  const count = weights.length;
  const scored = scoredPositions(batch);
  const wanted = options.lmWeight === 0 ? Int32Array.from(new Set(scored)).sort() : undefined;
  const hidden = forward(model, modelInput(batch, wanted), pass);
  const places = wanted === undefined ? scored : scored.map((position) => wanted.indexOf(position));
  const scores = scoreStates(model, hidden, tensor1d(places, 'int32'));
  const sides = { chosen: elements(scores, 0, count), rejected: elements(scores, count, count) };
  const losses = pairLoss(sides, margins, options);
  const gaps = sub(sides.chosen, sides.rejected);
  record('rewards/chosen', sides.chosen, { weights });
  record('rewards/rejected', sides.rejected, { weights });
  record('rewards/margins', gaps, { weights });
  record('rewards/accuracies', gaps, { weights, each: (gap) => (gap > 0 ? 1 : 0) });
  const total = sum(mul(losses, tensor1d(weights))) as Scalar;
  if (options.lmWeight === 0) return total;
  record('loss/preference', losses, { weights });
  const { head = matrixOf(model, 'model.embed_tokens.weight') } = options;
  const positions = predictedPositions(batch);
  const targets = tensor1d(
    positions.map((position) => batch.targets[position]),
    'int32',
  );
  const surprise = crossEntropy(embedding(hidden, tensor1d(positions, 'int32')), head, targets);
  const lm = sum(mul(surprise, tensor1d(perPairToken(batch, positions)))) as Scalar;
  record('loss/lm', lm);
  return add(total, mul(lm, options.lmWeight)) as Scalar;
}

/** Of each predicted position the weight of its pair, shared by the tokens of that pair's answer. */
function perPairToken({ owners, pairWeights }: RewardBatch, positions: Int32Array): Float32Array {
  const counts = new Float32Array(pairWeights.length);
  for (const position of positions) counts[owners[position]]++;
  return Float32Array.from(positions, (position) => pairWeights[owners[position]] / counts[owners[position]]);
}
