// The objective of single answers, each called good or bad: KTO, and APO-zero for what has no pair. KTO compares each answer
// with how far the policy is from its reference anyway (z), which it estimates by answers that were given to other prompts.
import { UserError } from '../../base/errors.js';
import type { KtoLossName, PreferenceConfig } from '../../config/preference.js';
import { packSequences } from '../../data/sequences.js';
import { shuffledBatches } from '../../data/shuffled.js';
import type { TokenBatch, TokenSequence } from '../../data/types.js';
import type { Model } from '../../model/model.js';
import { alone, type Communicator } from '../../tensor/communicator.js';
import { readResult } from '../../tensor/host.js';
import {
  add,
  mul,
  neg,
  type Scalar,
  scalar,
  sigmoid,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor1d,
} from '../../tensor/tf.js';
import type { LossContext, Objective } from '../objective.js';
import { perToken } from './pair-losses.js';
import type { ReferencedSequence } from './preference.js';
import {
  groupedLogProbabilities,
  ownerOf,
  recordTokenFigures,
  sequenceLogProbabilities,
} from './sequence-log-probabilities.js';

export interface LabelledAnswer {
  /** An answer after its prompt, with loss on the answer only. */
  sequence: ReferencedSequence;
  isGood: boolean;
  /** The answer of another row after the prompt of this one (`mismatchedAnswers`): for z, which `kto` needs. */
  mismatched?: ReferencedSequence;
  /** Of its loss; default: 1. */
  weight?: number;
}

/** Its owners are the answers. Its weight is the sum of the answers' own. */
export interface LabelledBatch extends TokenBatch {
  /** log π_ref by owner. */
  references: Float32Array;
  isGood: readonly boolean[];
  rowWeights: Float32Array;
  answers: readonly LabelledAnswer[];
  /** max(0, mean of log π − log π_ref over the micro-batch's mismatched answers) under the policy of this step. */
  z: number;
}

export interface LabelledLoss {
  /** s: log π − log π_ref; λ: desirableWeight or undesirableWeight. */
  formula: string;
  paper: string;
  over?: 'micro-batch';
  needsZ: boolean;
  /** Of each row [rows], without λ. `score`: βs; `sign`: 1 of a good answer, −1 of a bad one; `z`: βz. */
  loss(score: Tensor, sign: Tensor1D, z: number): Tensor;
}

export const labelledLosses = {
  kto: {
    formula: 'good: λ [1 − σ(β (s − z))], bad: λ [1 − σ(β (z − s))], z = max(0, mean s of mismatched answers)',
    paper: 'KTO: Ethayarajh et al. 2024, arXiv 2402.01306, eq. 7',
    over: 'micro-batch',
    needsZ: true,
    loss: (score, sign, z) => sigmoid(mul(sign, sub(z, score))),
  },
  apo_zero_unpaired: {
    formula: 'good: λ [1 − σ(βs)], bad: λ σ(βs)',
    paper: "APO: D'Oosterlinck et al. 2024, arXiv 2408.06266, eq. 7, without pairs",
    needsZ: false,
    loss: (score, sign) => sigmoid(neg(mul(sign, score))),
  },
} satisfies Record<KtoLossName, LabelledLoss>;

export interface LabelledOptions {
  preference: PreferenceConfig;
  batchSize: number;
  padId: number;
  seed: number;
}

/** @throws UserError where `kto` is given rows without mismatched answers. */
export function labelledObjective(rows: readonly LabelledAnswer[], options: LabelledOptions) {
  const { batchSize: size, seed, padId, preference } = options;
  const needsZ = lossesOf(preference).some(({ row }) => row.needsZ);
  if (needsZ && rows.some(({ mismatched }) => mismatched === undefined)) throw withoutMismatch();
  const batches = shuffledBatches(rows, { size, seed, name: 'labels' });
  return {
    division: {
      units: ({ answers }) => answers.length,
      part: ({ answers, z }, begin, end) => labelledBatch(answers.slice(begin, end), padId, z),
    },
    next: async ({ model, communicator = alone }) => {
      const taken = batches.next();
      return labelledBatch(taken, padId, needsZ ? await estimateZ(model, taken, { padId, communicator }) : 0);
    },
    state: batches.state,
    restore: batches.restore,
    summarize: marginOf,
    loss: (model, batch, context) => rowsLoss(model, batch, preference, context),
  } satisfies Objective<LabelledBatch>;
}

/** Rows that are looked through for an answer that fits. */
const maxSearch = 1000;

/**
 * Of each row, its prompt with the answer of the nearest row before it that has another prompt (the last row comes before
 * the first), and with that answer's own loss: what tools said in it does not count. TRL takes the row before in any case,
 * which in answers sampled from one prompt is no mismatch. None is longer than the longest row: nearest is the nearest that
 * fits, or where none does its beginning.
 * @throws UserError where all rows have one prompt.
 */
