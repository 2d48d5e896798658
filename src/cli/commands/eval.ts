// mossctl eval: the table of a run folder, or with one given checkpoint in the place of its stage.
import { dirname, join, resolve } from 'node:path';
import { exists } from '../../base/files.js';
import { resolveCheckpoint } from '../../checkpoint/history.js';
import type { RunOptions } from '../options.js';
import { printLine } from '../output.js';
import { runStages } from '../run-stages.js';

export async function evaluate(target: string | undefined, options: RunOptions): Promise<void> {
  const result = await runStages({ ...options, ...(await placeOf(target, options)), only: 'eval' });
  if (!options.json) printLine(`report  ${result.report}`);
}

/** A run folder is evaluated as it is; a checkpoint inside one is evaluated with that run's tasks and text. */
async function placeOf(target: string | undefined, options: RunOptions): Promise<Partial<RunOptions>> {
  if (target === undefined) return {};
  if (await exists(join(target, 'pipeline.yaml'))) return { out: options.out ?? target };
  const checkpoint = await resolveCheckpoint(target);
  const run = dirname(dirname(resolve(checkpoint)));
  const isInRun = await exists(join(run, 'pipeline.yaml'));
  return { from: checkpoint, out: options.out ?? (isInRun ? run : undefined) };
}
