// Runs the stages of a pipeline in their one order. A stage whose inputs are unchanged is skipped, an interrupted one
// resumes where it stopped, a changed one starts beside the old: stopping at any moment and running again gives the
// same result as never stopping.
import { realpath } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { stopIfAborted, UserError } from '../base/errors.js';
import { kebabCase } from '../base/format.js';
import { ownVersion } from '../base/version.js';
import type { WhereIs } from '../base/yaml.js';
import { linkLatest, removeTemporary } from '../checkpoint/history.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import { type EvaluationTable, type Event, type Reporter, stageReporter } from '../report/event.js';
import { modelStagesOf, namesOf, stageTable } from '../stages/catalog.js';
import type { Job, StageOutput } from '../stages/stage.js';
import type { StageTable } from '../stages/stage-row.js';
import type { Communicator } from '../tensor/communicator.js';
import { checkAhead, plannedHere } from './check.js';
import { expectedDurations, keepDuration } from './durations.js';
import { lockDirectory } from './lock.js';
import { findAvailable, findOwnParent, findParents, withStart } from './parent.js';
import { blockOf, checkParents, evaluationSetsOf, inputsOf, unplannedModels } from './plan.js';
import { checkRanks, runOnRanks } from './ranks.js';
import {
  damagedFiles,
  finishedOutput,
  openStageFolder,
  outputFiles,
  type Provenance,
  readRecord,
  repairLatest,
  repairRecords,
  type StageRecord,
  takeBack,
  writeRecord,
} from './record.js';
import { inputDigestOf, measureAnew, prepareResume } from './resume.js';
import { keepSettings, settingsOf, writeSettings } from './settings.js';

export interface PipelineRun {
  config: PipelineConfig;
  /** `runs/<name>`; made where absent. */
  runDirectory: string;
  /** Where a key of `config` was set: a fault of the file that it names says so. */
  whereIs?: WhereIs;
  /** False: it is a default, which errors need not name. */
  isNamed?: boolean;
  /** Only this stage, and what prepares its data. */
  only?: StageName;
  /** A checkpoint that takes the place of the first model stage's parent. */
  from?: string;
  /** Refuse to start `only` afresh: there must be an interrupted try of the same settings. */
  resume?: boolean;
  /** With `resume`: keys of settings that may differ from those it began with (`data` for what it reads). */
  override?: readonly string[];
  /** False: checkpoints are opened without comparing the sha256 of their files. */
  verify?: boolean;
  reporter: Reporter;
  signal?: AbortSignal;
  /** The ranks that were started together, of which this is the first. */
  communicator?: Communicator;
  /** Called once the folder is this run's: what is reported earlier joins the events of whoever holds it. */
  onHeld?(): void;
  /** The stages by name; given only by tests. */
  stages?: StageTable;
}

export interface PipelineResult {
  runDirectory: string;
  /** What each stage of the plan made, now or earlier. */
  outputs: Partial<Record<StageName, StageOutput>>;
  skipped: StageName[];
  /** The models of the run folder, or given with --from, oldest stage first: which came from which. */
  models: { stage: StageName; path: string; digest: string }[];
  /** The eval table, where the plan has an eval. */
  table?: EvaluationTable;
  /** Checkpoints that could not be saved on the way, though every stage ended with one. */
  unsaved: string[];
  /** Steps whose evaluation or samples failed. */
  unmeasured: string[];
}

/**
 * @throws UserError for a missing parent or file, a folder in use, or bad input of a stage.
 * @throws Interrupted once `signal` is aborted and the stage has saved its work.
 */
