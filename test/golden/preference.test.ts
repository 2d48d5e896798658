// Every preference loss, its gradient with respect to each answer's log-probability and what is logged, against TRL's own
// functions (scripts/golden/make_preference.py): on given log-probabilities, extreme ones too, and through the tiny Qwen3
// with answers masked out of their prompts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dpoLossNames, ktoLossNames, type PreferenceConfig } from '../../src/config/preference.js';
import type { TokenBatch } from '../../src/data/types.js';
import { disposeModel } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import {
  add,
  memory,
  mul,
  type Scalar,
  scalar,
  sum,
  type Tensor1D,
  tensor1d,
  tidy,
  variable,
} from '../../src/tensor/tf.js';
import type { Objective, RecordMetric } from '../../src/train/objective.js';
import { labelledLoss, labelledObjective } from '../../src/train/objectives/labelled.js';
import type { PairValues } from '../../src/train/objectives/pair-losses.js';
import { preferenceLoss, preferenceObjective } from '../../src/train/objectives/preference.js';
import { onEachBackend } from '../conformance/backends.js';
import { preferenceOf } from '../train/tiny.js';
import { assertClose, gradientsOf, loadGolden, readJson } from './fixtures.js';

type Knobs = Parameters<typeof preferenceOf>[0] & object;
type Sided = [chosen: number[], rejected: number[]];

interface PairCase {
  knobs: Knobs;
  set?: 'ordinary' | 'extreme';
  /** log π of the second token of each prompt, which orpo learns. */
  prompt?: number;
  loss: number;
  chosenGradient: number[];
  rejectedGradient: number[];
  logged: Record<string, number>;
}

interface Expected {
  sets: Record<'ordinary' | 'extreme', { policy: Sided; reference: Sided; lengths: Sided }>;
  labelled: Record<'policy' | 'reference' | 'lengths', number[]> & Record<'mismatched' | 'far', Sided>;
  dpo: PairCase[];
  free: PairCase[];
  kto: {
    knobs: Knobs;
    mismatched: 'mismatched' | 'far';
    isGood: boolean[];
    loss: number;
    gradient: number[];
    logged: Record<string, number>;
  }[];
  model: {
    pairs: { prompt: number[]; chosen: number[]; rejected: number[] }[];
    references: number[];
    mismatched: { answers: number[][]; references: number[] };
    cases: {
      knobs: Knobs;
      loss: number;
      logged: Record<string, number>;
      gradientNorms: Record<string, number>;
    }[];
  };
}

const expected = await readJson<Expected>('preference.json');
const meanOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/** Of losses [n] by log-probabilities [n]: their mean, its gradients, and what `of` keeps of figures. */
function differentiate(sums: readonly number[][], of: (policy: Tensor1D[]) => Tensor1D) {
  const held = memory().numTensors;
  const policy = sums.map((values) => tidy(() => variable(tensor1d(values)) as unknown as Tensor1D));
  const { value, gradients } = valueAndGradients(() => {
    // The sft term is of the chosen answers alone: the others' gradient is 0.
    const nothing = policy.reduce<Scalar>((total, x) => add(total, mul(sum(x), 0)) as Scalar, scalar(0));
    return add(mul(sum(of(policy)), 1 / sums[0].length), nothing) as Scalar;
  }, policy);
  const result = { loss: value.dataSync()[0], gradients: gradients.map((gradient) => [...gradient.dataSync()]) };
  for (const tensor of [value, ...gradients, ...policy]) tensor.dispose();
  assert.equal(memory().numTensors, held);
  return result;
}

