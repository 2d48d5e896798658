// Each preference loss by its name, its rewards and gradients against plain torch (scripts/golden/make_dpo.py): on given
// log-probabilities, extreme ones too, and through the tiny Qwen3 with answers masked out of their prompts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disposeModel } from '../../src/model/model.js';
import { preferencePair } from '../../src/stages/align/pairs.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { memory, type Tensor1D, tensor1d, tidy, variable } from '../../src/tensor/tf.js';
import { preferenceLoss, preferenceLosses, preferenceObjective } from '../../src/train/objectives/preference.js';
import { onEachBackend } from '../conformance/backends.js';
import { assertClose, gradientsOf, loadGolden, readJson } from './fixtures.js';

type PreferenceLossName = keyof typeof preferenceLosses;

interface Expected {
  policyChosen: number[];
  policyRejected: number[];
  referenceChosen: number[];
  referenceRejected: number[];
  chosenLengths: number[];
  rejectedLengths: number[];
  cases: {
    name: PreferenceLossName;
    beta: number;
    /** Weight of the chosen answers' mean NLL per token; 0 = none. */
    alpha: number;
    loss: number;
    chosenRewards: number[];
    rejectedRewards: number[];
    chosenGradient: number[];
    rejectedGradient: number[];
  }[];
  model: {
    beta: number;
    pairs: { prompt: number[]; chosen: number[]; rejected: number[] }[];
    reference: { chosen: number[]; rejected: number[] };
    chosen: number[];
    rejected: number[];
    chosenRewards: number[];
    rejectedRewards: number[];
    losses: Record<PreferenceLossName, { loss: number; gradientNorms: Record<string, number> }>;
  };
}

const expected = await readJson<Expected>('dpo.json');

function checkNumbers(one: Expected['cases'][number]): void {
  const held = memory().numTensors;
  const [chosen, rejected] = [expected.policyChosen, expected.policyRejected].map((values) =>
    tidy(() => variable(tensor1d(values)) as unknown as Tensor1D & ReturnType<typeof variable>),
  );
  const figures: Record<'chosen' | 'rejected', number[]> = { chosen: [], rejected: [] };
  const { value, gradients } = valueAndGradients(() => {
    const reference = { chosen: tensor1d(expected.referenceChosen), rejected: tensor1d(expected.referenceRejected) };
    const counts = {
      chosen: Float32Array.from(expected.chosenLengths),
      rejected: Float32Array.from(expected.rejectedLengths),
    };
    const options = { loss: one.name, beta: one.beta, sftWeight: one.alpha };
    const { loss, terms } = preferenceLoss({ chosen, rejected }, reference, counts, options);
    figures.chosen = [...terms.rewards.chosen.dataSync()];
    figures.rejected = [...terms.rewards.rejected.dataSync()];
    return loss;
  }, [chosen, rejected]);
  assertClose(value.dataSync(), [one.loss], 'loss', 1e-5);
  assertClose(figures.chosen, one.chosenRewards, 'chosen rewards', 1e-5);
  assertClose(figures.rejected, one.rejectedRewards, 'rejected rewards', 1e-5);
  assertClose(gradients[0].dataSync(), one.chosenGradient, 'gradient of the chosen', 1e-5);
  assertClose(gradients[1].dataSync(), one.rejectedGradient, 'gradient of the rejected', 1e-5);
  for (const tensor of [value, ...gradients, chosen, rejected]) tensor.dispose();
  assert.equal(memory().numTensors, held);
}

/** Through the objective that `align` trains with, by any loss: batching, masks, log-probabilities, loss. */
async function checkThroughModel(name: PreferenceLossName): Promise<void> {
  const { pairs, beta, reference, losses, ...shared } = expected.model;
  const wanted = { ...shared, ...losses[name] };
  const model = await loadGolden('qwen3');
  const side = (tokens: number[], reference: number) => ({ tokens, reference, text: '', reward: 0 });
  const objective = preferenceObjective(
    pairs.map(({ prompt, chosen, rejected }, i) =>
      preferencePair({
        id: String(i),
        prompt,
        chosen: side(chosen, reference.chosen[i]),
        rejected: side(rejected, reference.rejected[i]),
      }),
    ),
    { loss: name, beta, sftWeight: 0, batchSize: pairs.length, padId: 0, seed: 1 },
  );
  const batch = await objective.next(); // both pairs, shuffled
  assert.equal(batch.weight, 2);
  const recorded = new Map<string, number[]>();
  const { loss, gradients } = gradientsOf(model, (m) =>
    objective.loss(m, batch, {
      record: (name, figure, each = Number) => recorded.set(name, Array.from(figure.dataSync(), each)),
    }),
  );
  const inOrder = (name: string): number[] => {
    const values = recorded.get(name) as number[];
    return pairs.map((_, i) => values[batch.ids.indexOf(String(i))]);
  };
  assertClose([loss], [wanted.loss], 'loss');
  assertClose(inOrder('logps/chosen'), wanted.chosen, 'log-probabilities of the chosen');
  assertClose(inOrder('logps/rejected'), wanted.rejected, 'log-probabilities of the rejected');
  assertClose(inOrder('rewards/chosen'), wanted.chosenRewards, 'rewards of the chosen');
  assertClose(inOrder('rewards/rejected'), wanted.rejectedRewards, 'rewards of the rejected');
  const won = wanted.chosenRewards.map((reward, i) => Number(reward > wanted.rejectedRewards[i]));
  assert.deepEqual(inOrder('rewards/accuracies'), won);
  assert.deepEqual([...gradients.keys()].sort(), Object.keys(wanted.gradientNorms).sort());
  for (const [name, norm] of Object.entries(wanted.gradientNorms)) {
    assertClose([Math.hypot(...(gradients.get(name) as Float32Array))], [norm], `norm of the gradient of ${name}`);
  }
  disposeModel(model);
}

const names = Object.keys(preferenceLosses) as PreferenceLossName[];

test('every preference loss has its golden', () => {
  assert.deepEqual([...new Set(expected.cases.map(({ name }) => name))].sort(), [...names].sort());
  assert.deepEqual(Object.keys(expected.model.losses).sort(), [...names].sort());
});

await onEachBackend('preference losses', async (t) => {
  for (const one of expected.cases) {
    await t.test(`${one.name}, given log-probabilities, beta ${one.beta}, likelihood term ${one.alpha}`, () =>
      checkNumbers(one),
    );
  }
  for (const name of names) await t.test(`${name}, through the model`, () => checkThroughModel(name));
});
