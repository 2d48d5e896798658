// One training measurement in a process of its own: its peak memory is then its own, and nothing that was measured
// before it is left in the caches of the engine.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Fault, UserError } from '../base/errors.js';
import type { TrainJob, TrainMeasurement } from './train.js';

/** What the child sends: the measurement, or why there is none. */
export type TrainAnswer = { result: TrainMeasurement } | { faults: readonly Fault[] } | { failure: string };

/** Runs train-child with the same Node and the same loader as this process. */
export function trainInChild(job: TrainJob): Promise<TrainMeasurement> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const child = fork(fileURLToPath(new URL(`./train-child.${extension}`, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('message', (message) => {
      const answer = message as TrainAnswer;
      if ('result' in answer) resolve(answer.result);
      else reject('faults' in answer ? new UserError(answer.faults) : new Error(answer.failure));
    });
    child.once('exit', (code, signal) => {
      const ending = signal === null ? `with code ${code}` : `by ${signal}`;
      const why = signal === 'SIGKILL' ? 'the system ends a process this way when memory runs out' : undefined;
      const what = `the process that trained ${job.shape} at ${job.precision} ended ${ending}`;
      reject(new UserError({ what, why, next: 'Measure a smaller one with --shape' }, { exitCode: 1 })); // late: no effect
    });
    child.send(job);
  });
}
