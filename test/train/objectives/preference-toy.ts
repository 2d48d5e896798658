// A toy whose answer is known, for every method and loss: two prompts, after each of which one of two answers is right. Where a
// loss has its minimum at a certain gap, the policy must come to that gap; elsewhere each answer must move the right way.
import assert from 'node:assert/strict';
import { modelConfig } from '../../../src/architecture/config.js';
import { modelSchema } from '../../../src/config/model.js';
import { type dpoLossNames, fDivergences, type PreferenceConfig } from '../../../src/config/preference.js';
import { packSequences } from '../../../src/data/sequences.js';
import type { TokenBatch } from '../../../src/data/types.js';
import { disposeModel, initModel, type Model } from '../../../src/model/model.js';
import { memory, tidy } from '../../../src/tensor/tf.js';
import type { Objective } from '../../../src/train/objective.js';
import { labelledObjective, mismatchedAnswers } from '../../../src/train/objectives/labelled.js';
import { methods } from '../../../src/train/objectives/methods.js';
import { preferenceObjective, type ReferencedSequence } from '../../../src/train/objectives/preference.js';
import { sequenceLogProbabilities } from '../../../src/train/objectives/sequence-log-probabilities.js';
import { createOptimizer, disposeOptimizer } from '../../../src/train/optimizer.js';
import { trainStep } from '../../../src/train/step.js';
import { preferenceOf, trainConfig } from '../tiny.js';
import { manifest, type trainingWorld } from '../world.js';

export type Knobs = Parameters<typeof preferenceOf>[0] & object;

const end = 0;
const [answerTokens, padId] = [2, 1];
/** After 2 the right answer is 4, after 3 it is 5: rows 0 and 1; the wrong ones are rows 2 and 3. */
const words: readonly (readonly [prompt: number, answer: number])[] = [
  [2, 4],
  [3, 5],
  [2, 5],
  [3, 4],
];

const toyModel = (): Model =>
  initModel(
    modelConfig(modelSchema.parse({ hiddenSize: 8, layers: 1, heads: 1, keyValueHeads: 1, contextLength: 8 }), {
      ...{ vocabSize: 6, endOfText: end, pad: padId },
    }),
    11,
  );

function logProbabilities(model: Model, rows: readonly ReferencedSequence[]): number[] {
  return tidy(() => [...sequenceLogProbabilities(model, packSequences(rows, { padId })).logProbabilities.dataSync()]);
}

function toyRows(model: Model): ReferencedSequence[] {
  const rows = words.map(([prompt, answer], i) => {
    return { id: `${i}`, tokens: [prompt, answer, end], loss: [0, 1, 1], reference: 0 };
  });
  const references = logProbabilities(model, rows);
  return rows.map((row, i) => ({ ...row, reference: references[i] }));
}

function toyObjective(model: Model, preference: PreferenceConfig): Objective<TokenBatch> {
  const rows = toyRows(model);
  const options = { preference, batchSize: 4, padId, seed: 2 };
  if (methods[preference.method].rows === 'pairs') {
    const pairs = [0, 1].map((i) => ({ chosen: rows[i], rejected: rows[2 + i] }));
    return preferenceObjective(pairs, options) as Objective<TokenBatch>;
  }
  const others = mismatchedAnswers(rows).map((row) => ({ ...row, reference: 0 }));
  const references = logProbabilities(model, others);
  const labelled = rows.map((sequence, i) => ({
    ...{ sequence, isGood: i < 2, mismatched: { ...others[i], reference: references[i] } },
  }));
  return labelledObjective(labelled, options) as Objective<TokenBatch>;
}

interface Outcome {
  /** log π − log π at the start, of the two right answers and of the two wrong ones. */
  right: number[];
  wrong: number[];
  /** log π per token at the end. */
  means: { right: number[]; wrong: number[] };
  figures: Record<string, number>;
}

/** Trains a fresh model on the toy. */
export async function learn(knobs: Knobs, steps: number): Promise<Outcome> {
  const held = memory().numTensors;
  const model = toyModel();
  const rows = toyRows(model);
  const objective = toyObjective(model, preferenceOf(knobs));
  const optimizer = createOptimizer(model);
  let figures: Record<string, number> = {};
  const config = trainConfig({ clipNorm: 0, weightDecay: 0 });
  for (let step = 1; step <= steps; step++) {
    const batch = await objective.next({ model, step });
    const learningRate = 0.05 * Math.min(1, 2 * (1 - step / (steps + 1)));
    ({ figures } = await trainStep(model, optimizer, objective, [batch], config, { step, learningRate }));
  }
  const now = logProbabilities(model, rows);
  disposeOptimizer(optimizer);
  disposeModel(model);
  assert.equal(memory().numTensors, held);
  const moved = now.map((value, i) => value - rows[i].reference);
  const means = now.map((value) => value / answerTokens);
  return {
    ...{ right: moved.slice(0, 2), wrong: moved.slice(2), figures },
    means: { right: means.slice(0, 2), wrong: means.slice(2) },
  };
}

type Check = (outcome: Outcome) => void;

const near = (values: readonly number[], wanted: number, what: string): void => {
  for (const value of values)
    assert.ok(Math.abs(value - wanted) < 0.06 * Math.max(1, wanted), `${what}: ${values}, not ${wanted}`);
};
const gaps = ({ right, wrong }: Outcome): number[] => right.map((value, i) => value - wrong[i]);
const gapOf =
  (wanted: number): Check =>
  (outcome) =>
    near(gaps(outcome), wanted, 'gap');
