// Speed of direct preference optimisation through the real training step: all weights, pairs of answers of random tokens to a
// common prompt, and what the reference says of them, which a round computes before it trains. Run it in a process of its own.
import { setImmediate } from 'node:timers/promises';
import { Random } from '../base/random.js';
import type { ComputeChoice, Precision } from '../config/compute.js';
import { resolvedPreference } from '../config/preference.js';
import { trainSchema } from '../config/train.js';
import { disposeModel, initModel } from '../model/model.js';
import { openBackend } from '../tensor/backends.js';
import { readResult } from '../tensor/host.js';
import {
  type PairBatch,
  type PreferencePair,
  preferenceObjective,
  type ReferencedSequence,
} from '../train/objectives/preference.js';
import { sequenceLogProbabilities } from '../train/objectives/sequence-log-probabilities.js';
import { createOptimizer, disposeOptimizer } from '../train/optimizer.js';
import { trainStep } from '../train/step.js';
import { randomIds } from './inputs.js';
import { residentBytes } from './resident.js';
import { pairLengths, type Shape, type ShapeName, shapeOf } from './shapes.js';
import { timeSteps } from './steps.js';

export interface AlignmentJob extends ComputeChoice {
  shape: ShapeName;
  precision: Precision;
  /** Most tokens of a prompt and an answer; default: those of a row of the shape. */
  columns?: number;
  /** Steps to time; without it as many as fit 20 seconds, from 1 to 20. */
  steps?: number;
  seed: number;
}

export interface AlignmentMeasurement {
  shape: ShapeName;
  precision: Precision;
  backend: string;
  columns: number;
  parameters: number;
  /** Of the epoch: pairs, the tokens of both answers each with its prompt, and those of answers. */
  pairs: number;
  tokens: number;
  countedTokens: number;
  /** Of an optimizer step, and those that are computed at a time. */
  pairsPerStep: number;
  pairsAtATime: number;
  steps: number;
  /** At the median step, its reference included; and the quartiles. */
  tokensPerSecond: number;
  quartiles: [low: number, high: number];
  /** As long as an epoch takes at that speed. */
  epochSeconds: number;
  /** Of the time, what computing the reference took. */
  referenceShare: number;
  peakRssMiB: number;
  /** Of the last step, per pair. */
  loss: number;
}

const pairCount = 2000;
const pairsPerStep = 16;
/** At T 256 as many pairs as `align.train.batchSize` has; a little faster beyond, but memory grows with them. */
const tokensAtATime = 2048;

/** Opens the backend and aligns a fresh model; `cancelled` is asked between steps. */
export async function measureAlignment(
  job: AlignmentJob,
  cancelled: () => boolean = () => false,
): Promise<AlignmentMeasurement> {
  const { name: backend } = await openBackend(job.backend, job);
  const shape = shapeOf(job.shape, job.columns);
  const pairs = pairsOf(shape, job.seed);
  const pairsAtATime = Math.max(1, Math.min(pairsPerStep, Math.floor(tokensAtATime / shape.columns)));
  const model = initModel(shape.config, job.seed);
  const optimizer = createOptimizer(model);
  const config = trainSchema.parse({ learningRate: 1e-5, schedule: 'constant' });
  const preference = resolvedPreference({ method: 'dpo', fDivergence: 'reverse_kl', beta: 0.1, sftWeight: 0 });
  const padId = shape.config.pad_token_id;
  const objective = preferenceObjective(pairs, { preference, batchSize: pairsAtATime, padId, seed: job.seed });
  const lengthOf = new Map(
    pairs.map(({ chosen, rejected }) => [chosen.id, chosen.tokens.length + rejected.tokens.length]),
  );
  let referenceSeconds = 0;
  let allSeconds = 0;
  const run = async (step: number) => {
    const start = performance.now();
    const batches: PairBatch[] = [];
    while (batches.length * pairsAtATime < pairsPerStep) batches.push(await objective.next());
    for (const batch of batches) {
      batch.references.set(await readResult(() => sequenceLogProbabilities(model, batch).logProbabilities));
      await setImmediate();
    }
    const referenced = performance.now();
    const at = { step, learningRate: config.learningRate };
    const { loss } = await trainStep(model, optimizer, objective, batches, config, at);
    const ended = performance.now();
    referenceSeconds += (referenced - start) / 1000;
    allSeconds += (ended - start) / 1000;
    // Both answers of a pair have its id.
    const tokens = batches.flatMap(({ ids }) => ids).reduce((total, id) => total + (lengthOf.get(id) ?? 0) / 2, 0);
    return { seconds: (ended - start) / 1000, tokens, loss };
  };
  try {
    const { secondsPerToken, ...timing } = await timeSteps(run, { steps: job.steps, cancelled });
    const sides = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
    const tokens = sides.reduce((total, side) => total + side.tokens.length, 0);
    const counted = sides.reduce((total, { loss = [] }) => total + Array.from(loss).filter(Boolean).length, 0);
    return {
      ...{ shape: job.shape, precision: job.precision, backend, columns: shape.columns, parameters: shape.parameters },
      ...{ pairs: pairs.length, tokens, countedTokens: counted, pairsPerStep, pairsAtATime, ...timing },
      ...{ epochSeconds: tokens * secondsPerToken.median, referenceShare: referenceSeconds / allSeconds },
      peakRssMiB: residentBytes('VmHWM') / 2 ** 20,
    };
  } finally {
    disposeOptimizer(optimizer);
    disposeModel(model);
  }
}

function pairsOf({ config, columns }: Shape, seed: number): PreferencePair[] {
  const random = Random.stream(seed, 'bench-pairs');
  const draw = (count: number) => Array.from(randomIds(count, config.vocab_size - 2, random), (id) => id + 2);
  return Array.from({ length: pairCount }, (_, index) => {
    const lengths = pairLengths(index, columns);
    const prompt = draw(lengths.prompt);
    const side = (length: number): ReferencedSequence => {
      const tokens = [...prompt, ...draw(length)];
      return { id: `pair-${index}`, tokens, loss: tokens.map((_, i) => Number(i >= prompt.length)), reference: 0 };
    };
    return { chosen: side(lengths.chosen), rejected: side(lengths.rejected) };
  });
}
