// What the rows of a round are to its method: the answers that need a reference, in the batches in which one is taken, and the
// objective that is trained on.

import type { PreferenceConfig } from '../../config/preference.js';
import { packPairs, packSequences } from '../../data/sequences.js';
import { shuffledBatches } from '../../data/shuffled.js';
import type { TokenBatch, TokenSequence } from '../../data/types.js';
import type { MicroBatch, Objective } from '../../train/objective.js';
import { type LabelledAnswer, labelledObjective, mismatchedAnswers } from '../../train/objectives/labelled.js';
import { methods } from '../../train/objectives/methods.js';
import { type BatchSupply, tokenObjective } from '../../train/objectives/next-token.js';
import { preferenceObjective } from '../../train/objectives/preference.js';
import {
  isPair,
  type Labelled,
  type Pair,
  preferencePair,
  type ReferenceOf,
  type RoundRow,
  sequenceOf,
} from './pairs.js';

/** Answers that are given to the model together. */
export interface AnswerBatch {
  sequences: readonly TokenSequence[];
  /** Owner i is sequence i. */
  pack(padId: number): TokenBatch;
}

/** The answers of which the method must know log π_ref; none where it has no reference. */
export function referenceBatches(
  rows: readonly RoundRow[],
  preference: PreferenceConfig,
  batchSize: number,
): AnswerBatch[] {
  if (!methods[preference.method].needsReference) return [];
  const pairs = groupsOf(rows.filter(isPair), batchSize).map((group): AnswerBatch => {
    const sides = group.map((pair) => [sequenceOf(pair, pair.chosen), sequenceOf(pair, pair.rejected)] as const);
    return {
      sequences: [...sides.map(([chosen]) => chosen), ...sides.map(([, rejected]) => rejected)],
      pack: (padId) =>
        packPairs(
          sides.map(([chosen, rejected]) => [chosen, rejected]),
          { padId },
        ),
    };
  });
  const labelled = rows.filter(isLabelled).map((row) => sequenceOf(row, row.answer));
  const others = needsMismatched(preference) ? mismatchedAnswers(labelled) : [];
  const single = groupsOf([...labelled, ...others], 2 * batchSize).map((sequences): AnswerBatch => {
    return { sequences, pack: (padId) => packSequences(sequences, { padId }) };
  });
  return [...pairs, ...single];
}

interface LessonOptions {
  preference: PreferenceConfig;
  batchSize: number;
  padId: number;
  seed: number;
  referenceOf: ReferenceOf;
}

/** @param rows Of the kind that the method takes. */
export function roundObjective(rows: readonly RoundRow[], options: LessonOptions): Objective<MicroBatch> {
  const { preference, referenceOf } = options;
  const { rows: kind } = methods[preference.method];
  switch (kind) {
    case 'pairs':
      return preferenceObjective(
        rows.filter(isPair).map((pair) => weighed(pair, preferencePair(pair, referenceOf))),
        options,
      );
    case 'labels':
      return labelledObjective(labelledAnswers(rows.filter(isLabelled), preference, referenceOf), options);
    case 'answers':
      return tokenObjective(answerBatches(rows.filter(isLabelled), options));
    case 'samples':
      throw new Error('what is sampled while it is learnt has no rows before'); // online-training.ts
    default:
      return kind satisfies never;
  }
}

const isLabelled = (row: RoundRow): row is Labelled => !isPair(row);

function weighed<Row extends object>({ weight }: Pair | Labelled, row: Row): Row & { weight?: number } {
  return weight === undefined ? row : { ...row, weight };
}

function labelledAnswers(
  rows: readonly Labelled[],
  preference: PreferenceConfig,
  referenceOf: ReferenceOf,
): LabelledAnswer[] {
  const referenced = (sequence: TokenSequence) => ({ ...sequence, reference: referenceOf(sequence) });
  const sequences = rows.map((row) => sequenceOf(row, row.answer));
  const others = needsMismatched(preference) ? mismatchedAnswers(sequences) : [];
  return rows.map((row, i) => {
    const own = { sequence: referenced(sequences[i]), isGood: row.isGood };
    return weighed(row, others.length === 0 ? own : { ...own, mismatched: referenced(others[i]) });
  });
}

const needsMismatched = ({ losses }: PreferenceConfig): boolean => losses.some(({ name }) => name === 'kto');

/** Answers to be learnt as fine-tuning learns them: the mean is over tokens, each as much as its row counts. */
function answerBatches(
  rows: readonly Labelled[],
  { batchSize: size, seed, padId }: Pick<LessonOptions, 'batchSize' | 'seed' | 'padId'>,
): BatchSupply {
  const sequences = rows.map((row): TokenSequence => {
    const { loss = [], ...sequence } = sequenceOf(row, row.answer);
    return { ...sequence, loss: Array.from(loss, (each) => each * (row.weight ?? 1)) };
  });
  const batches = shuffledBatches(sequences, { size, seed, name: 'answers' });
  return {
    next: () => Promise.resolve(packSequences(batches.next(), { padId })),
    get state() {
      return batches.state();
    },
    restore: batches.restore,
  };
}

function groupsOf<Row>(rows: readonly Row[], size: number): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
}
