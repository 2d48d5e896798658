// Judges prompts in a process of its own, for filter.ts: its peak of memory is then that of the filter.
import { answerParent } from './child.js';
import { type FilterJob, measureFilter } from './filter.js';

answerParent((job: FilterJob) => measureFilter(job));