export function mismatchedAnswers(rows: readonly TokenSequence[]): TokenSequence[] {
  const longest = rows.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  const parts = rows.map((row) => {
    const tokens = Array.from(row.tokens);
    const loss = Array.from(row.loss ?? tokens.map(() => 1));
    const start = Math.max(0, loss.indexOf(1));
    return { prompt: tokens.slice(0, start), answer: tokens.slice(start), loss: loss.slice(start) };
  });
  const keys = parts.map(({ prompt }) => prompt.join());
  if (rows.length > 0 && keys.every((key) => key === keys[0])) throw withoutMismatch('all of them have one prompt');
  return rows.map(({ id }, i) => {
    const { prompt } = parts[i];
    const room = longest - prompt.length;
    let nearest: (typeof parts)[number] | undefined;
    for (let distance = 1; distance < rows.length && (nearest === undefined || distance < maxSearch); distance++) {
      const at = (i - distance + rows.length) % rows.length;
      if (keys[at] === keys[i]) continue;
      nearest ??= parts[at];
      if (parts[at].answer.length > room) continue;
      nearest = parts[at];
      break;
    }
    const { answer = [], loss = [] } = nearest ?? {};
    return {
      id,
      tokens: [...prompt, ...answer.slice(0, room)],
      loss: [...prompt.map(() => 0), ...loss.slice(0, room)],
    };
  });
}

export function labelledBatch(rows: readonly LabelledAnswer[], padId: number, z: number): LabelledBatch {
  const rowWeights = Float32Array.from(rows, ({ weight = 1 }) => weight);
  const sequences = rows.map(({ sequence }) => sequence);
  return {
    ...packSequences(sequences, { padId }),
    weight: rowWeights.reduce((total, weight) => total + weight, 0),
    references: Float32Array.from(sequences, ({ reference }) => reference),
    isGood: rows.map(({ isGood }) => isGood),
    rowWeights,
    answers: rows,
    z,
  };
}

/** Each rank reads its own share of the answers. */
async function estimateZ(
  model: Model,
  rows: readonly LabelledAnswer[],
  { padId, communicator: { rank, size, gather } }: { padId: number; communicator: Communicator },
): Promise<number> {
  const all = rows.flatMap(({ mismatched }) => mismatched ?? []);
  const answers = all.slice(Math.floor((all.length * rank) / size), Math.floor((all.length * (rank + 1)) / size));
  const batch = packSequences(answers, { padId });
  const values =
    answers.length === 0 ? [] : await readResult(() => sequenceLogProbabilities(model, batch).logProbabilities);
  const ratios = (await gather(answers.map(({ reference }, i) => values[i] - reference))).flat();
  return Math.max(0, ratios.reduce((total, ratio) => total + ratio, 0) / Math.max(1, ratios.length));
}

export interface LabelledValues {
  /** log π of each answer, summed over its tokens [rows]. */
  policy: Tensor1D;
  reference: Tensor1D;
  counts: Float32Array;
  isGood: readonly boolean[];
  z: number;
}

/** The loss of each row [rows], whose mean is the loss; and its reward. */
export function labelledLoss(
  { policy, reference, counts, isGood, z }: LabelledValues,
  preference: PreferenceConfig,
): { losses: Tensor1D; rewards: Tensor1D } {
  const { beta, sftWeight, desirableWeight, undesirableWeight } = preference;
  const rewards = mul(sub(policy, reference), beta) as Tensor1D;
  const sign = tensor1d(isGood.map((good) => (good ? 1 : -1)));
  const lambda = tensor1d(isGood.map((good) => (good ? desirableWeight : undesirableWeight)));
  const parts = lossesOf(preference).map(({ row, weight }) => mul(row.loss(rewards, sign, beta * z), weight));
  const total = parts.reduce((all, part) => add(all, part));
  const losses = mul(total, lambda) as Tensor1D;
  if (sftWeight === 0) return { losses, rewards };
  const good = tensor1d(isGood.map((each) => (each ? -sftWeight : 0)));
  return { losses: add(losses, mul(perToken(policy, counts), good)), rewards };
}

function rowsLoss(
  model: Model,
  batch: LabelledBatch,
  preference: PreferenceConfig,
  { record, ...pass }: LossContext,
): Scalar {
  const { isGood, rowWeights, references, z } = batch;
  const groups = { groups: isGood.length, groupOf: (position: number) => ownerOf(batch, position) };
  const { sums: policy, counts, tokens } = groupedLogProbabilities(model, batch, groups, pass);
  const values = { policy, reference: tensor1d(references), counts, isGood, z };
  const { losses, rewards } = labelledLoss(values, preference);
  for (const kind of ['chosen', 'rejected'] as const) {
    const weights = rowWeights.map((weight, i) => (isGood[i] === (kind === 'chosen') ? weight : 0));
    record(`rewards/${kind}`, rewards, { weights });
    record(`logps/${kind}`, policy, { weights });
  }
  record('kl', scalar(z), { weights: [batch.weight] });
  recordTokenFigures(record, tokens, (row) => (isGood[row] ? 'chosen' : 'rejected'));
  return sum(mul(losses, tensor1d(rowWeights))) as Scalar;
}

/** The mean reward of the good answers less that of the bad ones, where the step had both. */
function marginOf(figures: Readonly<Record<string, number>>): Record<string, number> {
  const { 'rewards/chosen': chosen, 'rewards/rejected': rejected } = figures;
  return chosen === undefined || rejected === undefined ? {} : { 'rewards/margins': chosen - rejected };
}

function lossesOf({ losses }: PreferenceConfig): { row: LabelledLoss; weight: number }[] {
  return losses.map(({ name, weight }) => ({ row: labelledLosses[name as KtoLossName], weight }));
}

function withoutMismatch(fault = 'these rows have none'): UserError {
  return new UserError({
    where: 'align',
    what: `kto needs the answers of other rows too, scored by the reference, and ${fault}`,
    why: 'it compares each answer with how far the policy has moved on answers to other prompts',
    next: 'Set align.loss to apo_zero_unpaired, which needs none',
  });
}
