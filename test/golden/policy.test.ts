// Every loss of sampled answers, its gradient with respect to each token's log-probability and what is logged, against TRL's own
// functions (scripts/golden/make_policy.py): ratios beyond every bound, all rows at once and in two micro-batches; and the
// advantages of groups in which rewards are missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PolicyConfig, type PolicyMethod, policyLossNames } from '../../src/config/policy.js';
import { openBackend } from '../../src/tensor/backends.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import {
  memory,
  mul,
  sum,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
  variable,
} from '../../src/tensor/tf.js';
import { groupAdvantages, leaveOneOut, weightedSum } from '../../src/train/objectives/advantages.js';
import { answerFigures, rewardFigures } from '../../src/train/objectives/answer-figures.js';
import { type PolicyFigure, policyLoss, policyLosses, policyWeight } from '../../src/train/objectives/policy-losses.js';
import { tokenDivergences, tokenEntropies } from '../../src/train/objectives/vocabulary.js';
import { onEachBackend } from '../conformance/backends.js';
import { type PolicyKnobs, policyOf } from '../train/objectives/sampled.js';
import { assertClose, readJson } from './fixtures.js';

type Logged = Record<string, number | null>;

interface LossCase {
  knobs: PolicyKnobs;
  /** Rows of each micro-batch; absent: all of them in one. */
  parts?: number[][];
  onPolicy?: boolean;
  loss: number;
  /** By row, by token. */
  gradients: number[][];
  /** Summed over the tokens. */
  entropyGradient: number;
  logged?: Logged;
}

interface GroupCase {
  rewards: string;
  groupSize: number;
  /** NaN and 0 of TRL stand where ours are undefined. */
  advantages: number[];
  logged: Logged;
}

interface Expected extends Record<'now' | 'old' | 'reference' | 'entropies', number[][]> {
  advantages: number[];
  maxNewTokens: number;
  grpo: LossCase[];
  rloo: LossCase[];
  rewards: Record<string, (number | null)[][]>;
  groups: (GroupCase & { weights?: number[]; scale: 'group' | 'batch' | 'none'; mix?: 'normalize-then-sum' })[];
  leaveOneOut: { kl: number[]; tokens: number; cases: (GroupCase & { klWeight: number })[] };
  distillation: Record<'student' | 'teacher' | 'studentHead' | 'teacherHead', number[][]> & {
    cases: {
      beta: number;
      temperature: number;
      loss: number;
      entropy: number;
      hiddenGradient: number[][];
      headGradient: number[][];
    }[];
  };
  answers: { lengths: number[]; ended: boolean[]; logged: Logged }[];
}

const expected = await readJson<Expected>('policy.json');
const allRows = expected.advantages.map((_, row) => row);

/** Sum, gradients and figures of one micro-batch. */
function differentiate(rows: readonly number[], policy: PolicyConfig, { onPolicy = false } = {}) {
  const held = memory().numTensors;
  const of = (table: number[][]) => rows.flatMap((row) => table[row]);
  const counts = rows.map((row) => expected.now[row].length);
  const owners = counts.flatMap((count, i) => Array.from({ length: count }, () => i));
  const weight = policyWeight(policy, {
    tokens: owners.length,
    rows: rows.length,
    maxNewTokens: expected.maxNewTokens,
  });
  const leaves = [expected.now, expected.entropies].map((table) => tidy(() => variable(tensor1d(of(table)))));
  const [logProbabilities, entropies] = leaves as unknown as Tensor1D[];
  const figures: Record<string, number> = {};
  const used = policy.entropyWeight > 0 ? leaves : leaves.slice(0, 1);
  const { value, gradients } = valueAndGradients(() => {
    const result = policyLoss(
      {
        ...{ logProbabilities, entropies, owners, counts, weight },
        ...(!onPolicy && { old: tensor1d(of(expected.old)) }),
        reference: tensor1d(of(expected.reference)),
        advantages: rows.map((row) => expected.advantages[row]),
      },
      policy,
    );
    for (const [name, figure] of Object.entries(result.figures)) figures[name] = meanIn(figure, weight);
    return result.total;
  }, used);
  const read = gradients.map((gradient) => [...gradient.dataSync()]);
  const result = { total: value.dataSync()[0], weight, gradient: read[0], entropyGradient: read[1] ?? [], figures };
  for (const tensor of [value, ...gradients, ...leaves]) tensor.dispose();
  assert.equal(memory().numTensors, held);
  return result;
}