const gapAbove =
  (least: number): Check =>
  (outcome) =>
    assert.ok(
      gaps(outcome).every((gap) => gap > least),
      `gaps ${gaps(outcome)}, not above ${least}`,
    );
const apart: Check = (outcome) => {
  gapAbove(1.5)(outcome);
  assert.ok(
    outcome.right.every((value) => value > 0) && outcome.wrong.every((value) => value < 0),
    JSON.stringify(outcome),
  );
};

const epsilon = 0.2;
const odds = Math.log((1 - epsilon) / epsilon);

/** β is 1, and beside the loss there is nothing, unless it is said. */
const dpoToys: Record<(typeof dpoLossNames)[number], [knobs: Knobs, check: Check]> = {
  sigmoid: [{}, gapAbove(3)],
  hinge: [{}, gapAbove(0.95)],
  ipo: [{}, gapOf(answerTokens / 2)],
  exo_pair: [{ labelSmoothing: epsilon }, gapOf(odds)],
  nca_pair: [
    {},
    ({ right, wrong }) => {
      near(right, Math.log(2), 'right'); // −log σ(r) − ½ log σ(−r) is least where σ(r) = 2/3
      assert.ok(wrong.every((value) => value < -1.5));
    },
  ],
  robust: [{ labelSmoothing: epsilon }, gapAbove(3)],
  bco_pair: [{}, apart],
  sppo_hard: [
    {},
    ({ right, wrong }) => {
      near(right, 0.5, 'right');
      near(wrong, -0.5, 'wrong');
    },
  ],
  aot: [{ labelSmoothing: epsilon }, gapOf(odds)],
  aot_unpaired: [{ labelSmoothing: epsilon }, gapOf(odds)],
  apo_zero: [{}, apart],
  apo_down: [
    {},
    (outcome) => {
      gapAbove(1)(outcome);
      assert.ok(
        outcome.right.every((value) => value < 0),
        `${outcome.right}`,
      );
    },
  ],
  discopop: [{}, gapAbove(1)],
  sft: [{}, ({ means }) => near(means.right, 0, 'log π of the right answers')],
  sigmoid_norm: [{ beta: 4 }, gapAbove(2)],
  cdpo: [{ labelSmoothing: epsilon }, gapOf(odds)],
};

const meanGapAbove =
  (least: number): Check =>
  ({ means }) =>
    assert.ok(
      means.right.every((value, i) => value - means.wrong[i] > least),
      JSON.stringify(means),
    );

const otherToys: [knobs: Knobs, check: Check][] = [
  [{ method: 'kto', beta: 1 }, apart],
  [{ method: 'kto', loss: 'apo_zero_unpaired', beta: 1 }, apart],
  [{ method: 'cpo', beta: 1 }, gapAbove(2)],
  [{ method: 'cpo', loss: 'hinge', beta: 1, sftWeight: 0 }, gapAbove(0.9)],
  [
    { method: 'cpo', loss: 'ipo', beta: 1, sftWeight: 0 },
    ({ means }) => {
      near(
        means.right.map((value, i) => value - means.wrong[i]),
        0.5,
        'gap per token',
      );
    },
  ],
  [{ method: 'simpo' }, meanGapAbove(0.5)], // γ / β
  [{ method: 'alphapo' }, meanGapAbove(0.5)],
  [
    { method: 'orpo', beta: 1 },
    ({ means }) =>
      assert.ok(
        means.right.every((value) => value > -0.2),
        JSON.stringify(means),
      ),
  ],
  ...fDivergences.slice(1).map((fDivergence): [Knobs, Check] => [
    { beta: 1, sftWeight: 0, loss: 'cdpo', labelSmoothing: epsilon, fDivergence },
    // What the loss is least at is a gap of f′, not of log π.
    ({ right, wrong }) => {
      const score = scores[fDivergence as keyof typeof scores];
      near(
        right.map((value, i) => score(Math.exp(value)) - score(Math.exp(wrong[i]))),
        odds,
        'gap',
      );
    },
  ]),
];

/** f′(t). */
const scores = {
  forward_kl: (t: number) => 1 - 1 / t,
  js_divergence: (t: number) => Math.log((2 * t) / (1 + t)),
  alpha_divergence: (t: number) => (t ** -0.5 - 1) / -0.5,
};

export interface Toy {
  knobs: Knobs;
  check: Check;
}

/** One for every loss and method, and for every divergence. */
export const toys: readonly Toy[] = [
  ...Object.entries(dpoToys).map(([loss, [knobs, check]]): Toy => {
    return { knobs: { loss: loss as keyof typeof dpoToys, beta: 1, sftWeight: 0, ...knobs }, check };
  }),
  ...otherToys.map(([knobs, check]): Toy => ({ knobs, check })),
];

/** That a training of the toy which is interrupted and resumed ends in the same bytes as one that is not. */
export async function checkResume({ run, attempt }: ReturnType<typeof trainingWorld>, knobs: Knobs): Promise<void> {
  const own = () => {
    const model = toyModel();
    const objective = toyObjective(model, preferenceOf(knobs));
    return { model, objective, steps: 3, config: trainConfig({ checkpointEvery: 100 }), manifest };
  };
  const name = `${knobs.method ?? 'dpo'}`;
  const whole = await run(`${name}-whole`, own());
  await attempt(`${name}-cut`, own(), 1);
  const resumed = await run(`${name}-cut`, own());
  assert.equal(resumed.digest, whole.digest);
}