function checkPairs({ set = 'ordinary', prompt, ...wanted }: PairCase, config: PreferenceConfig): void {
  const { policy: sums, reference, lengths } = expected.sets[set];
  const counts = { chosen: Float32Array.from(lengths[0]), rejected: Float32Array.from(lengths[1]) };
  const logged: Record<string, number> = {};
  const { loss, gradients } = differentiate(sums, ([chosen, rejected]) => {
    const values: PairValues = {
      policy: { chosen, rejected },
      reference: { chosen: tensor1d(reference[0]), rejected: tensor1d(reference[1]) },
      counts,
    };
    if (config.method === 'orpo') {
      const prompts = (prompt ?? 0) * lengths[0].length;
      const count = lengths[0].reduce((total, length) => total + length, lengths[0].length);
      values.whole = { sum: add(sum(chosen), prompts) as Scalar, count };
    }
    const { losses, rewards, figures } = preferenceLoss(values, config);
    for (const [name, value] of Object.entries(figures)) logged[name] = meanOf(value.dataSync());
    const [good, bad] = [rewards.chosen.dataSync(), rewards.rejected.dataSync()];
    logged['rewards/chosen'] = meanOf(good);
    logged['rewards/rejected'] = meanOf(bad);
    logged['rewards/margins'] = meanOf(good.map((reward, i) => reward - bad[i]));
    logged['rewards/accuracies'] = meanOf(good.map((reward, i) => Number(reward > bad[i])));
    return losses;
  });
  assertClose([loss], [wanted.loss], 'loss', 1e-5);
  assertClose(gradients[0], wanted.chosenGradient, 'gradient of the chosen', 1e-5);
  assertClose(gradients[1], wanted.rejectedGradient, 'gradient of the rejected', 1e-5);
  // TRL logs the NLL as 0 where it is no part of the loss; here it is not logged then.
  if (config.sftWeight === 0) logged.nll_loss = 0;
  for (const [name, value] of Object.entries(wanted.logged)) assertClose([logged[name]], [value], name, 1e-5);
}

function checkLabelled(wanted: Expected['kto'][number]): void {
  const { policy: sums, reference, lengths, ...others } = expected.labelled;
  const config = preferenceOf(wanted.knobs);
  const [mismatched, theirs] = others[wanted.mismatched];
  const z = config.losses[0].name === 'kto' ? Math.max(0, meanOf(mismatched.map((value, i) => value - theirs[i]))) : 0;
  const logged: Record<string, number> = { kl: z };
  const { isGood } = wanted;
  const { loss, gradients } = differentiate([sums], ([policy]) => {
    const counts = Float32Array.from(lengths);
    const { losses, rewards } = labelledLoss({ policy, reference: tensor1d(reference), counts, isGood, z }, config);
    for (const [kind, good] of [['chosen', true] as const, ['rejected', false] as const]) {
      const own = [...rewards.dataSync()].filter((_, i) => isGood[i] === good);
      if (own.length > 0) logged[`rewards/${kind}`] = meanOf(own);
      if (own.length > 0) logged[`logps/${kind}`] = meanOf(sums.filter((_, i) => isGood[i] === good));
    }
    return losses;
  });
  assertClose([loss], [wanted.loss], 'loss', 1e-5);
  assertClose(gradients[0], wanted.gradient, 'gradient', 1e-5);
  const { 'rewards/margins': margin, ...rest } = wanted.logged;
  for (const [name, value] of Object.entries(rest)) assertClose([logged[name]], [value], name, 1e-5);
  if (margin !== undefined)
    assertClose([logged['rewards/chosen'] - logged['rewards/rejected']], [margin], 'margin', 1e-5);
}

/** Through the objectives that `align` trains with: batching, masks, log-probabilities, loss, figures. */
async function checkThroughModel(wanted: Expected['model']['cases'][number]): Promise<void> {
  const { pairs, references, mismatched } = expected.model;
  const model = await loadGolden('qwen3');
  const sequence = (prompt: number[], answer: number[], row: number) => ({
    id: `${row}`,
    tokens: [...prompt, ...answer],
    loss: [...prompt.map(() => 0), ...answer.map(() => 1)],
    reference: references[row],
  });
  const rows = [
    ...pairs.map(({ prompt, chosen }, i) => sequence(prompt, chosen, i)),
    ...pairs.map(({ prompt, rejected }, i) => sequence(prompt, rejected, pairs.length + i)),
  ];
  const preference = preferenceOf(wanted.knobs);
  const options = { preference, batchSize: 4, padId: 0, seed: 1 };
  const objective =
    preference.method === 'kto'
      ? labelledObjective(
          rows.map((row, i) => {
            const [tokens, { length }] = [mismatched.answers[i], pairs[i % 2].prompt];
            const loss = tokens.map((_, at) => Number(at >= length));
            return {
              sequence: row,
              isGood: i < 2,
              mismatched: { id: row.id, tokens, loss, reference: mismatched.references[i] },
            };
          }),
          options,
        )
      : preferenceObjective(
          pairs.map((_, i) => ({ chosen: rows[i], rejected: rows[pairs.length + i] })),
          options,
        );
  await checkObjective(objective as Objective<TokenBatch>, model, wanted);
  disposeModel(model);
}

