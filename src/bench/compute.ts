// Training and decoding, each measured in a process of its own: its peak of memory is then its own, and no thread pool,
// cache or compiled code of the measurement before is left in it.
import type { AlignmentJob, AlignmentMeasurement } from './alignment.js';
import { askChild } from './child.js';
import type { DecodeJob, DecodeMeasurement } from './decode.js';
import type { FineTuningJob, FineTuningMeasurement } from './fine-tuning.js';
import type { OnlineJob, OnlineMeasurement } from './online.js';
import type { RolloutJob, RolloutMeasurement } from './rollouts.js';
import type { TrainJob, TrainMeasurement } from './train.js';

interface Measurements {
  train: [TrainJob, TrainMeasurement];
  'fine-tune': [FineTuningJob, FineTuningMeasurement];
  align: [AlignmentJob, AlignmentMeasurement];
  online: [OnlineJob, OnlineMeasurement];
  decode: [DecodeJob, DecodeMeasurement];
  rollouts: [RolloutJob, RolloutMeasurement];
}
type Work = keyof Measurements;
export type ComputeJob = { [W in Work]: { work: W } & Measurements[W][0] }[Work];

const worked: Record<Work, string> = {
  train: 'trained',
  'fine-tune': 'fine-tuned',
  align: 'aligned',
  online: 'aligned',
  decode: 'decoded',
  rollouts: 'sampled answers of',
};

/** @throws what went wrong in the child. */
export function inChild<W extends Work>(work: W, job: Measurements[W][0]): Promise<Measurements[W][1]> {
  return askChild('compute-child', { work, ...job }, (how) => ({
    what: `the process that ${worked[work]} ${job.shape} at ${job.precision} ended ${how}`,
    why: how.endsWith('SIGKILL') ? 'the system ends a process this way when memory runs out' : undefined,
    next: 'Measure a smaller one with --shape',
  }));
}
