// A few rows of what a stage would make, before it makes them: what it builds on is built as a run would, then the stage is
// asked for the rows alone. The run folder is held meanwhile, its record and its files stay as they are.
import { join, resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import { kebabCase } from '../base/format.js';
import type { StageName } from '../config/pipeline.js';
import { stageReporter } from '../report/event.js';
import { stageTable } from '../stages/catalog.js';
import type { Job, Stage, StagePreview } from '../stages/stage.js';
import type { StageConfigs } from '../stages/stage-row.js';
import { lockDirectory } from './lock.js';
import { blockOf, checkFiles, evaluationSetsOf, inputsOf, planStages } from './plan.js';
import { finishedOutput, readRecord } from './record.js';
import { type PipelineRun, runPipeline } from './run.js';

/**
 * @throws UserError for a missing file, a folder in use, or bad input of the stage.
 * @throws Interrupted once `signal` is aborted.
 */
export async function previewStage<Name extends StageName>(
  name: Name,
  count: number,
  run: Pick<PipelineRun, 'config' | 'whereIs' | 'runDirectory' | 'reporter' | 'signal'>,
): Promise<StagePreview> {
  const { stages, config, runDirectory, reporter, signal } = { stages: stageTable, ...run };
  const pipeline = { config, stages };
  const stage: Stage<StageConfigs[Name]> = await stages[name].load();
  await checkFiles([name], config, run.whereIs);
  await stage.check?.({ config: blockOf(config, name) });
  const [last] = planStages(pipeline, name)
    .filter((each) => each !== name)
    .slice(-1);
  if (last !== undefined) await runPipeline({ ...run, only: last });
  const place = resolve(runDirectory);
  const lock = await lockDirectory(place, { signal });
  try {
    const inputs: Job<unknown>['inputs'] = {};
    for (const need of inputsOf(name, pipeline))
      inputs[need] = (await finishedOutput(place, await readRecord(place, need)))?.path;
    const { backend, threads, precision } = config;
    const job = {
      config: blockOf(config, name),
      inputs,
      directory: join(place, kebabCase(name)),
      seed: config.seed,
      compute: { backend, threads, precision },
      reporter: stageReporter(reporter, name),
      signal,
      evaluationSets: evaluationSetsOf(pipeline),
    };
    const work = stage.preview?.(job, count);
    if (work === undefined) throw new UserError({ what: `${stages[name].command} has no preview` });
    return await Promise.race([work, lock.lost]);
  } finally {
    await lock.release();
  }
}
