// One round: sample k answers to each prompt from the policy, score them, make pairs, train on them with DPO, and
// decide on held-out tasks whether the result is promoted. What a round has finished is on disk, so a round that was
// interrupted resumes where it stopped.
import { basename, join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { digestOf, exists, sha256File, writeFileAtomic } from '../../base/files.js';
import { toJsonl } from '../../base/jsonl.js';
import { pairsName, roundName, sampledName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import { jsonNumber } from '../../base/schema.js';
import { readSealed, writeSealed } from '../../base/sealed.js';
import type { Unit } from '../../base/statistics.js';
import { type Checkpoint, openCheckpoint } from '../../checkpoint/directory.js';
import { setAside } from '../../checkpoint/history.js';
import type { AlignConfig } from '../../config/pipeline.js';
import { samplingAt } from '../../config/sampling.js';
import type { Conversation } from '../../data/types.js';
import { measureRewards } from '../../evaluation/measurements.js';
import { type Scorer, scoreAnswers } from '../../evaluation/scorer.js';
import { type Answer, answerTasks } from '../../evaluation/tasks.js';
import { LocalModel } from '../../inference/local-model.js';
import { differingSettings } from '../../train/foreign.js';
import { preferenceObjective } from '../../train/objectives/preference.js';
import { checkTrainingMemory } from '../room.js';
import type { Job } from '../stage.js';
import { type ComputeFields, descent, generationOf, runTraining, stepCount } from '../training.js';
import { makePairs, type Pair, preferencePair, readPairs, scoreReferences } from './pairs.js';
import { decide, decisionSchema } from './promotion.js';

interface RoundInput {
  job: Job<AlignConfig>;
  compute: ComputeFields;
  round: number;
  /** The policy that the round starts from. */
  policy: Checkpoint;
  scorer: Scorer;
  prompts: readonly Conversation[];
  /** Tasks that decide on promotion. */
  heldOut: readonly Conversation[];
  /** The policy's held-out rewards, where the round before has measured them. */
  before?: readonly Unit[];
}

/** All that the sampled pairs and the result of a round follow from: what has another source is not believed. */
const sourceSchema = z.strictObject({
  round: z.int(),
  policy: z.string().describe('digest of the checkpoint that the round starts from'),
  seed: z.number(),
  tasks: z.string().describe('digest of the prompts and of the held-out tasks'),
  settings: z.json(),
});
type RoundSource = z.output<typeof sourceSchema>;

/** What a finished round leaves in `round.json`. */
const resultSchema = z.object({
  source: sourceSchema,
  round: z.int(),
  pairs: z.int(),
  /** Mean reward of the sampled answers. */
  sampledReward: jsonNumber,
  /** Absent where there was nothing to learn. */
  decision: decisionSchema.optional(),
  /** Held-out rewards, task by task, of the policy that the next round starts from. */
  rewards: z.array(z.object({ id: z.string(), value: jsonNumber, weight: jsonNumber })).readonly(),
  /** Step folder of the trained candidate, relative to the stage's folder; absent where there was nothing to learn. */
  candidate: z.object({ path: z.string(), digest: z.string() }).optional(),
});
export type RoundResult = z.output<typeof resultSchema>;

/** Beside the sampled pairs: their sha256. */
const sampledSchema = z.object({ source: sourceSchema, sampledReward: jsonNumber, pairs: z.string() });

export async function runRound(input: RoundInput): Promise<RoundResult> {
  const { job, round, policy } = input;
  const directory = join(job.directory, `round-${String(round).padStart(2, '0')}`);
  const resultPath = join(directory, roundName);
  const source = sourceOf(input);
  const finished = await finishedRound(resultPath, source, job);
  if (finished !== undefined) return finished;
  const { pairs, sampledReward } = await samplePairs(input, source, directory);
  const before = input.before ?? (await heldOutRewards(input, policy));
  let result: RoundResult = { source, round, pairs: pairs.length, sampledReward, rewards: before };
  if (pairs.length > 0) {
    const { path, digest } = await trainRound(input, directory, pairs);
    const checkpoint = await openCheckpoint(path); // what later stages will see
    const after = await heldOutRewards(input, checkpoint);
    const decision = decide(before, after, job.config.tolerance);
    const rewards = decision.promoted ? after : before;
    result = { ...result, decision, rewards, candidate: { path: relative(job.directory, path), digest } };
  }
  await writeSealed(resultPath, result);
  return result;
}

function sourceOf({ job, round, policy, prompts, heldOut }: RoundInput): RoundSource {
  // Not their ids, which may be places: a run folder may move.
  const asked = (tasks: readonly Conversation[]) => tasks.map(({ messages, check }) => ({ messages, check }));
  const settings = JSON.parse(JSON.stringify({ ...job.config, prompts: null })) as RoundSource['settings'];
  return {
    round,
    policy: policy.digest,
    seed: job.seed,
    tasks: digestOf({ prompts: asked(prompts), heldOut: asked(heldOut) }),
    settings,
  };
}

/** What an earlier try left, if its candidate is whole: a damaged one is trained again from the same pairs. */
async function finishedRound(
  path: string,
  source: RoundSource,
  job: Job<AlignConfig>,
): Promise<RoundResult | undefined> {
  const result = await readOwn(path, resultSchema, source, job);
  if (result?.candidate === undefined) return result;
  const candidate = join(job.directory, result.candidate.path);
  try {
    const { digest } = await openCheckpoint(candidate);
    if (digest === result.candidate.digest) return result;
    warnRebuilt(job, candidate);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warnRebuilt(job, error.message);
  }
  return undefined;
}

/**
 * The value of a sealed file of ours; undefined where there is none, where it is damaged, and where it was made from
 * something else, as one is that was copied here from another round or run: it is set aside, and reported.
 */
async function readOwn<T extends { source: RoundSource }>(
  path: string,
  schema: z.ZodType<T>,
  source: RoundSource,
  job: Job<AlignConfig>,
): Promise<T | undefined> {
  const read = await readSealed(path);
  if (read === 'absent') return undefined;
  const value = read === 'damaged' ? undefined : schema.safeParse(read.value).data;
  if (value === undefined) {
    warnRebuilt(job, path);
    return undefined;
  }
  const reason = otherSource(value.source, source, job);
  if (reason === undefined) return value;
  const aside = await setAside(path, 'foreign');
  job.reporter.note('warning', `${path} is not of this round: ${reason}. It is kept as ${basename(aside)}`);
  return undefined;
}

/** Why what was made from `found` is not of this round; undefined where it is. What --override names may differ. */
function otherSource(found: RoundSource, own: RoundSource, { overrides }: Job<AlignConfig>): string | undefined {
  if (found.round !== own.round) return `it is of round ${found.round}`;
  if (found.policy !== own.policy) return `it is of model ${found.policy.slice(0, 12)}`;
  if (found.seed !== own.seed) return `it has seed ${found.seed}`;
  if (found.tasks !== own.tasks) return 'it is of other tasks';
  const others = differingSettings('align', found.settings, own.settings, overrides);
  return others.length === 0 ? undefined : `it has other settings: ${others.join(', ')}`;
}

function warnRebuilt(job: Job<AlignConfig>, what: string): void {
  job.reporter.note('warning', `rebuilt because it changed on disk: ${what}`);
}

/** Samples and scores, or reads what an interrupted try had already sampled. */
async function samplePairs(input: RoundInput, source: RoundSource, directory: string) {
  const { job, round, prompts, policy, scorer } = input;
  const { config } = job;
  const path = join(directory, pairsName);
  const summaryPath = join(directory, sampledName);
  // Written last, with the digest of the pairs: where it is, they are whole or damaged.
  const summary = await readOwn(summaryPath, sampledSchema, source, job);
  if (summary !== undefined) {
    const digest = (await exists(path)) ? await sha256File(path) : undefined;
    if (digest === summary.pairs) return { pairs: await readPairs(path), sampledReward: summary.sampledReward };
    warnRebuilt(job, path);
  }
  return withModel(policy, async (loaded) => {
    const chosen = Random.stream(job.seed, `align-prompts-${round}`)
      .shuffle([...prompts])
      .slice(0, config.promptsPerRound);
    const sampled = await sampleAnswers(input, loaded, chosen, {
      label: 'sampling',
      samples: config.samplesPerPrompt,
      seed: Random.stream(job.seed, `align-samples-${round}`).uint32(),
    });
    const answers = await scoreAnswers(scorer, sampled, job.signal);
    const options = { ...config, endToken: loaded.tokenizer.specialId('turnEnd') };
    const pairs: Pair[] = [];
    for (let i = 0; i < answers.length; i += config.samplesPerPrompt) {
      pairs.push(...makePairs(answers.slice(i, i + config.samplesPerPrompt), options));
    }
    await scoreReferences(loaded.model, pairs, config.train.batchSize);
    const sampledReward = answers.reduce((sum, { reward }) => sum + reward, 0) / answers.length;
    await writeFileAtomic(path, toJsonl(pairs));
    await writeSealed(summaryPath, { source, sampledReward, pairs: await sha256File(path) });
    return { pairs, sampledReward };
  });
}

async function trainRound({ job, compute, round, policy }: RoundInput, directory: string, pairs: readonly Pair[]) {
  const { config, seed } = job;
  const { model, tokenizer } = await LocalModel.of(policy);
  const { beta, sftWeight, train } = config;
  const options = { beta, sftWeight, batchSize: train.batchSize, padId: model.config.pad_token_id };
  // A batch holds no pair twice, and so at most all of them.
  const batchPairs = Math.min(train.batchSize, pairs.length);
  const lengths = pairs.flatMap(({ prompt, chosen, rejected }) =>
    [chosen, rejected].map(({ tokens }) => prompt.length + tokens.length),
  );
  checkTrainingMemory({
    ...{ stage: 'align', config: model.config, train, isLoaded: true, reporter: job.reporter },
    ...{ rows: 2 * batchPairs, columns: lengths.reduce((longest, length) => Math.max(longest, length), 0) },
  });
  const steps = await stepCount(job, train, () => pairs.length / batchPairs);
  return runTraining(job, {
    model,
    objective: preferenceObjective(pairs.map(preferencePair), {
      ...options,
      seed: Random.stream(seed, `align-train-${round}`).uint32(),
    }),
    config: { ...train, evaluateEvery: 0, sampleEvery: 0 },
    steps,
    round,
    directory,
    tokenizerFiles: tokenizer.files(),
    ...generationOf(policy, tokenizer, 'turnEnd'),
    manifest: {
      stage: 'align',
      ...descent(policy),
      settings: { ...config, prompts: null, round },
      inputDigest: digestOf({ policy: policy.digest, pairs: await sha256File(join(directory, pairsName)) }),
      ...compute,
    },
  });
}

/**
 * The rewards of answers sampled for the tasks that decide on promotion: their mean is the expectation that DPO raises.
 * (One greedy answer a task is a far noisier measure of it.) Every policy draws with the same random numbers.
 */
async function heldOutRewards(input: RoundInput, policy: Checkpoint): Promise<readonly Unit[]> {
  const { job, heldOut, scorer } = input;
  return withModel(policy, async (loaded) => {
    const options = { label: 'held-out', samples: job.config.heldOutSamples, seed: job.seed };
    const answers = await sampleAnswers(input, loaded, heldOut, options);
    return measureRewards(answers, await scorer.score(answers, job.signal));
  });
}

function sampleAnswers(
  { job: { config, signal, reporter }, round }: RoundInput,
  model: LocalModel,
  tasks: readonly Conversation[],
  { label, ...options }: { label: string; samples: number; seed: number },
): Promise<Answer[]> {
  return answerTasks(model, tasks, {
    ...options,
    maxNewTokens: config.maxNewTokens,
    sampling: samplingAt(config.temperature),
    signal,
    onProgress: (done, total) =>
      reporter.emit({ type: 'progress', label: `round ${round}: ${label}`, done, total, unit: 'answers' }),
  });
}

async function withModel<T>(checkpoint: Checkpoint, use: (loaded: LocalModel) => Promise<T>): Promise<T> {
  const loaded = await LocalModel.of(checkpoint);
  try {
    await setImmediate();
    return await use(loaded);
  } finally {
    await loaded.dispose();
  }
}
