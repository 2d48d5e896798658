// What the three training stages share: opening the backend, knowing the parent, counting steps, ending with an output.
import { dirname } from 'node:path';
import type { Checkpoint } from '../checkpoint/directory.js';
import type { ManifestFields } from '../checkpoint/manifest.js';
import { meanAccumulation, type TrainConfig } from '../config/train.js';
import { openBackend } from '../tensor/backends.js';
import type { MicroBatch } from '../train/objective.js';
import { type TrainingResult, type TrainingRun, train } from '../train/trainer.js';
import type { Job } from './stage.js';

/** The manifest fields that say what computed a checkpoint. */
export type ComputeFields = Pick<ManifestFields, 'backend' | 'threads' | 'precision'>;

/** Opens the job's backend and says which one it is, and why. */
export async function startBackend(job: Job<unknown>): Promise<ComputeFields> {
  const { name, threads, precision, note, fresh } = await openBackend(job.compute.backend, job.compute);
  if (fresh) job.reporter.note('info', note, { backend: name });
  return { backend: name, threads, precision };
}

/** The manifest fields that say where a model comes from. */
export function descent(
  parent: Pick<Checkpoint, 'digest' | 'manifest'> | undefined,
): Pick<ManifestFields, 'parent' | 'lineage'> {
  if (parent === undefined) return { parent: null, lineage: [] };
  const { stage, step, lineage } = parent.manifest;
  return { parent: parent.digest, lineage: [...lineage, { stage, step, digest: parent.digest }] };
}

/** Optimizer steps: as the config says, or as many as its epochs take. */
export async function stepCount(
  config: Pick<TrainConfig, 'steps' | 'epochs' | 'accumulation' | 'batchWarmup'>,
  batchesPerEpoch: () => Promise<number>,
): Promise<number> {
  if (config.steps !== undefined) return config.steps;
  return Math.max(1, Math.round((config.epochs * (await batchesPerEpoch())) / meanAccumulation(config)));
}

/** Runs the one trainer under a job. */
export function runTraining<Batch extends MicroBatch>(
  job: Job<unknown>,
  training: Omit<TrainingRun<Batch>, 'reporter' | 'signal' | 'runDirectory' | 'overrides'>,
): Promise<TrainingResult> {
  const { reporter, signal, overrides } = job;
  return train({ ...training, runDirectory: dirname(job.directory), reporter, signal, overrides });
}
