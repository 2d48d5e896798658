// mossctl align: rounds of sampling, scoring, training and promotion.
import type { RunOptions } from '../options.js';
import { runOneStage } from '../run-stages.js';

export function align(options: RunOptions): Promise<void> {
  return runOneStage('align', options, (folder) => `npx mossctl chat ${folder}/latest`);
}
