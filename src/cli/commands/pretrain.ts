// mossctl pretrain: corpus, tokenizer and tokens where they are needed, then the base model.
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../../base/errors.js';
import { settingsName } from '../../base/layout.js';
import { mossctlCommand } from '../../base/shell.js';
import { identifyCheckpoint } from '../../checkpoint/directory.js';
import type { PipelineConfig } from '../../config/pipeline.js';
import type { RunOptions } from '../options.js';
import { shownPath } from '../output.js';
import { runOneStage, type StageRun } from '../run-stages.js';
import { withTexts } from '../texts.js';

interface PretrainOptions extends RunOptions {
  /** The checkpoint that a cool-down branches from. */
  cooldown?: string;
  /** Folders, files and patterns, in place of a data-spec. */
  text?: string[];
}

export async function pretrain({ cooldown, from, text, ...options }: PretrainOptions): Promise<void> {
  const branch = cooldown === undefined ? {} : await cooldownRun(cooldown, options);
  const tokenizer = text === undefined || from !== undefined ? [] : ['tokenizer'];
  const run: StageRun = { ...options, ...branch, flags: { 'pretrain.from': from }, blocks: tokenizer };
  return runOneStage('pretrain', await withTexts(text, { ...run, only: 'pretrain' }), afterPretraining);
}

/** Conversations come from self-instruct, where the run has that block, or from the person. */
function afterPretraining(folder: string, { selfInstruct, sft }: PipelineConfig): string {
  const hasRows = selfInstruct !== undefined || sft?.data !== undefined;
  return mossctlCommand('sft', ...(hasRows ? [] : ['--data', 'conversations.jsonl']), '--out', folder);
}

/** The pipeline of the parent run, in a folder beside it, unless others are named. */
async function cooldownRun(checkpoint: string, { config, out, set = [] }: PretrainOptions) {
  const { path, manifest } = await identifyCheckpoint(checkpoint);
  const run = dirname(dirname(path));
  if (out !== undefined && resolve(out) === run) {
    throw new UserError({
      what: 'a cool-down needs a run folder of its own',
      where: `--out ${out}`,
      why: 'the run that it branches from is there, and can still be resumed',
      next: 'Omit --out, or name another folder',
    });
  }
  return {
    config: config ?? shownPath(join(run, settingsName)),
    out: out ?? shownPath(`${run}-cooldown-${manifest.step}`),
    set: [...set, `pretrain.cooldown.from=${path}`],
  };
}
