// What can be known before the first stage starts: a fault of the last stage must not wait for the hours before it.
import type { WhereIs } from '../base/yaml.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import type { TrainConfig } from '../config/train.js';
import { type Reporter, stageReporter } from '../report/event.js';
import type { StageTable } from '../stages/stage-row.js';
import { alone, type Communicator } from '../tensor/communicator.js';
import { checkStatistics } from '../train/ranks.js';
import { blockOf, checkFiles, type Pipeline, planStages } from './plan.js';
import { finishedOutput, readRecord } from './record.js';

interface Preflight extends Pipeline {
  runDirectory: string;
  plan: readonly StageName[];
  whereIs?: WhereIs;
  reporter: Reporter;
  /** Who trains together; default: this process alone. */
  communicator?: Communicator;
}

/**
 * A stage that has finished is not looked at: it will most likely be skipped, and needs neither key nor backend then.
 * @throws UserError for a missing file, a backend that cannot run here or not as asked, statistics that several processes do not
 * collect, and what a stage's own `check` finds.
 */
export async function checkAhead(preflight: Preflight): Promise<void> {
  const { config, runDirectory, plan, whereIs, stages, reporter, communicator = alone } = preflight;
  await checkFiles(plan, config, whereIs);
  const states = await Promise.all(plan.map(async (name) => (await readRecord(runDirectory, name))?.state));
  const pending = plan.filter((_, i) => states[i] !== 'finished');
  for (const name of pending) {
    const { train } = (blockOf(config, name) ?? {}) as { train?: Pick<TrainConfig, 'statisticsEvery'> };
    checkStatistics(name, train ?? {}, communicator);
  }
  for (const name of pending) await checkStage(name, config, stages);
  const needsBackend = pending.some((name) => stages[name].needsBackend);
  const { backend, threads, precision } = config;
  const isAsked = backend !== 'auto' || threads !== undefined || precision !== 'fp32';
  if (!isAsked || !needsBackend) return;
  const { openBackend } = await import('../tensor/backends.js');
  const { note, name, warning } = await openBackend(backend, { threads, precision });
  const run = stageReporter(reporter, 'run');
  run.note('info', note, { backend: name });
  if (warning !== undefined) run.note('warning', warning);
}

/**
 * The stages that `only` asks for, or all. One that only measures takes the data of this folder as they are: other tasks to
 * measure with are no reason to make them anew, without those tasks, and with them all models.
 */
export async function plannedHere(pipeline: Pipeline, runDirectory: string, only?: StageName): Promise<StageName[]> {
  const plan = planStages(pipeline, only);
  if (only === undefined || pipeline.stages[only].onlyMeasures === undefined) return plan;
  const isThere = async (name: StageName): Promise<boolean> =>
    name !== only && (await finishedOutput(runDirectory, await readRecord(runDirectory, name))) !== undefined;
  const there = await Promise.all(plan.map(isThere));
  return plan.filter((_, i) => !there[i]);
}

async function checkStage<Name extends StageName>(
  name: Name,
  config: PipelineConfig,
  stages: StageTable,
): Promise<void> {
  const stage = await stages[name].load();
  await stage.check?.({ config: blockOf(config, name) });
}
