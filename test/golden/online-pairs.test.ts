// Online DPO against TRL's own training step (scripts/golden/make_online_pairs.py): which of the answers are a pair, the loss, its gradient
// with respect to each token's log-probability, and what is logged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolvedPolicy } from '../../src/config/policy.js';
import { openBackend } from '../../src/tensor/backends.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { mul, type Scalar, sum, type Tensor1D, tensor1d, tidy, variable } from '../../src/tensor/tf.js';
import { pairFigures, pairMeans, pairsOf } from '../../src/train/objectives/online-pairs.js';
import { preferenceLoss } from '../../src/train/objectives/preference.js';
import { type AnswerGroup, type BatchOptions, samplingFigures } from '../../src/train/objectives/sampled-batches.js';
import { sumByGroup } from '../../src/train/objectives/sequence-log-probabilities.js';
import { padId, preferenceOf } from '../train/tiny.js';
import { assertClose, readJson } from './fixtures.js';

interface Expected {
  /** By prompt, by answer. */
  ended: boolean[][];
  rewards: number[][];
  cases: {
    knobs: { loss: 'sigmoid' | 'ipo'; beta: number };
    /** By prompt, by answer, by token. */
    now: number[][][];
    reference: number[][][];
    loss: number;
    gradients: number[][][];
    logged: Record<string, number>;
  }[];
}

const expected = await readJson<Expected>('online-pairs.json');
const { ended, rewards } = expected;
const groupsOf = (now: number[][][]) =>
  now.map(
    (own, prompt): AnswerGroup => ({
      answers: own.map((tokens, i) => ({
        id: `${prompt}#${i}`,
        tokens: [5, ...tokens.map(() => 6)],
        loss: [0, ...tokens.map(() => 1)],
        ended: ended[prompt][i],
      })),
      rewards: [rewards[prompt]],
    }),
  );
const options: BatchOptions = {
  ...{ method: 'online-dpo', policy: resolvedPolicy({}, 'grpo'), samplesPerPrompt: 2, maxNewTokens: 4 },
  ...{ batchSize: 2, padId, scorers: [{ name: 'given', weight: 1 }] },
  online: { promptsPerStep: 3, stepsPerSampling: 1, iterations: 1, resample: 0 },
};

const meanOf = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
const sumsOf = (table: number[][][]): number[] => table.flat().map((tokens) => tokens.reduce((a, b) => a + b, 0));

test('a pair of each prompt is learnt and logged as TRL does', async () => {
  await openBackend('cpu');
  assert.equal(expected.cases.length, 4);
  for (const { knobs, now, reference, ...wanted } of expected.cases) {
    const groups = groupsOf(now);
    const micro = pairsOf(groups, options, 1)[0];
    assert.deepEqual(micro.map((part) => part.length).sort(), [1, 2]);
    const pairs = micro.flat();
    const rows = (['chosen', 'rejected'] as const).map((side) => pairs.map((pair) => pair[side].row));
    const theirs = sumsOf(reference);
    const owners = now.flat().flatMap((tokens, row) => tokens.map(() => row));
    const preference = preferenceOf({ method: 'online-dpo', ...knobs });
    const leaf = tidy(() => variable(tensor1d(now.flat(2)))) as unknown as Tensor1D;
    const recorded: Record<string, number> = {};
    const { value, gradients } = valueAndGradients(() => {
      const of = (side: number) =>
        sumByGroup(
          leaf,
          owners.map((row) => rows[side].indexOf(row)),
          pairs.length,
        );
      const others = (side: number) => tensor1d(rows[side].map((row) => theirs[row]));
      const counts = (side: number) => Float32Array.from(rows[side], (row) => now.flat()[row].length);
      const { losses, rewards: own } = preferenceLoss(
        {
          policy: { chosen: of(0), rejected: of(1) },
          reference: { chosen: others(0), rejected: others(1) },
          counts: { chosen: counts(0), rejected: counts(1) },
        },
        preference,
      );
      recorded['rewards/chosen'] = meanOf(own.chosen.dataSync());
      recorded['rewards/rejected'] = meanOf(own.rejected.dataSync());
      return mul(sum(losses), 1 / pairs.length) as Scalar;
    }, [leaf]);
    assertClose(value.dataSync(), [wanted.loss], 'loss', 1e-5);
    assertClose(gradients[0].dataSync(), wanted.gradients.flat(2), 'gradient', 1e-5);
    const means = pairMeans(pairs, groups, options) ?? assert.fail();
    const sampled = samplingFigures(groups, options.scorers, { alike: 0, drawn: groups.length });
    const own: Record<string, number> = {
      ...recorded,
      ...pairFigures(recorded, means, preference),
      'rewards/margins': recorded['rewards/chosen'] - recorded['rewards/rejected'],
      'objective/scores': sampled.reward,
      'val/contain_eos_token': 1 - sampled['completions/clipped_ratio'],
      'logps/chosen': meanOf(rows[0].map((row) => sumsOf(now)[row])),
      'logps/rejected': meanOf(rows[1].map((row) => sumsOf(now)[row])),
    };
    const { beta: _, 'objective/entropy': entropy, 'rewards/accuracies': __, ...logged } = wanted.logged;
    for (const [name, figure] of Object.entries(logged)) assertClose([own[name]], [figure], name, 1e-5);
    assert.equal(Object.keys(logged).length, 11);
    assertClose([-(own['logps/chosen'] + own['logps/rejected']) / 2], [entropy], 'what TRL calls an entropy', 1e-5);
    for (const each of [leaf, value, ...gradients]) each.dispose();
  }
});
