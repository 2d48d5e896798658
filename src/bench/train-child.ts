// Trains one shape in a process of its own, for run.ts.
import { answerParent } from './child.js';
import { measureTraining, type TrainJob } from './train.js';

answerParent((job: TrainJob) => measureTraining(job, () => !process.connected));