async function checkObjective(
  objective: Objective<TokenBatch>,
  model: Awaited<ReturnType<typeof loadGolden>>,
  wanted: Expected['model']['cases'][number],
): Promise<void> {
  const batch = await objective.next({ model, step: 1 });
  const sums = new Map<string, [sum: number, weight: number]>();
  const record: RecordMetric = (name, value, { each = Number, weights } = {}) => {
    const values = [...value.dataSync()];
    const weight = (i: number) => weights?.[i] ?? 1;
    const total = weights === undefined ? batch.weight : values.reduce((sum, _, i) => sum + weight(i), 0);
    sums.set(name, [values.reduce((sum, element, i) => sum + weight(i) * each(element), 0), total]);
  };
  const { loss, gradients } = gradientsOf(model, (m) => objective.loss(m, batch, { record }));
  assertClose([loss / batch.weight], [wanted.loss], 'loss', 1e-5);
  const figures = Object.fromEntries([...sums].map(([name, [sum, weight]]) => [name, sum / weight]));
  const logged: Record<string, number> = {
    ...figures,
    'rewards/margins': figures['rewards/chosen'] - figures['rewards/rejected'],
  };
  for (const [name, value] of Object.entries(wanted.logged)) assertClose([logged[name]], [value], name, 1e-5);
  assert.deepEqual([...gradients.keys()].sort(), Object.keys(wanted.gradientNorms).sort());
  for (const [name, norm] of Object.entries(wanted.gradientNorms)) {
    const own = Math.hypot(...(gradients.get(name) as Float32Array)) / batch.weight;
    assertClose([own], [norm], `norm of the gradient of ${name}`, 1e-5);
  }
}

const inWords = ({ knobs, ...rest }: { knobs: object }): string =>
  `${JSON.stringify(knobs)}${'set' in rest ? `, ${rest.set}` : ''}`;
/** Beside TRL's loss there is nothing that is not named. */
const configOf = (knobs: Knobs): PreferenceConfig =>
  preferenceOf(knobs.method === undefined ? { sftWeight: 0, ...knobs } : knobs);

test('every loss has its golden', () => {
  const single = (cases: readonly { knobs: Knobs }[]) =>
    cases.flatMap(({ knobs }) => (Array.isArray(knobs.loss) && knobs.loss.length === 1 ? knobs.loss : []));
  assert.deepEqual([...new Set(single(expected.dpo))].sort(), [...dpoLossNames].sort());
  assert.deepEqual([...new Set(single(expected.kto))].sort(), [...ktoLossNames].sort());
  const methods = new Set(expected.free.map(({ knobs }) => knobs.method));
  assert.deepEqual([...methods].sort(), ['alphapo', 'cpo', 'orpo', 'simpo']);
});

test('on given log-probabilities', async (t) => {
  await openBackend('cpu');
  await t.test('of pairs beside a reference', () => each(expected.dpo, (one) => checkPairs(one, configOf(one.knobs))));
  await t.test('of pairs alone', () => each(expected.free, (one) => checkPairs(one, configOf(one.knobs))));
  await t.test('of labelled answers', () => each(expected.kto, checkLabelled));
  await t.test('what is not finite in TRL is finite here', () => {
    for (const loss of dpoLossNames) checkFinite(preferenceOf({ loss, sftWeight: 0 }));
  });
});

await onEachBackend('preference losses', async (t) => {
  for (const one of expected.model.cases)
    await t.test(`${inWords(one)}, through the model`, () => checkThroughModel(one));
});

function each<Case extends { knobs: object }>(cases: readonly Case[], check: (one: Case) => void): void {
  for (const one of cases) {
    try {
      check(one);
    } catch (error) {
      throw new Error(`${inWords(one)}: ${(error as Error).message}`, { cause: error });
    }
  }
}

function checkFinite(config: PreferenceConfig): void {
  const { policy, reference, lengths } = expected.sets.extreme;
  const { loss, gradients } = differentiate(policy, ([chosen, rejected]) => {
    const values = {
      policy: { chosen, rejected },
      reference: { chosen: tensor1d(reference[0]), rejected: tensor1d(reference[1]) },
      counts: { chosen: Float32Array.from(lengths[0]), rejected: Float32Array.from(lengths[1]) },
    };
    return preferenceLoss(values, config).losses;
  });
  assert.ok([loss, ...gradients.flat()].every(Number.isFinite), `${config.losses[0].name}: ${loss}, ${gradients}`);
}
