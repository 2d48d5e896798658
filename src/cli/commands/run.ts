// mossctl run: the whole pipeline, then the report and what to type next. The reporter has printed the eval table.
import { join } from 'node:path';
import { latestName } from '../../base/layout.js';
import { mossctlCommand } from '../../base/shell.js';
import { modelStagesOf, stageTable } from '../../stages/catalog.js';
import type { RunOptions } from '../options.js';
import { printLine } from '../output.js';
import { runSeeds } from '../run-seeds.js';
import { failOnMissing, runStages } from '../run-stages.js';

export async function run(pipeline: string, options: RunOptions): Promise<void> {
  if (options.seeds !== undefined) return runSeeds(pipeline, options.seeds, options);
  const result = await runStages({ ...options, config: pipeline });
  if (!options.json) {
    printLine(`report  ${result.report}`);
    const isModel = modelStagesOf(stageTable).some((name) => result.outputs[name] !== undefined);
    if (isModel) printLine(`next    ${mossctlCommand('chat', join(result.folder, latestName))}`);
  }
  failOnMissing(result);
}
