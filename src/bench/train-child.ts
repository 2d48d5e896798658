// The child of train-process: one job comes in, one answer goes out.
import { UserError } from '../base/errors.js';
import { measureTraining, type TrainJob } from './train.js';
import type { TrainAnswer } from './train-process.js';

process.once('message', async (job) => {
  const answer = await answerTo(job as TrainJob);
  if (process.connected) process.send?.(answer, () => process.disconnect());
});

async function answerTo(job: TrainJob): Promise<TrainAnswer> {
  try {
    return { result: await measureTraining(job, () => !process.connected) };
  } catch (error) {
    if (error instanceof UserError) return { faults: error.faults };
    return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
