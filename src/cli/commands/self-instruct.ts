// mossctl self-instruct: seed tasks → conversations.
import type { RunOptions } from '../options.js';
import { runOneStage } from '../run-stages.js';

export function selfInstruct(options: RunOptions): Promise<void> {
  return runOneStage('selfInstruct', options, (folder) => `npx mossctl sft --out ${folder}`);
}
