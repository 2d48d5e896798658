// Trains or decodes in a process of its own, for compute.ts. Where the parent is gone, it stops early.
import { measureAlignment } from './alignment.js';
import { answerParent } from './child.js';
import type { ComputeJob } from './compute.js';
import { measureDecode } from './decode.js';
import { measureFineTuning } from './fine-tuning.js';
import { measureOnline } from './online.js';
import { measureRollouts } from './rollouts.js';
import { measureTraining } from './train.js';

const parent = new AbortController();
process.once('disconnect', () => parent.abort());

answerParent(async (job: ComputeJob): Promise<unknown> => {
  switch (job.work) {
    case 'train':
      return measureTraining(job, () => parent.signal.aborted);
    case 'fine-tune':
      return measureFineTuning(job, () => parent.signal.aborted);
    case 'align':
      return measureAlignment(job, () => parent.signal.aborted);
    case 'online':
      return measureOnline(job, () => parent.signal.aborted);
    case 'decode':
      return measureDecode(job);
    case 'rollouts':
      return measureRollouts(job, parent.signal);
    default:
      return job satisfies never;
  }
});
