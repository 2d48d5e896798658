// What the three training stages share: opening the backend, knowing the parent, counting steps, ending with an output.
import { dirname } from 'node:path';
import { countOf } from '../base/format.js';
import type { Checkpoint } from '../checkpoint/directory.js';
import type { ManifestFields } from '../checkpoint/manifest.js';
import { meanAccumulation, type TrainConfig } from '../config/train.js';
import { openBackend } from '../tensor/backends.js';
import { alone, byFirstRank, type Communicator } from '../tensor/communicator.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { checkSameWeights } from '../train/agreement.js';
import { shardedModel } from '../train/layer-shards.js';
import type { MicroBatch } from '../train/objective.js';
import type { SaverOptions } from '../train/saver.js';
import { type TrainingResult, type TrainingRun, train } from '../train/trainer.js';
import { checkTrainingDisk } from './room.js';
import type { Job } from './stage.js';

/** The manifest fields that say what computed a checkpoint. */
export type ComputeFields = Pick<ManifestFields, 'backend' | 'threads' | 'precision'>;

/** Opens the job's backend and says which one it is, and why. */
export async function startBackend(job: Job<unknown>): Promise<ComputeFields> {
  const { name, threads, precision, note, warning, fresh } = await openBackend(job.compute.backend, job.compute);
  if (fresh) job.reporter.note('info', note, { backend: name });
  if (fresh && warning !== undefined) job.reporter.note('warning', warning);
  return { backend: name, threads, precision };
}

/** Says what a person should know of how a third-party model is read. */
export function reportNotes({ reporter }: Job<unknown>, { notes = [] }: Pick<Checkpoint, 'notes'>): void {
  for (const note of notes) reporter.note('warning', note);
}

/** The manifest fields that say where a model comes from. */
export function descent(
  parent: Pick<Checkpoint, 'digest' | 'manifest'> | undefined,
): Pick<ManifestFields, 'parent' | 'lineage' | 'storedAs'> {
  if (parent === undefined) return { parent: null, lineage: [] };
  const { stage, step, lineage, storedAs } = parent.manifest;
  return {
    parent: parent.digest,
    lineage: [...lineage, { stage, step, digest: parent.digest }],
    ...(storedAs && { storedAs }),
  };
}

/**
 * What a training takes over of its parent's generation_config.json: how it samples, and every token that ends an answer,
 * after `end`, with which it learns to end. A base model's end of text gives way to the end of a turn.
 */
export function generationOf(
  parent: Pick<Checkpoint, 'manifest' | 'eosTokenIds' | 'generationConfig'> | undefined,
  tokenizer: Tokenizer,
  end: 'endOfText' | 'turnEnd',
): Pick<SaverOptions, 'eosTokenIds' | 'generationConfig'> {
  const own = tokenizer.specialId(end);
  if (parent === undefined) return { eosTokenIds: [own] };
  const { manifest, eosTokenIds, generationConfig } = parent;
  const givesWay = manifest.stage === 'pretrain' && end === 'turnEnd' ? tokenizer.specialId('endOfText') : undefined;
  return { eosTokenIds: [...new Set([own, ...eosTokenIds.filter((id) => id !== givesWay)])], generationConfig };
}

/** How far the passes that whole steps come to may be from `epochs` before it is said: a tenth. */
const passesTolerance = 0.1;

/** Of fewer, that nobody asked for by number, a person should know: the warmup of the learning rate alone takes several. */
const minSteps = 20;

/**
 * Optimizer steps: as the config says, or the whole number that comes nearest to its epochs, at least one.
 * `batchesPerEpoch`: micro-batches in one pass over the data, not rounded.
 * `words`: how a step is made smaller, and what its size is called, where that is not the batch size.
 */
export async function stepCount(
  { reporter }: Pick<Job<unknown>, 'reporter'>,
  config: Pick<TrainConfig, 'steps' | 'epochs' | 'batchSize' | 'accumulation' | 'batchWarmup'>,
  batchesPerEpoch: () => number | Promise<number>,
  words = { smaller: `smaller batches (--batch-size, now ${config.batchSize})`, size: 'of this batch size' },
): Promise<number> {
  if (config.steps !== undefined) return config.steps;
  const stepsPerEpoch = (await batchesPerEpoch()) / meanAccumulation(config);
  const steps = Math.max(1, Math.round(config.epochs * stepsPerEpoch));
  if (steps < minSteps) {
    const text = `only ${countOf(steps, 'optimizer step')}, and a model learns little in fewer than ${minSteps}: set more passes (--epochs, now ${config.epochs}), or ${words.smaller}`;
    reporter.note('warning', text);
  }
  const passes = steps / stepsPerEpoch;
  if (Math.abs(passes / config.epochs - 1) > passesTolerance) {
    const nearest = `${countOf(steps, 'step')} ${words.size} ${steps === 1 ? 'comes' : 'come'} nearest`;
    const text = `${config.epochs} epochs come to ${passes.toPrecision(2)} passes over the data: steps are whole, and ${nearest}`;
    reporter.note('info', text);
  }
  return steps;
}

/** Whether the ranks of a job share out weights too, and not only moments. */
export function isSharded({ shard }: Pick<TrainConfig, 'shard'>, { size }: Pick<Communicator, 'size'>): boolean {
  return shard === 'weights' && size > 1;
}

/** Runs the one trainer under a job. */
export async function runTraining<Batch extends MicroBatch>(
  job: Job<unknown>,
  training: Omit<TrainingRun<Batch>, 'reporter' | 'signal' | 'runDirectory' | 'overrides' | 'communicator'>,
): Promise<TrainingResult> {
  const { reporter, signal, overrides, seed, communicator = alone } = job;
  const { size: ranks } = communicator;
  const manifest = { ...training.manifest, seed, ...(ranks > 1 && { ranks }) };
  const { config, steps, directory } = training;
  let { model } = training;
  if (isSharded(config, communicator)) {
    if (model.shards === undefined) {
      await checkSameWeights(communicator, model, { stage: manifest.stage, step: 0 }); // while all have all of them
      model = shardedModel({ ...model, optimizer: config.optimizer, communicator }, () => model);
    }
    const layers = model.config.num_hidden_layers;
    const text = `each of ${ranks} processes holds its share of the weights of ${countOf(layers, 'layer')}, gathers one layer at a time, and computes each again in the backward pass (recompute)`;
    reporter.note('info', text);
  } else if (config.shard === 'weights') {
    reporter.note(
      'info',
      'train.shard=weights is for several processes (mpirun): this one is alone and holds all weights',
    );
  }
  const disk = { config: model.config, table: model.parameters, train: config, steps, directory, reporter };
  await byFirstRank(communicator, () => checkTrainingDisk(disk));
  return train({
    ...training,
    model,
    manifest,
    runDirectory: dirname(job.directory),
    reporter,
    signal,
    overrides,
    communicator,
  });
}
