// `run --seeds`: the whole pipeline once for each seed, each in a folder of its own that is a run like any other (it is
// skipped, resumed and looked at alone), and one report over all of them.
import { dirname, join } from 'node:path';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { latestName, metricsName, reportName, settingsName } from '../base/layout.js';
import { mossctlCommand, shellQuoted } from '../base/shell.js';
import { type Ending, headlineText } from '../report/ending.js';
import { type SeedRun, seedsText, summariseSeeds, writeSeedsReport } from '../report/seeds.js';
import { endingOf, meanEnding } from './ending.js';
import type { RunOptions } from './options.js';
import { printJson, printLine, shownPath } from './output.js';
import { RunPage } from './run-page.js';
import { endPage, failOnMissing, findRun, keepWorking, runStages, typedCommand } from './run-stages.js';

export async function runSeeds(pipeline: string, seeds: readonly number[], options: RunOptions): Promise<void> {
  const { config, folder } = await findRun({ ...options, config: pipeline });
  await checkSeeds(config.eval !== undefined, folder);
  const folders = seeds.map((seed) => join(folder, `seed-${seed}`));
  const page = options.ui ? await RunPage.open(folders, { ...options, root: dirname(folder) }) : undefined;
  try {
    const failed = await runEach(pipeline, seeds, { ...options, ui: false, name: config.name, folder });
    await endPage(page, options);
    failOnMissing(failed);
  } catch (error) {
    await page?.close();
    throw error;
  }
}

/** @returns what of all of them could not be saved or measured. */
async function runEach(
  pipeline: string,
  seeds: readonly number[],
  { name, folder, ...options }: RunOptions & { name: string; folder: string },
): Promise<Parameters<typeof failOnMissing>[0]> {
  const runs: SeedRun[] = [];
  const endings: Ending[] = [];
  const failed: Parameters<typeof failOnMissing>[0] = { unsaved: [], unmeasured: [] };
  for (const [i, seed] of seeds.entries()) {
    const out = join(folder, `seed-${seed}`);
    const result = await runStages({
      ...options,
      tables: false,
      config: pipeline,
      seed: String(seed),
      out,
      heading: `seed ${seed}, ${i + 1} of ${seeds.length}, in ${shownPath(out)}`,
      command: mossctlCommand('run', shownPath(join(out, settingsName)), '--out', shownPath(out)),
    });
    if (result.table !== undefined) runs.push({ seed, table: result.table });
    const ending = await endingOf(result);
    if (ending !== undefined) endings.push(ending);
    if (ending !== undefined && !options.json) printLine(`\n${headlineText(ending)}\n`);
    for (const kind of ['unsaved', 'unmeasured'] as const) failed[kind].push(...result[kind]);
  }
  const report = await keepWorking(join(folder, reportName), () =>
    writeSeedsReport(folder, { name, command: typedCommand(), runs }),
  );
  if (options.json) printJson({ type: 'seeds', ...summariseSeeds(runs), runs, report });
  else {
    printLine(`\n${name}: mean over seeds ${seeds.join(', ')}\n`);
    if (endings.length > 0) printLine(`${headlineText(meanEnding(endings, summariseSeeds(runs)))}\n`);
    printLine(seedsText(runs));
    printLine(`report  ${report === null ? 'not written' : shownPath(report)}`);
    printLine(`next    ${mossctlCommand('chat', shownPath(join(folder, `seed-${seeds[0]}`, latestName)))}`);
  }
  return failed;
}

async function checkSeeds(hasEval: boolean, folder: string): Promise<void> {
  if (!hasEval) {
    throw new UserError({
      what: '--seeds compares the results of eval, and this pipeline has no eval block',
      next: 'Add one: --set eval={}',
    });
  }
  if (await exists(join(folder, metricsName))) {
    throw new UserError({
      what: 'this folder holds a single run, whose report the one over all seeds would replace',
      where: folder,
      next: `Choose another folder: --out ${shellQuoted(`${folder}-seeds`)}`,
    });
  }
}
