// mossctl run: the whole pipeline, then what came out in a sentence and six rows, the report, and what to type next.
import { join } from 'node:path';
import { latestName } from '../../base/layout.js';
import { mossctlCommand } from '../../base/shell.js';
import { endingText } from '../../report/ending.js';
import { endingOf } from '../ending.js';
import type { RunOptions } from '../options.js';
import { printLine } from '../output.js';
import { runSeeds } from '../run-seeds.js';
import { endPage, failOnMissing, runStages } from '../run-stages.js';

export async function run(pipeline: string, options: RunOptions): Promise<void> {
  if (options.seeds !== undefined) return runSeeds(pipeline, options.seeds, options);
  const result = await runStages({ ...options, config: pipeline, tables: false });
  if (!options.json) {
    const ending = await endingOf(result);
    if (ending !== undefined) printLine(`\n${endingText(ending)}\n`);
    printLine(`report  ${result.report}`);
    if (result.table !== undefined) printLine(`table   ${mossctlCommand('eval', result.folder)}`);
    if (ending !== undefined) printLine(`next    ${mossctlCommand('chat', join(result.folder, latestName))}`);
  }
  await endPage(result.page, options);
  failOnMissing(result);
}
