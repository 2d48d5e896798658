// mossctl sft: base model + conversations → chat model.
import type { RunOptions } from '../options.js';
import { runOneStage } from '../run-stages.js';

export function sft(options: RunOptions): Promise<void> {
  return runOneStage('sft', options, (folder) => `npx mossctl chat ${folder}/latest`);
}
