// One thread of layer-shards.test.ts: does the jobs that it is given with the others, and says what they came to.
import { cp } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { decoderTable } from '../../src/architecture/parameters.js';
import type { TrainConfig } from '../../src/config/train.js';
import type { TokenBatch } from '../../src/data/types.js';
import { disposeModel, initModel, type Model } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { alone, byFirstRank, type Communicator } from '../../src/tensor/communicator.js';
import { read } from '../../src/tensor/host.js';
import { memory } from '../../src/tensor/tf.js';
import { collectMoments, withWholeWeights } from '../../src/train/exchange.js';
import { shardedModel, shardsOf } from '../../src/train/layer-shards.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { train } from '../../src/train/trainer.js';
import { abortedWhen } from '../signals.js';
import { threadRank } from './thread-ranks.js';
import { countingObjective, recordingReporter, tinyConfig, tinyModel, trainConfig } from './tiny.js';

export interface StepsJob {
  kind: TrainConfig['optimizer'];
  /** Micro-batches of a step, of 2 rows each. */
  count: number;
  steps: number;
}

export interface TrainingJob {
  directory: string;
  /** After so many of the steps it does. */
  stopAt?: number;
  /** Where its folder is copied to in the end. */
  copies?: readonly string[];
  /** The evaluations after this many fail. */
  evaluations?: number;
  shard: 'moments' | 'weights';
}

/** What a rank's steps came to; weights and moments of the first one, as wholes. */
export interface StepsSaid {
  losses: number[];
  norms: number[];
  weights: number[];
  /** First moments after the first step: its mean gradient, clipped. */
  moments: number[];
  /** Numbers in this rank's shares of layers. */
  held: number;
  /** What it says of a layer that is not gathered. */
  refused: string;
  tensorsLeft: number;
}

export interface TrainingSaid {
  outcome: string;
  digest: string;
  /** How many it took. */
  steps: number;
  /** Of the last. */
  loss: number;
  evaluated: number[];
}

function modelOf(kind: TrainConfig['optimizer'], communicator: Communicator): Model {
  const [config, parameters] = [tinyConfig(), decoderTable(tinyConfig())];
  if (communicator.size === 1) return tinyModel();
  return shardedModel({ config, parameters, optimizer: kind, communicator }, (rows) => initModel(config, 7, { rows }));
}

export async function takeSteps({ kind, count, steps }: StepsJob, communicator: Communicator): Promise<StepsSaid> {
  const before = memory().numTensors;
  const model = modelOf(kind, communicator);
  const optimizer = createOptimizer(model, kind, communicator);
  const objective = countingObjective();
  const config = trainConfig({ beta1: 0, momentum: 0, clipNorm: 0.5 });
  const said: StepsSaid = { losses: [], norms: [], weights: [], moments: [], held: 0, refused: '', tensorsLeft: 0 };
  for (let step = 1; step <= steps; step++) {
    const batches: TokenBatch[] = [];
    while (batches.length < count) batches.push(await objective.next());
    const at = { step, learningRate: 0.01, communicator };
    const { loss, gradientNorm } = await trainStep(model, optimizer, objective, batches, config, at);
    said.losses.push(loss);
    said.norms.push(gradientNorm);
    if (step > 1) continue;
    const collected = await collectMoments(communicator, optimizer, (_, size) => new Float32Array(size));
    said.moments = collected.flatMap(({ name, data }) => (name.startsWith('m.') ? [...data] : []));
  }
  said.held = [...(shardsOf(model)?.shares.values() ?? [])].reduce((sum, { size }) => sum + size, 0);
  try {
    model.weights.get('model.layers.1.self_attn.q_norm.weight');
  } catch (error) {
    said.refused = String(error);
  }
  await withWholeWeights(communicator, model, async (asked) => {
    if (communicator.rank > 0) return;
    const whole = asked();
    for (const { name } of whole.parameters) {
      const value = whole.weights.get(name);
      if (value !== undefined) said.weights.push(...(await read(value)));
    }
  });
  disposeOptimizer(optimizer);
  disposeModel(model);
  said.tensorsLeft = memory().numTensors - before;
  return said;
}

export async function runTraining(
  { directory, stopAt = Number.POSITIVE_INFINITY, copies = [], evaluations = 9, shard }: TrainingJob,
  communicator: Communicator,
): Promise<TrainingSaid> {
  const reporter = recordingReporter();
  const steps = () => reporter.events.flatMap((event) => (event.type === 'step' ? [event] : []));
  const evaluated: number[] = [];
  let [outcome, digest] = ['', ''];
  try {
    ({ digest } = await train({
      ...{ model: shard === 'weights' ? modelOf('muon', communicator) : tinyModel(), objective: countingObjective() },
      ...{ config: trainConfig({ optimizer: 'muon', momentum: 0.9, evaluateEvery: 4, shard }), steps: 6 },
      ...{ directory, runDirectory: directory, tokenizerFiles: { 'tokenizer.json': '{}' }, eosTokenIds: [0] },
      manifest: {
        ...{ stage: 'pretrain' as const, parent: null, lineage: [], settings: { train: { shard } } },
        ...{ inputDigest: 'data', backend: 'wasm', threads: null, precision: 'fp32' as const },
      },
      ...{ communicator, reporter, signal: abortedWhen(() => steps().length >= stopAt) },
      evaluate: async ({ weights }) => {
        if (evaluated.length === evaluations) throw new Error('no room');
        const all = await Promise.all([...weights.values()].map((value) => read(value)));
        const sum = all.flatMap((values) => [...values]).reduce((total, value) => total + Math.abs(value), 0);
        evaluated.push(sum);
        return { heldOutLoss: sum };
      },
    }));
  } catch (error) {
    outcome = String(error);
  }
  await byFirstRank(communicator, async () => {
    for (const copy of copies) await cp(directory, copy, { recursive: true });
  });
  return { outcome, digest, steps: steps().length, loss: steps().at(-1)?.loss ?? 0, evaluated };
}

if (parentPort !== null && workerData?.shared !== undefined) {
  const { shared, rank, size, jobs } = workerData as {
    shared: SharedArrayBuffer;
    rank: number;
    size: number;
    jobs: (StepsJob | TrainingJob)[];
  };
  await openBackend('wasm');
  const communicator = size === 1 ? alone : threadRank(shared, rank, size);
  const said: (StepsSaid | TrainingSaid)[] = [];
  for (const job of jobs) {
    said.push(await ('directory' in job ? runTraining(job, communicator) : takeSteps(job, communicator)));
  }
  parentPort.postMessage(said);
}