export async function runPipeline(run: PipelineRun): Promise<PipelineResult> {
  const { stages = stageTable } = run;
  const names = namesOf(stages);
  const place = resolve(run.runDirectory);
  const plan = await plannedHere({ config: run.config, stages }, place, run.only);
  if (plan.length === 0) {
    const blocks = names.filter((name) => stages[name].isConfigured === undefined);
    throw new UserError({
      what: 'this pipeline has no stage to run',
      why: `it has none of the blocks ${blocks.join(', ')}`,
      next: 'Start from a packaged one: mossctl run quickstart',
    });
  }
  checkRanks(plan, { config: run.config, stages }, run.communicator);
  const { config, from } = await withStart({ ...run, stages, plan });
  const pipeline = { config, stages };
  const others = names.filter((name) => !plan.includes(name));
  const { runDirectory, isNamed } = run;
  const warn = (stage: string, text: string): void =>
    run.reporter.emit({ type: 'note', stage, level: 'warning', text });
  const isMeasured = run.only !== undefined && stages[run.only].onlyMeasures === true && from === undefined;
  const parents = isMeasured
    ? await findOwnParent(pipeline, place, warn)
    : await findParents(from, plan, pipeline, place);
  checkParents({
    ...pipeline,
    plan,
    available: await findAvailable(place, others, parents, warn),
    runDirectory,
    isNamed,
  });
  await checkAhead({ ...run, config, stages, runDirectory: place, plan });
  const { emit, note } = stageReporter(run.reporter, 'run');
  const lock = await lockDirectory(place, {
    signal: run.signal,
    onWait: (holder, done, total) =>
      emit({ type: 'progress', label: `waiting for a sign of life of ${holder}`, done, total, unit: 's' }),
  });
  try {
    run.onHeld?.();
    for (const text of lock.notes) note('warning', text);
    // Checkpoints are known by their real paths: `latest` is made relative to the real folder.
    const runDirectory = await realpath(place);
    await removeTemporary(runDirectory);
    for (const { stage, text } of await repairRecords(runDirectory, names)) warn(stage, text);
    const relinked = await repairLatest(runDirectory, modelStagesOf(stages));
    if (relinked !== undefined) warn('run', relinked);
    const available = await findAvailable(runDirectory, others, parents);
    for (const text of unplannedModels(pipeline, plan, run.only)) note('info', text);
    const active: ActiveRun = { ...run, config, stages, runDirectory, plan, available, hasChanged: false };
    return await Promise.race([withSettings(active), lock.lost]);
  } finally {
    await lock.release();
  }
}

interface ActiveRun extends PipelineRun {
  stages: StageTable;
  plan: readonly StageName[];
  /** Finished outputs that a stage may take as input; grows as stages finish. */
  available: Map<StageName, StageOutput>;
  /** A stage has finished, or put something into its folder. */
  hasChanged: boolean;
}

/**
 * The settings that are asked for become those of the run; not those of a try that was refused before anything came of it,
 * and not what somebody measures with.
 */
async function withSettings(run: ActiveRun): Promise<PipelineResult> {
  const { runDirectory } = run;
  const { hadSettings, restore } = await keepSettings(runDirectory);
  const isMeasured = run.only !== undefined && run.stages[run.only].onlyMeasures === true && hadSettings;
  if (!run.resume && !isMeasured) await writeSettings(run.config, runDirectory);
  try {
    return await runStages(run);
  } catch (error) {
    if (error instanceof UserError && !run.hasChanged && !isMeasured) await restore();
    throw error;
  }
}

async function runStages(run: ActiveRun): Promise<PipelineResult> {
  const models = modelStagesOf(run.stages);
  const result: PipelineResult = {
    runDirectory: run.runDirectory,
    outputs: {},
    skipped: [],
    models: [],
    unsaved: [],
    unmeasured: [],
  };
  const planned = await expectedDurations(run.plan, run);
  run.reporter.emit({ type: 'plan', stage: 'run', stages: planned });
  for (const name of run.plan) {
    stopIfAborted(run.signal, `stopped before ${name}`);
    const { output, table, skipped, unsaved, unmeasured } = await runStage(name, run);
    result.unsaved.push(...unsaved);
    result.unmeasured.push(...unmeasured);
    run.available.set(name, output);
    result.outputs[name] = output;
    if (skipped) result.skipped.push(name);
    else run.hasChanged = true;
    if (table !== undefined) result.table = table;
  }
  const last = run.plan.findLast((name) => models.includes(name));
  const newest = last === undefined ? undefined : result.outputs[last];
  if (newest !== undefined && run.only === undefined) await linkLatest(run.runDirectory, newest.path);
  result.models = models.flatMap((stage) => {
    const output = run.available.get(stage);
    return output === undefined ? [] : [{ stage, path: output.path, digest: output.digest }];
  });
  return result;
}