/** As a step makes it of what is recorded. */
function meanIn({ value, how: { each = Number, weights, extreme } = {} }: PolicyFigure, weight: number): number {
  const values = Array.from(
    tidy(() => value.dataSync()),
    each,
  );
  if (weights === undefined) return values.reduce((sum, x) => sum + x, 0) / weight;
  if (extreme !== undefined) return Math[extreme](...values.filter((_, i) => weights[i] !== 0));
  const total = values.reduce((sum, _, i) => sum + weights[i], 0);
  return values.reduce((sum, x, i) => sum + weights[i] * x, 0) / total;
}

function checkLoss({ knobs, parts = [allRows], onPolicy, ...wanted }: LossCase, method: PolicyMethod): void {
  const policy = policyOf(knobs, method);
  const found = parts.map((rows) => differentiate(rows, policy, { onPolicy }));
  const weight = found.reduce((sum, part) => sum + part.weight, 0);
  const scaled = (values: number[]) => values.map((value) => value / weight);
  const loss = found.reduce((sum, { total }) => sum + total, 0) / weight;
  // Its terms are near 1, and may cancel out.
  const allowed = Math.max(1e-6, 1e-5 * Math.abs(wanted.loss));
  assert.ok(Math.abs(loss - wanted.loss) <= allowed, `loss: ${loss}, not ${wanted.loss}`);
  assertClose(scaled(found.flatMap(({ gradient }) => gradient)), wanted.gradients.flat(), 'gradient', 1e-5);
  const slope = found.flatMap(({ entropyGradient }) => entropyGradient).reduce((sum, x) => sum + x, 0) / weight;
  assert.ok(Math.abs(slope - wanted.entropyGradient) < 1e-6, `entropy: ${slope}, not ${wanted.entropyGradient}`);
  if (wanted.logged === undefined) return;
  const names = Object.keys(found[0].figures);
  assert.deepEqual(names.sort(), Object.keys(wanted.logged).sort());
  for (const name of names) assertNear(found[0].figures[name], wanted.logged[name], name);
}

function assertNear(actual: number | undefined, wanted: number | null, what: string): void {
  // What TRL logs as NaN is not logged here.
  if (wanted === null) assert.equal(actual, undefined, what);
  else
    assert.ok(
      Math.abs((actual ?? Number.NaN) - wanted) <= 1e-5 * Math.max(1, Math.abs(wanted)),
      `${what}: ${actual}, not ${wanted}`,
    );
}

function each<Case>(cases: readonly Case[], check: (one: Case) => void): void {
  assert.ok(cases.length > 0);
  for (const one of cases) {
    try {
      check(one);
    } catch (error) {
      throw new Error(`${JSON.stringify(one).slice(0, 200)}: ${(error as Error).message}`, { cause: error });
    }
  }
}

const rewardsOf = (name: string): (number | undefined)[][] =>
  expected.rewards[name].map((row) => row.map((reward) => reward ?? undefined));

test('every loss has its golden, at every level that it knows', () => {
  // PPO's is in ppo.test.ts.
  const seen = new Set([...expected.grpo.map(({ knobs }) => knobs.policyLoss), 'rloo', 'ppo']);
  assert.deepEqual([...seen].sort(), [...policyLossNames].sort());
  assert.deepEqual(Object.keys(policyLosses).sort(), [...policyLossNames].sort());
  const levels = (name: string) =>
    new Set(expected.grpo.filter(({ knobs }) => knobs.policyLoss === name).map(({ knobs }) => knobs.ratioLevel));
  for (const name of ['dapo', 'grpo', 'bnpo', 'dr_grpo', 'cispo', 'sapo']) {
    assert.ok(levels(name).has('token') && levels(name).has('sequence'), name);
  }
});

await onEachBackend('losses of sampled answers', async (t) => {
  // All of them on one backend, some of each loss on the others.
  const cases = expected.grpo.filter((_, i) => t.name.endsWith('cpu') || i % 3 === 0);
  await t.test('grpo', () => each(cases, (one) => checkLoss(one, 'grpo')));
  await t.test('rloo', () =>
    each(expected.rloo, ({ knobs, ...one }) => checkLoss({ knobs: { klWeight: 0, ...knobs }, ...one }, 'rloo')),
  );
});

test('what is not finite in TRL is finite here', async () => {
  await openBackend('cpu');
  const tables = { now: expected.now, old: expected.old, reference: expected.reference };
  const far = expected.now.map((row, i) => row.map((_, token) => ((i + token) % 2 === 0 ? -500 : 0)));
  try {
    Object.assign(expected, {
      now: far,
      old: far.map((row) => row.map((value) => -500 - value)),
      reference: tables.now,
    });
    for (const name of policyLossNames) {
      const method = name === 'rloo' || name === 'ppo' ? name : 'grpo';
      const policy = policyOf({ policyLoss: name, klWeight: 0.04, ...(method !== 'ppo' && { klIn: 'loss' }) }, method);
      const { total, gradient } = differentiate(allRows, policy);
      assert.ok([total, ...gradient].every(Number.isFinite), `${name}: ${total}, ${gradient}`);
    }
  } finally {
    Object.assign(expected, tables);
  }
});

