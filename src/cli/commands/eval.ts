// mossctl eval: the table of a run folder, or with one given checkpoint in the place of its stage.
import { join } from 'node:path';
import { exists } from '../../base/files.js';
import { settingsName } from '../../base/layout.js';
import { resolveCheckpoint } from '../../checkpoint/history.js';
import type { RunOptions } from '../options.js';
import { printLine } from '../output.js';
import { runAround } from '../places.js';
import { runStages } from '../run-stages.js';

export async function evaluate(target: string | undefined, options: RunOptions): Promise<void> {
  const flags = { 'eval.quantize': options.quantize };
  const result = await runStages({ ...options, ...(await placeOf(target, options)), only: 'eval', flags });
  if (!options.json) printLine(`report  ${result.report}`);
}

/** A run folder is evaluated as it is; a checkpoint inside one is evaluated with that run's tasks and text. */
async function placeOf(target: string | undefined, options: RunOptions): Promise<Partial<RunOptions>> {
  if (target === undefined) return {};
  if (await exists(join(target, settingsName))) return { out: options.out ?? target };
  const checkpoint = await resolveCheckpoint(target);
  return { from: checkpoint, out: options.out ?? (await runAround(checkpoint)) };
}
