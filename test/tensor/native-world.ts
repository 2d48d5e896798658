// What the tests of the native engine share: the backend, where it runs, and steps of every kind on a small model.
import type { TestContext } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { Random } from '../../src/base/random.js';
import { modelSchema } from '../../src/config/model.js';
import type { TrainConfig } from '../../src/config/train.js';
import { BatchBuilder } from '../../src/data/sequences.js';
import type { TokenBatch } from '../../src/data/types.js';
import { initModel, type Model } from '../../src/model/model.js';
import { preferencePair } from '../../src/stages/align/pairs.js';
import { openBackend } from '../../src/tensor/backends.js';
import { readResult } from '../../src/tensor/host.js';
import type { NativeBackend } from '../../src/tensor/native/backend.js';
import { nativeBackend } from '../../src/tensor/native/index.js';
import type { MicroBatch, Objective } from '../../src/train/objective.js';
import { labelledObjective, mismatchedAnswers } from '../../src/train/objectives/labelled.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import { type PreferencePair, pairBatch, preferenceObjective } from '../../src/train/objectives/preference.js';
import { sequenceLogProbabilities } from '../../src/train/objectives/sequence-log-probabilities.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { padId, preferenceOf, trainConfig } from '../train/tiny.js';

const vocabSize = 48;

/** Makes the native backend the current one. Undefined where it does not run: the test is skipped with the reason. */
export async function openNative(t: TestContext): Promise<NativeBackend | undefined> {
  try {
    await openBackend('native');
    return nativeBackend();
  } catch (error) {
    t.skip(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** Grouped queries and, in `columns`, room for several documents. The same weights every time, on every backend. */
export function smallModel(layers = 2, hiddenSize = 32, columns = 32): Model {
  const settings = { hiddenSize, layers, heads: 4, keyValueHeads: 2, contextLength: columns };
  return initModel(modelConfig(modelSchema.parse(settings), { vocabSize, endOfText: 0, pad: padId }), 7);
}

/**
 * Rows of documents that count upwards: learnable. The first batch is the largest that can come: one document to a row,
 * every token counted. After it document lengths, padding and the tokens that count all change from batch to batch.
 */
export function changingBatches(rows = 2, columns = 32, zLoss = 0) {
  const random = Random.stream(5, 'native');
  let made = 0;
  const next = (): Promise<TokenBatch> => {
    const builder = new BatchBuilder({ rows, columns, padId });
    const whole = made++ === 0;
    for (let row = 0; row < rows; row++) {
      for (let column = 0, document = 0; column < columns; document++) {
        const count = whole ? columns : Math.min(columns - column, random.integer(1, columns));
        const first = random.integer(0, vocabSize - 2);
        const tokens = Array.from({ length: count + 1 }, (_, i) => 2 + ((first + i) % (vocabSize - 2)));
        const loss = tokens.map(() => Number(whole || random.uniform() < 0.8));
        if (whole || random.uniform() < 0.9) {
          builder.place({ id: `${made}-${row}-${document}`, tokens, loss }, { row, column, from: 0, count });
        }
        column += count;
      }
    }
    return Promise.resolve(builder.finish());
  };
  return tokenObjective({ next, state: null, restore: () => undefined }, { zLoss });
}

/** Preferences of which the policy has been scored; the answers differ in length. */
export async function scoredPairs(model: Model): Promise<PreferencePair[]> {
  const side = (tokens: number[]) => ({ tokens, text: '' });
  const pairs = [0, 1, 2, 3].map((i) => ({
    id: `pair-${i}`,
    prompt: Array.from({ length: 3 + i }, (_, at) => 2 + at),
    chosen: side([5, 6, 7 + i]),
    rejected: side([9, 10 + i]),
  }));
  const unscored = pairs.map((pair) => preferencePair(pair, () => 0));
  const batch = pairBatch(unscored, padId);
  const values = await readResult(() => sequenceLogProbabilities(model, batch).logProbabilities);
  return unscored.map(({ chosen, rejected }, i) => ({
    chosen: { ...chosen, reference: values[i] },
    rejected: { ...rejected, reference: values[pairs.length + i] },
  }));
}

export function preferences(
  pairs: readonly PreferencePair[],
  written: Parameters<typeof preferenceOf>[0] = { sftWeight: 0.2 },
) {
  const options = { preference: preferenceOf(written), batchSize: 2, padId, seed: 1 };
  return preferenceObjective(pairs, options);
}

export function labels(pairs: readonly PreferencePair[]) {
  const rows = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const others = mismatchedAnswers(rows);
  return labelledObjective(
    rows.map((sequence, i) => ({ sequence, isGood: i % 2 === 0, mismatched: { ...others[i], reference: -9 } })),
    { preference: preferenceOf({ method: 'kto' }), batchSize: 2, padId, seed: 1 },
  );
}

export interface Training {
  steps: number;
  /** Micro-batches to a step; 2 unless given. */
  accumulation?: number;
  optimizer?: TrainConfig['optimizer'];
  recompute?: boolean;
  afterStep?(step: number): void;
}

/** Optimizer steps, clipped; their losses. */
export async function trainSteps<Batch extends MicroBatch>(
  model: Model,
  objective: Objective<Batch>,
  { steps, accumulation = 2, optimizer: kind = 'adamw', recompute = false, afterStep }: Training,
): Promise<number[]> {
  const optimizer = createOptimizer(model, kind);
  const config = trainConfig({ clipNorm: 0.5, optimizer: kind, recompute });
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const batches: Batch[] = [];
    while (batches.length < accumulation) batches.push(await objective.next({ model, step }));
    const { loss } = await trainStep(model, optimizer, objective, batches, config, { step, learningRate: 3e-3 });
    losses.push(loss);
    afterStep?.(step);
  }
  disposeOptimizer(optimizer);
  return losses;
}
