// A toy with a known answer: of four prompts' answers the even tokens are rewarded. GRPO, RLOO, PPO and online DPO learn that; an objective that is
// restored gives the batches that it would have given; groups that teach nothing, and rewards that are not there, are counted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openCheckpoint } from '../../../src/checkpoint/directory.js';
import { type PolicyMethod, resolvedPolicy, type WrittenPolicy } from '../../../src/config/policy.js';
import { resolvedPpo, type WrittenPpo } from '../../../src/config/ppo.js';
import { samplingAt } from '../../../src/config/sampling.js';
import { Engine } from '../../../src/inference/engine.js';
import { withCritic } from '../../../src/model/critic.js';
import { type Model, weight } from '../../../src/model/model.js';
import { asRewardModel, rewardConfig } from '../../../src/model/reward.js';
import type { AnswerSource, DrawRequest } from '../../../src/train/objectives/answer-source.js';
import { OnlineObjective } from '../../../src/train/objectives/online.js';
import { type AnswerGroup, advantagesOf, type OnlineBatch } from '../../../src/train/objectives/sampled-batches.js';
import { padId, preferenceOf, tinyConfig, tinyModel, trainConfig } from '../tiny.js';
import { trainingWorld } from '../world.js';

const prompts = [
  [2, 3, 4],
  [9, 8],
  [20, 21, 22],
  [5, 30],
];
const samples = 6;

interface Toy {
  rewardOf?(tokens: readonly number[], prompt: number): number | undefined;
  requests?: DrawRequest[];
  identity?: string;
}

const evenShare = (tokens: readonly number[]): number => tokens.filter((id) => id % 2 === 0).length / tokens.length;

/** Asks an engine; what it gave stays known, by the weights that gave it. */
function sampledFrom({ rewardOf = evenShare, requests = [], identity = 'toy' }: Toy = {}): AnswerSource {
  const known = new Map<string, unknown>();
  async function once<T>(key: string, isPast: boolean, make: () => Promise<T>): Promise<T> {
    assert.ok(known.has(key) || !isPast, `${key} is not known`);
    if (!known.has(key)) known.set(key, await make());
    return known.get(key) as T;
  }
  const draw = async (request: DrawRequest): Promise<AnswerGroup[]> => {
    const engine = new Engine(request.model);
    const groups = await Promise.all(
      request.prompts.map(async (prompt, place): Promise<AnswerGroup> => {
        const tokens = prompts[prompt];
        const own = { tokens, samples, maxNewTokens: 4, sampling: samplingAt(1), stopIds: [] };
        const seed = 1000 * request.sampling + 100 * request.attempt + place;
        const generations = await engine.submit({ ...own, seed });
        const answers = generations.map((generation, i) => ({
          id: `${prompt}#${i}`,
          tokens: [...tokens, ...generation.tokens],
          loss: [...tokens.map(() => 0), ...generation.tokens.map(() => 1)],
          ended: i % 3 !== 0,
        }));
        return { answers, rewards: [generations.map((generation) => rewardOf(generation.tokens, prompt))] };
      }),
    );
    await engine.dispose();
    return groups;
  };
  return {
    ...{ identity, length: prompts.length },
    draw(request) {
      requests.push(request);
      const { weights, sampling, attempt, isPast } = request;
      return once(`${weights} ${sampling} ${attempt}`, isPast, () => draw(request));
    },
    logProbabilities: ({ weights, sampling, isPast }, measure) => once(`log π ${weights} ${sampling}`, isPast, measure),
    values: ({ weights, sampling, isPast }, measure) => once(`values ${weights} ${sampling}`, isPast, measure),
  };
}

interface Own {
  method?: PolicyMethod | 'online-dpo';
  policy?: WrittenPolicy;
  ppo?: WrittenPpo;
  stepsPerSampling?: number;
  iterations?: number;
  resample?: number;
  batchSize?: number;
  warn?(text: string): void;
}