async function runStage<Name extends StageName>(name: Name, run: ActiveRun) {
  const { runDirectory } = run;
  const reporter = stageReporter(run.reporter, name);
  const stage = await run.stages[name].load();
  const needed = inputsOf(name, run).filter((need) => run.available.has(need));
  const inputs = Object.fromEntries(
    needed.map((need) => [need, run.available.get(need)?.path]),
  ) as Job<never>['inputs'];
  const config = blockOf(run.config, name);
  const evaluationSets = evaluationSetsOf(run);
  const made: Provenance = {
    version: ownVersion(),
    seed: run.config.seed,
    config: await settingsOf(run.config, name, run.stages[name]),
    inputs: Object.fromEntries(needed.map((need) => [need, run.available.get(need)?.digest ?? ''])),
    outside: (await stage.inputDigest?.({ config, inputs, evaluationSets })) ?? null,
  };
  const inputDigest = inputDigestOf(name, made);
  const place = await placeOf(name, made, run);
  if (await measureAnew({ ...run, name, made })) {
    reporter.note('info', `only what ${name} is measured by changed: it is measured again, and not trained`);
  }
  const undo = run.resume && name === run.only ? await resumeWith(name, made, run) : undefined;
  const { record: earlier, restored, replaced } = await openStageFolder(runDirectory, name, inputDigest, place);
  if (replaced !== undefined) {
    const kept = join(runDirectory, replaced);
    reporter.note('info', `settings or inputs of ${name} changed: it starts afresh, what was there is kept in ${kept}`);
  }
  const finished = await wholeOutput(name, earlier, run);
  const isModel = run.stages[name].output === 'checkpoint';
  if (finished !== undefined) {
    const table = earlier?.table;
    reporter.emit({ type: 'stage', state: 'skipped', detail: 'unchanged since it finished' });
    if (table !== undefined) reporter.emit({ type: 'table', ...table });
    if (isModel && restored) await linkLatest(runDirectory, finished.path);
    return { output: finished, table, skipped: true, unsaved: [], unmeasured: [] };
  }
  const overrides = earlier?.overrides ?? [];
  const started: StageRecord = { stage: name, state: 'started', inputDigest, made, overrides, files: {} };
  await writeRecord(runDirectory, name, started, place);
  reporter.emit({ type: 'stage', state: earlier === undefined ? 'started' : 'resumed' });
  const begun = performance.now();
  const observer = observe(run.reporter);
  const { backend, threads, precision } = run.config;
  const work = runOnRanks(name, run.stages[name], stage, {
    config,
    inputs,
    directory: join(runDirectory, place),
    seed: run.config.seed,
    compute: { backend, threads, precision },
    reporter: stageReporter(observer, name),
    signal: run.signal,
    overrides,
    evaluationSets,
    verify: run.verify,
    communicator: run.communicator,
  });
  const output = await work.catch(async (error: unknown) => {
    // Refused, and nothing done yet: the try that is there keeps the settings it was made with.
    if (error instanceof UserError && !observer.hasBegun) await undo?.();
    const isTakenBack = error instanceof UserError && !run.resume && (await takeBack(runDirectory, place, replaced));
    if (!isTakenBack) run.hasChanged = true;
    // The folder is as it was, and so are the curves: without this word, the `started` above would have erased them.
    else reporter.emit({ type: 'stage', state: 'taken back', detail: 'it was refused before anything came of it' });
    throw error;
  });
  const { table, unsaved, unmeasured } = observer;
  const { digest, metrics } = output;
  const path = relative(runDirectory, output.path);
  const files = await outputFiles(output.path);
  // Before the record: a kill in between must not leave a stage that is skipped from then on and never linked.
  if (isModel) await linkLatest(runDirectory, output.path);
  const end = { state: 'finished', output: { path, digest, metrics }, files, ...(table && { table }) } as const;
  await writeRecord(runDirectory, name, { ...started, ...end }, place);
  reporter.emit({ type: 'stage', state: 'finished', detail: path });
  if (earlier === undefined) await keepDuration(name, run, (performance.now() - begun) / 1000);
  return { output, table, skipped: false, unsaved, unmeasured };
}

