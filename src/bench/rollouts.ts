// Answers sampled as a round of alignment samples them (stages/align): thousands of short prompts handed over at once, a
// few answers to each, rows that end and make room at every step. Run it in a process of its own (compute.ts).
import { Random } from '../base/random.js';
import type { ComputeChoice, Precision } from '../config/compute.js';
import { samplingAt } from '../config/sampling.js';
import { Engine } from '../inference/engine.js';
import { engineOptions } from '../inference/engine-options.js';
import type { Generation } from '../inference/sequence.js';
import { disposeModel, initModel } from '../model/model.js';
import { openBackend } from '../tensor/backends.js';
import { decodeWork } from './decode.js';
import { randomIds } from './inputs.js';
import { residentBytes } from './resident.js';
import { type Limits, type RooflineShare, rooflineShare, type Work } from './roofline.js';
import { type Shape, type ShapeName, shapeOf } from './shapes.js';

export interface RolloutJob extends ComputeChoice {
  shape: ShapeName;
  precision: Precision;
  /** Default: as many as a round of the quickstart has. */
  prompts?: number;
  seed: number;
}

export interface RolloutMeasurement {
  shape: ShapeName;
  precision: Precision;
  prompts: number;
  answers: number;
  /** Of all answers together, the token that ends one included. */
  tokens: number;
  seconds: number;
  answersPerSecond: number;
  tokensPerSecond: number;
  /** Of all of it. */
  work: Work;
  peakRssMiB: number;
}

export interface RolloutResult extends Omit<RolloutMeasurement, 'work'>, RooflineShare {}

/** A round of alignment by checked answers, as the quickstart once had it: 12,000 answers. */
export const rolloutSettings = { promptsPerRound: 2000, samplesPerPrompt: 6, maxNewTokens: 40, temperature: 1 };
/** Lengths about as there (docs/benchmark.md): the token that ends an answer comes with the same chance each time. */
const promptTokens = { min: 15, max: 36 };
const meanAnswerTokens = 9;

/** Opens the backend, and lets a fresh model answer. */
export async function measureRollouts(job: RolloutJob, signal?: AbortSignal): Promise<RolloutMeasurement> {
  await openBackend(job.backend, job);
  const context = Math.max(shapeOf(job.shape).columns, promptTokens.max + rolloutSettings.maxNewTokens);
  const shape = shapeOf(job.shape, context);
  const { samplesPerPrompt: samples, maxNewTokens, temperature } = rolloutSettings;
  const random = Random.stream(job.seed, 'bench-rollouts');
  const vocabulary = shape.config.vocab_size;
  // A fresh model holds every token about as likely as another.
  const stopIds = [...randomIds(Math.round(vocabulary / meanAnswerTokens), vocabulary, random)];
  const requests = Array.from({ length: job.prompts ?? rolloutSettings.promptsPerRound }, () => ({
    tokens: [...randomIds(random.integer(promptTokens.min, promptTokens.max + 1), vocabulary, random)],
    ...{ samples, maxNewTokens, sampling: samplingAt(temperature), stopIds, seed: random.uint32(), signal },
  }));
  const model = initModel(shape.config, job.seed);
  const engine = new Engine(model);
  try {
    await engine.run(requests.slice(0, 8).map((request) => ({ ...request, maxNewTokens: 4 }))); // a warm-up
    engine.weightsChanged();
    const start = performance.now();
    const answers = await engine.run(requests);
    const seconds = (performance.now() - start) / 1000;
    const lengths = answers.map(lengthOf);
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    return {
      ...{ shape: job.shape, precision: job.precision, prompts: requests.length, answers: answers.length },
      ...{ tokens, seconds, answersPerSecond: answers.length / seconds, tokensPerSecond: tokens / seconds },
      work: rolloutWork(
        shape,
        job.precision,
        requests.map(({ tokens }) => tokens.length),
        lengths,
      ),
      peakRssMiB: residentBytes('VmHWM') / 2 ** 20,
    };
  } finally {
    await engine.dispose();
    disposeModel(model);
  }
}

export function rolloutShares({ work, ...measured }: RolloutMeasurement, limits: Limits): RolloutResult {
  return { ...measured, ...rooflineShare(work, measured.seconds, limits) };
}

/** With the token that ended it. */
function lengthOf({ tokens, stopId }: Generation): number {
  return tokens.length + (stopId === undefined ? 0 : 1);
}

/**
 * What it costs at least: each prompt read once for all its answers, logits for drawn tokens only, and every step full, so
 * that the weights are read once for as many tokens as the engine has rows.
 */
function rolloutWork(
  { config }: Shape,
  precision: Precision,
  promptLengths: readonly number[],
  answerLengths: readonly number[],
): Work {
  const samples = answerLengths.length / promptLengths.length;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const drawn = sum(answerLengths);
  const read = sum(promptLengths) + drawn - answerLengths.length; // the last token of an answer is not read
  // Columns that the tokens of a stretch see which begins after `from` others.
  const seen = (from: number, length: number): number => length * from + (length * (length + 1)) / 2;
  const columns = {
    prompts: sum(promptLengths.map((length) => seen(0, length))),
    answers: sum(answerLengths.map((length, i) => seen(promptLengths[Math.floor(i / samples)], length - 1))),
  };
  const { operations } = decodeWork(config, precision, { tokens: read, columns: columns.prompts + columns.answers });
  const weights = decodeWork(config, precision, { tokens: 0, columns: 0 }).bytes;
  const { bytes } = decodeWork(config, precision, { tokens: 0, columns: columns.answers });
  const steps = drawn / engineOptions(config, {}).maxRows;
  return {
    operations: operations + 2 * config.vocab_size * config.hidden_size * (drawn - read),
    bytes: weights * Math.max(1, steps) + bytes - weights,
  };
}