function objectiveOf(
  source: AnswerSource,
  { method = 'grpo', policy = {}, ppo = {}, batchSize = 6, warn, ...online }: Own = {},
): OnlineObjective {
  const isPaired = method === 'online-dpo';
  const resolved = resolvedPolicy(policy, isPaired ? 'grpo' : method);
  return new OnlineObjective(source, {
    ...{ method, samplesPerPrompt: samples, maxNewTokens: 4, batchSize, padId, temperature: 1, seed: 3, warn },
    policy: resolved,
    ...(isPaired && { preference: preferenceOf({ method }), reference: tinyModel() }),
    online: { promptsPerStep: 2, stepsPerSampling: 1, iterations: 1, resample: 0, ...online },
    scorers: [{ name: 'even', weight: 1 }],
    ...(resolved.klIn !== 'none' && { reference: tinyModel() }),
    ...(method === 'ppo' && {
      critic: { knobs: resolvedPpo(ppo), config: rewardConfig(tinyConfig()), klWeight: resolved.klWeight },
    }),
  });
}

/** A tiny model, with a critic where the method has one. */
const modelOf = ({ method }: Own = {}): Model =>
  method === 'ppo' ? withCritic(tinyModel(), asRewardModel(tinyModel(), 5)) : tinyModel();

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('an objective of sampled answers', () => {
  const world = trainingWorld();
  const config = trainConfig({ learningRate: 0.04, checkpointEvery: 5, accumulation: 2 });

  for (const own of [
    { method: 'grpo' },
    { method: 'grpo', stepsPerSampling: 2, iterations: 2, policy: { klWeight: 0.01 } },
    { method: 'rloo', policy: { klWeight: 0.01 } },
    {
      method: 'ppo',
      iterations: 2,
      batchSize: 12,
      policy: { klWeight: 0.01 },
      ppo: { criticWarmup: 2, valueWeight: 1 },
    },
    { method: 'online-dpo', stepsPerSampling: 2, iterations: 2, batchSize: 1 },
  ] satisfies Own[]) {
    const name = JSON.stringify(own);
    const isReused = 'stepsPerSampling' in own;
    test(`${name} learns what is rewarded${isReused ? ', and resumes to the same bits' : ''}`, async () => {
      const run = (source = sampledFrom()) => {
        const accumulation = own.method === 'ppo' ? 1 : 2;
        const objective = objectiveOf(source, own);
        return { model: modelOf(own), objective, steps: 16, config: { ...config, accumulation } };
      };
      const whole = await world.attempt(name, run());
      const rewards = whole.steps.map(({ metrics }) => metrics?.reward ?? Number.NaN);
      const [first, last] = [mean(rewards.slice(0, 3)), mean(rewards.slice(-3))];
      assert.ok(first > 0.3 && first < 0.65 && last > first + 0.2, `${first} → ${last}`);
      if ('policy' in own) {
        const kl = whole.steps.map(({ metrics }) => metrics?.kl ?? Number.NaN);
        assert.ok(Math.abs(kl[0]) < 1e-6 && kl[15] > 0.01, `the distance to the reference, however it is paid: ${kl}`);
      }
      if (!isReused) return;
      const source = sampledFrom();
      const { directory } = await world.attempt(`${name} parts`, run(source), 10); // amid one sampling
      const resumed = await world.run(`${name} parts`, { ...run(source), directory });
      assert.deepEqual(resumed, { ...(whole.outcome as object), path: resumed.path });
    });
  }

  test('while it warms up a critic learns what it is told, and the policy stays as it is, to the bit; it resumes', async () => {
    const own: Own = {
      method: 'ppo',
      iterations: 8,
      batchSize: 12,
      ppo: { criticWarmup: 100, valueClip: 100, valueWeight: 1 },
    };
    const run = (source = sampledFrom()) => {
      const objective = objectiveOf(source, own);
      return { model: modelOf(own), objective, steps: 8, config: { ...config, accumulation: 1 } };
    };
    const { outcome, steps } = await world.attempt('warm-up', run());
    const losses = steps.map(({ metrics }) => metrics?.['loss/value_avg'] ?? Number.NaN);
    assert.ok(losses[7] < losses[0] / 2, `${losses}`);
    const { weights } = await openCheckpoint((outcome as { path: string }).path);
    const untouched = tinyModel();
    assert.deepEqual([...weights.keys()].sort(), [...untouched.weights.keys()].sort());
    for (const [name, { data }] of weights) assert.deepEqual(data, weight(untouched, name).dataSync(), name);

    const source = sampledFrom();
    const { directory } = await world.attempt('warm-up parts', run(source), 6);
    const resumed = await world.attempt('warm-up parts', { ...run(source), directory });
    assert.deepEqual(
      resumed.steps.map(({ metrics }) => metrics?.['loss/value_avg']),
      losses.slice(6),
    );
  });

  test('groups that are rewarded alike give way to the next prompts, as often as is said, and are counted', async () => {
    const requests: DrawRequest[] = [];
    const rewardOf = (tokens: readonly number[], prompt: number) => (prompt < 2 ? 1 : evenShare(tokens));
    const figuresOf = async (resample: number) => {
      const objective = objectiveOf(sampledFrom({ rewardOf, requests }), { resample });
      const model = tinyModel();
      const batches: OnlineBatch[] = [];
      for (let step = 1; step <= 2; step++) {
        for (let i = 0; i < 2; i++) batches.push(await objective.next({ model, step }));
      }
      return { batches, figures: objective.summarize() };
    };
    const plain = await figuresOf(0);
    assert.deepEqual(plain.batches.map(({ advantages }) => advantages.some((each) => each !== 0)).sort(), [
      false,
      false,
      true,
      true,
    ]);
    requests.length = 0;
    const again = await figuresOf(3);
    assert.ok(requests.some(({ attempt }) => attempt > 0));
    assert.ok(again.batches.every(({ advantages }) => advantages.some((each) => each !== 0)));
    assert.ok(again.figures.frac_reward_zero_std > 0);
    assert.ok(Math.abs(again.figures['completions/clipped_ratio'] - 1 / 3) < 1e-9);
  });

  test('an answer without a reward is not learnt from, and changes nothing for its group; of none the step is refused', async () => {
    let asked = 0;
    const rewardOf = (tokens: readonly number[]) => (asked++ % 4 === 0 ? Number.NaN : evenShare(tokens));
    const objective = objectiveOf(sampledFrom({ rewardOf }));
    const model = tinyModel();
    const batches = [await objective.next({ model, step: 1 }), await objective.next({ model, step: 1 })];
    assert.equal(batches.flatMap(({ ids }) => ids).length, 9);
    const advantages = batches.flatMap((batch) => batch.advantages);
    assert.equal(advantages.length, 9);
    assert.ok(Math.abs(mean(advantages)) < 1e-9 && advantages.some((each) => each !== 0), `${advantages}`);
    assert.equal(objective.summarize()['rewards/missing'], 0.25);
    const none = objectiveOf(sampledFrom({ rewardOf: () => undefined }));
    await assert.rejects(none.next({ model, step: 1 }), /none of the 12 answers has a reward/);
  });

  const windowed = { stepsPerSampling: 2, iterations: 2 };
  const toys = (own: Toy = {}, batchSize = 6, online: Own = windowed) => {
    const warnings: string[] = [];
    return {
      objective: objectiveOf(sampledFrom(own), { ...online, batchSize, warn: (text) => warnings.push(text) }),
      warnings,
    };
  };

  test('amid a sampling micro-batches may become others: what the policy gave an answer stays its own', async () => {
    const source = sampledFrom();
    const model = tinyModel();
    const before = objectiveOf(source, windowed);
    for (let i = 0; i < 2; i++) await before.next({ model, step: 1 });
    const olds = async (batchSize: number): Promise<Map<string, string>> => {
      const objective = objectiveOf(source, { ...windowed, batchSize });
      objective.restore(before.state());
      const known = new Map<string, string>();
      for (let i = 0; i < 12 / batchSize; i++) {
        const { ids, owners, weights, old = assert.fail() } = await objective.next({ model, step: 2 });
        const counted = Array.from(owners).filter((_, cell) => weights[cell] !== 0);
        for (const [i, id] of ids.entries()) known.set(id, `${old.filter((_, token) => counted[token] === i)}`);
      }
      return known;
    };
    const [same, smaller] = [await olds(6), await olds(4)];
    assert.ok(same.size >= 6 && [...same.values()].every((each) => each.split(',').length === 4));
    assert.deepEqual(smaller, same);
  });

  test('of answers without a token nothing is learnt, and nothing breaks', async () => {
    const source = sampledFrom();
    const silent: AnswerSource = {
      ...source,
      draw: async (request) =>
        (await source.draw(request)).map(({ answers, rewards }) => ({
          answers: answers.map((answer) => ({ ...answer, loss: Array.from(answer.loss, () => 0) })),
          rewards,
        })),
    };
    for (const method of ['grpo', 'ppo'] as const) {
      const own: Own = { ...windowed, method, policy: { klWeight: 0.1 }, ppo: { criticWarmup: 1 } };
      const run = { model: modelOf(own), objective: objectiveOf(silent, own), steps: 2, config };
      const { outcome, steps } = await world.attempt(`silent ${method}`, run);
      assert.ok('digest' in (outcome as object), `${outcome}`);
      assert.deepEqual(
        steps.map(({ loss }) => loss),
        [0, 0],
      );
    }
  });

  test('a sampling that no step is left of, or of other settings, is over; one that was stopped has not begun', async () => {
    const model = tinyModel();
    const { objective } = toys();
    for (let i = 0; i < 4; i++) await objective.next({ model, step: 1 });
    const saved = objective.state();
    const shorter = toys({}, 6, { stepsPerSampling: 2 });
    shorter.objective.restore(saved);
    assert.deepEqual(shorter.warnings, []);
    const older = toys();
    older.objective.restore({ ...saved, read: undefined });
    assert.match(older.warnings.join(), /^what was read before sampling 1 is not known/);
    assert.deepEqual(shorter.objective.state(), { ...saved, sampling: 1, used: 0, weights: null });
    const requests: DrawRequest[] = [];
    const other = toys({ identity: 'other', requests });
    other.objective.restore(saved);
    await other.objective.next({ model, step: 3 });
    assert.deepEqual(
      requests.map(({ sampling, isPast }) => [sampling, isPast]),
      [[1, false]],
    );
    assert.match(other.warnings.join(), /sampling 1 had other settings when 2 steps learnt from it/);

    const stopped = toys({ rewardOf: () => assert.fail('stopped') });
    const begun = stopped.objective.state();
    await assert.rejects(stopped.objective.next({ model, step: 1 }), /stopped/);
    assert.deepEqual(stopped.objective.state(), begun);
  });

  test('the distance to the reference counts as klWeight says, however alike the rewards are', () => {
    const answer = { id: 'a', tokens: [1, 2], loss: [0, 1], ended: true };
    const groups = [
      [1, 1, 1],
      [0, 1, undefined],
    ].map((own) => ({ answers: own.map(() => answer), rewards: [own] }));
    const advantages = (klWeight: number) =>
      advantagesOf(
        groups,
        {
          ...{ method: 'grpo', policy: resolvedPolicy({ klWeight, klIn: 'reward' }, 'grpo'), samplesPerPrompt: 3 },
          ...{ maxNewTokens: 4, batchSize: 6, padId, scorers: [{ name: 'even', weight: 1 }] },
          online: { promptsPerStep: 2, stepsPerSampling: 1, iterations: 1, resample: 0 },
        },
        [3, 6, 9, 2, 4, 100],
      );
    const [none, some] = [advantages(0), advantages(0.01)];
    const near = (values: readonly (number | undefined)[]) => values.map((value) => value && Number(value.toFixed(6)));
    assert.deepEqual(near(some.map((value, i) => value && value - (none[i] ?? 0))), [
      0.03,
      0,
      -0.03,
      0.01,
      -0.01,
      undefined,
    ]);
  });
});