/**
 * The folder of a stage in the run. What is measured with other settings than the run's, or of another model, gets a folder of its
 * own beside the evaluation of the run, which stays.
 */
async function placeOf(name: StageName, made: Provenance, run: ActiveRun): Promise<string> {
  const own = kebabCase(name);
  if (name !== 'eval' || run.only !== 'eval') return own;
  const record = await readRecord(run.runDirectory, name);
  if (record?.made === undefined) return own;
  const isSame = run.from === undefined && isDeepStrictEqual(record.made.config, made.config);
  const inputDigest = inputDigestOf(name, made);
  return isSame || record.inputDigest === inputDigest ? own : `${own}-${inputDigest.slice(0, 8)}`;
}

/** Makes the record of a stage and the settings of the run those that are asked for. @returns what takes that back. */
async function resumeWith(name: StageName, made: Provenance, run: ActiveRun): Promise<() => Promise<void>> {
  const { runDirectory, config, stages, override = [] } = run;
  const record = await readRecord(runDirectory, name);
  const { restore } = await keepSettings(runDirectory);
  await prepareResume({ name, stages, made, runDirectory, named: override });
  await writeSettings(config, runDirectory);
  return async () => {
    if (record !== undefined) await writeRecord(runDirectory, name, record);
    await restore();
  };
}

/** What an earlier run finished, if it is still as it was: a stage whose output was damaged runs again. */
async function wholeOutput(
  name: StageName,
  earlier: StageRecord | undefined,
  { runDirectory, reporter }: ActiveRun,
): Promise<StageOutput | undefined> {
  const output = await finishedOutput(runDirectory, earlier);
  if (earlier === undefined || output === undefined) return undefined;
  const damaged = await damagedFiles(output.path, earlier);
  if (damaged.length === 0) return output;
  stageReporter(reporter, name).note('warning', `rebuilt because it changed on disk: ${damaged.join(', ')}`);
  return undefined;
}

interface ObservingReporter extends Reporter {
  /** Kept in the record, so that a later run that skips eval can still show it. */
  table?: EvaluationTable;
  unsaved: string[];
  unmeasured: string[];
  /** Something has been computed. */
  hasBegun: boolean;
}

/** Passes events on, and keeps what the runner needs of them. */
function observe(reporter: Reporter): ObservingReporter {
  const observer: ObservingReporter = {
    unsaved: [],
    unmeasured: [],
    hasBegun: false,
    emit(event: Event): void {
      if (event.type === 'step' || event.type === 'progress') observer.hasBegun = true;
      if (event.type === 'table') {
        const { columns, comparisons } = event;
        observer.table = { columns, ...(comparisons && { comparisons }) };
      }
      if (event.type === 'note' && event.unsaved !== undefined) observer.unsaved.push(event.unsaved);
      if (event.type === 'note' && event.unmeasured !== undefined) observer.unmeasured.push(event.unmeasured);
      reporter.emit(event);
    },
  };
  return observer;
}