test('advantages within groups', () => {
  each(expected.groups, ({ rewards: name, weights, advantages, logged, ...options }) => {
    const rewards = rewardsOf(name);
    const own = groupAdvantages(rewards, { ...options, weights: weights ?? undefined });
    assertClose(
      own.advantages.map((value) => value ?? 0),
      advantages,
      'advantages',
      1e-5,
    );
    const names = rewards.map((_, scorer) => `scorer${scorer}`);
    const figures = rewardFigures(rewards, { names, weights: weights ?? undefined, flatShare: own.flatShare });
    for (const [key, value] of Object.entries(logged).filter(([key]) => /reward/.test(key))) {
      assertNear(figures[key], value, key);
    }
    assert.equal(Object.keys(logged).filter((key) => /reward/.test(key)).length, 3 + 2 * names.length);
  });
});

test('an answer without any reward has no advantage, and one without company that of 0', () => {
  const unscored = groupAdvantages(rewardsOf('missing'), { groupSize: 4, scale: 'group' });
  assert.deepEqual(
    unscored.advantages.map((value) => value === undefined),
    [false, true, false, false, true, false, false, false],
  );
  const lone = groupAdvantages(rewardsOf('lone'), { groupSize: 4, scale: 'group' });
  assert.deepEqual(lone.advantages.slice(4), [undefined, undefined, undefined, 0]);
  assert.deepEqual(leaveOneOut([1, undefined, Number.NaN, undefined], 4).advantages, [
    0,
    undefined,
    undefined,
    undefined,
  ]);
  assert.throws(() => leaveOneOut([1, 2, 3], 2), /3 answers are no groups of 2/);
});

test('advantages by the others of a group', () => {
  const { kl, tokens, cases } = expected.leaveOneOut;
  each(cases, ({ rewards: name, klWeight, groupSize, advantages, logged }) => {
    const rewards = weightedSum(rewardsOf(name)).map((reward, i) =>
      reward === undefined ? undefined : reward - klWeight * kl[i],
    );
    const own = leaveOneOut(rewards, groupSize);
    assertClose(
      own.advantages.map((value) => value ?? 0),
      advantages,
      'advantages',
      1e-5,
    );
    assertNear(own.flatShare, logged.frac_reward_zero_std, 'frac_reward_zero_std');
    if (klWeight > 0) assertNear(kl.reduce((sum, x) => sum + x, 0) / tokens, logged.kl, 'kl');
  });
});

test('how long answers were', () => {
  each(expected.answers, ({ lengths, ended, logged }) => {
    const figures = answerFigures(lengths, ended);
    assert.deepEqual(Object.keys(figures).sort(), Object.keys(logged).sort());
    for (const [name, value] of Object.entries(logged)) assertNear(figures[name], value, name);
  });
});

await onEachBackend('divergence from a teacher', async (t) => {
  const { student, teacher, studentHead, teacherHead, cases } = expected.distillation;
  for (const { beta, temperature, ...wanted } of cases) {
    await t.test(`β ${beta}, temperature ${temperature}`, () => {
      const held = memory().numTensors;
      const all = [student, studentHead, teacher, teacherHead].map((rows) => tidy(() => variable(tensor2d(rows))));
      const [own, head, theirs, theirHead] = all as unknown as Tensor2D[];
      const cooled = (hidden: Tensor2D) => mul(hidden, 1 / temperature) as Tensor2D;
      let entropy = 0;
      const { value, gradients } = valueAndGradients(() => {
        const predictions = { hidden: cooled(own), weight: head };
        const entropies = tokenEntropies(predictions).dataSync() as Float32Array;
        entropy = entropies.reduce((total, each) => total + each, 0) / student.length;
        const losses = tokenDivergences(predictions, { hidden: cooled(theirs), weight: theirHead }, beta);
        return mul(sum(losses), 1 / student.length);
      }, [own, head]);
      assertClose(value.dataSync(), [wanted.loss], 'loss', 1e-5);
      assertClose([entropy], [wanted.entropy], 'entropy', 1e-5);
      assertClose(gradients[0].dataSync(), wanted.hiddenGradient.flat(), 'gradient of the states', 1e-5);
      assertClose(gradients[1].dataSync(), wanted.headGradient.flat(), 'gradient of the projection', 1e-5);
      for (const tensor of [value, ...gradients, ...all]) tensor.dispose();
      assert.equal(memory().numTensors, held);
    });
  }
});
