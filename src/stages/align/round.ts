// One round: sample k answers to each prompt from the policy, score them, make pairs, train on them, and let the gate
// decide on held-out tasks whether the result is promoted. What a round has finished is on disk, so a round that was
// interrupted resumes where it stopped.
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { roundName } from '../../base/layout.js';
import { jsonNumber } from '../../base/schema.js';
import { readSealed, writeSealed } from '../../base/sealed.js';
import { type Checkpoint, openCheckpoint } from '../../checkpoint/directory.js';
import type { AlignConfig } from '../../config/align.js';
import { isOnline } from '../../config/online.js';
import type { Conversation } from '../../data/types.js';
import type { Scorer } from '../../evaluation/scorer.js';
import type { TrainingResult } from '../../train/trainer.js';
import type { Job } from '../stage.js';
import type { ComputeFields } from '../training.js';
import { criticDigest } from './critic.js';
import type { Evidence } from './evidence.js';
import { decideRound, gateResultSchema, policyMetrics } from './gate.js';
import { accountRound, type LearntTokens, learntTokens, ledgerSchema } from './ledger.js';
import { trainOnline } from './online-training.js';
import type { Labelled, Pair } from './pairs.js';
import { type RoundSource, readOwn, sourceOf, sourceSchema, warnRebuilt } from './provenance.js';
import { roundData } from './sampling.js';
import { teacherDigest } from './teacher.js';
import { trainRound } from './training.js';

export interface RoundInput {
  job: Job<AlignConfig>;
  compute: ComputeFields;
  round: number;
  /** The policy that the round starts from. */
  policy: Checkpoint;
  scorer: Scorer;
  /** Tasks to sample answers to; none where people's preferences are all there is. */
  prompts: readonly Conversation[];
  given?: GivenRows;
  /** What decides on promotion. */
  evidence: Evidence;
}

/** What people prefer, as the method learns it. */
export interface GivenRows {
  pairs: readonly Pair[];
  labelled: readonly Labelled[];
  digest: string;
}

/** What a finished round leaves in `round.json`. */
const resultSchema = z.object({
  source: sourceSchema,
  round: z.int(),
  /** Rows that it learns from: pairs, or single answers. */
  rows: z.int(),
  /** Mean reward of the sampled answers; absent where none were sampled. */
  sampledReward: jsonNumber.optional(),
  /** Absent where there was nothing to learn. */
  gate: gateResultSchema.optional(),
  /** What as many operations of fine-tuning would have brought, where that was asked for. */
  ledger: ledgerSchema.optional(),
  /** Held-out figures of the policy that the next round starts from. */
  metrics: gateResultSchema.shape.metrics,
  /** Step folder of the trained candidate, relative to the stage's folder; absent where there was nothing to learn. */
  candidate: z.object({ path: z.string(), digest: z.string() }).optional(),
});
export type RoundResult = z.output<typeof resultSchema>;

export async function runRound(input: RoundInput): Promise<RoundResult> {
  const { job, round, policy, evidence } = input;
  const directory = join(job.directory, `round-${String(round).padStart(2, '0')}`);
  const resultPath = join(directory, roundName);
  const { config } = job;
  const source = sourceOf({
    ...input,
    teacher: await teacherDigest(config),
    critic: await criticDigest(config),
  });
  const finished = await finishedRound(resultPath, source, job);
  if (finished !== undefined) return finished;
  const { rows, sampledReward, tokens, candidate } = await learntRound(input, source, directory);
  const made = { source, round, rows, ...(sampledReward !== undefined && { sampledReward }) };
  let result: RoundResult;
  if (candidate === undefined) {
    result = { ...made, metrics: await policyMetrics({ job, round, directory, policy, evidence }) };
  } else {
    const gate = await decideRound({ job, round, directory, policy, candidate, evidence });
    // A run folder may move.
    const below = <T extends { path: string }>(model: T): T => ({
      ...model,
      path: relative(job.directory, resolve(model.path)),
    });
    const { path, digest } = candidate;
    const ledger = job.config.ledger
      ? await accountRound({
          ...{ job, round, directory, policy, evidence, candidate, tokens, result: gate },
        })
      : undefined;
    result = { ...made, metrics: gate.metrics, gate: below(gate), ledger, candidate: below({ path, digest }) };
  }
  await writeSealed(resultPath, result);
  return result;
}

interface LearntRound {
  /** What it learnt from: pairs, or single answers. */
  rows: number;
  sampledReward?: number;
  /** For the ledger. */
  tokens: LearntTokens;
  /** Absent where there was nothing to learn. */
  candidate?: TrainingResult;
}

/** Samples and trains: one after the other, or both at once. */
async function learntRound(input: RoundInput, source: RoundSource, directory: string): Promise<LearntRound> {
  const { method } = input.job.config;
  if (isOnline(method)) {
    const { candidate, sampled, referenced } = await trainOnline(input, { source, directory, method });
    const { sum, count } = sampled.rewards;
    const tokens = { sampled: sampled.tokens, referenced, length: sampled.read / Math.max(1, sampled.answers) };
    return { rows: sampled.answers, ...(count > 0 && { sampledReward: sum / count }), tokens, candidate };
  }
  const { rows, sampledReward, sampledTokens } = await roundData(input, source, directory);
  const tokens = { sampled: sampledTokens, ...learntTokens(rows, method) };
  const learnt = { rows: rows.length, sampledReward, tokens };
  return rows.length === 0 ? learnt : { ...learnt, candidate: await trainRound(input, directory, rows) };
}

/** What a round came to; undefined where it has not come to its end, or the file is not whole. @param directory of the round. */
export async function readRoundResult(directory: string): Promise<RoundResult | undefined> {
  const read = await readSealed(join(directory, roundName));
  return typeof read === 'string' ? undefined : resultSchema.safeParse(read.value).data;
}

/** What an earlier try left, if its models are whole: a damaged one is made again from the same pairs. */
async function finishedRound(
  path: string,
  source: RoundSource,
  job: Job<AlignConfig>,
): Promise<RoundResult | undefined> {
  const result = await readOwn(path, resultSchema, source, job);
  if (result === undefined) return undefined;
  const models = [result.candidate, result.gate?.promoted ? result.gate : undefined];
  for (const model of models) {
    if (model === undefined) continue;
    const folder = join(job.directory, model.path);
    try {
      if ((await openCheckpoint(folder)).digest === model.digest) continue;
      warnRebuilt(job, folder);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warnRebuilt(job, error.message);
    }
    return undefined;
  }
  return result;
}
