// `--preview`: a few rows as a stage would make them, with what the whole would take, before anyone pays for it.
import type { StageName } from '../../config/pipeline.js';
import { previewStage } from '../../pipeline/preview.js';
import { printJson, printLine } from '../output.js';
import { previewText } from '../preview-text.js';
import { reporting } from '../reporting.js';
import { findRun, type StageRun, typedCommand } from '../run-stages.js';

export async function preview(only: StageName, count: number, options: StageRun): Promise<void> {
  const { config, whereIs, folder, warnings } = await findRun({ ...options, only });
  const shown = await reporting('preview', options, ({ reporter, signal }) => {
    for (const text of warnings) reporter.note('warning', text);
    return previewStage(only, count, { config, whereIs, runDirectory: folder, reporter, signal });
  });
  const next = typedCommand().replace(/ --preview(?: |=)\d+/, '');
  if (options.json) printJson({ type: 'preview', ...shown, next });
  else printLine(previewText(shown, { prices: config.selfInstruct?.prices, budget: config.selfInstruct, next }));
}
