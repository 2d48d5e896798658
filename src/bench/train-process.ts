// One training measurement in a process of its own: its peak memory is then its own, and nothing that was measured
// before it is left in the caches of the engine.
import { type Fault, UserError } from '../base/errors.js';
import { askChild } from './child.js';
import type { TrainJob, TrainMeasurement } from './train.js';

/** What the child sends: the measurement, or why there is none. */
export type TrainAnswer = { result: TrainMeasurement } | { faults: readonly Fault[] } | { failure: string };

/** Runs train-child. */
export async function trainInChild(job: TrainJob): Promise<TrainMeasurement> {
  const answer = await askChild<TrainAnswer>('train-child', job, ({ words, signal }) => {
    const why = signal === 'SIGKILL' ? 'the system ends a process this way when memory runs out' : undefined;
    const what = `the process that trained ${job.shape} at ${job.precision} ended ${words}`;
    return new UserError({ what, why, next: 'Measure a smaller one with --shape' }, { exitCode: 1 });
  });
  if ('result' in answer) return answer.result;
  throw 'faults' in answer ? new UserError(answer.faults) : new Error(answer.failure);
}
