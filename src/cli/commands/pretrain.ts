// mossctl pretrain: corpus, tokenizer and tokens where they are needed, then the base model.
import type { RunOptions } from '../options.js';
import { runOneStage } from '../run-stages.js';

export function pretrain(options: RunOptions): Promise<void> {
  return runOneStage('pretrain', options, (folder) => `npx mossctl sft --out ${folder}`);
}
