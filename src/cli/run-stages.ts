// What `run` and the stage commands share: flags → configuration → pipeline → the closing lines.
import { dirname, join, relative } from 'node:path';
import { asUserError, type Fault, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { kebabCase } from '../base/format.js';
import { metricsName, reportName, settingsName } from '../base/layout.js';
import type { Flags } from '../base/overrides.js';
import { mossctlCommand } from '../base/shell.js';
import type { WhereIs } from '../base/yaml.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import { loadPipeline } from '../pipeline/load.js';
import { FolderInUse } from '../pipeline/lock.js';
import { type PipelineResult, runPipeline } from '../pipeline/run.js';
import { writeReport } from '../report/html.js';
import type { StageOutput } from '../stages/stage.js';
import { computeFlags, type RunOptions } from './options.js';
import { addIncomplete, chosenSpeech, printJson, printLine, shownPath, warnOnStderr } from './output.js';
import { communicator } from './ranks.js';
import { reporting } from './reporting.js';
import { RunPage } from './run-page.js';
import { trainingFlags } from './training-options.js';

export interface StageRun extends RunOptions {
  only?: StageName;
  /** Named flags of that stage: dotted key → value. */
  flags?: Flags;
  /** Blocks below that stage's that a flag asks for: dotted keys. */
  blocks?: readonly string[];
  /** Said before the first stage. */
  heading?: string;
  /** False: the eval table is not printed. */
  tables?: boolean;
  /** What the report says to type for this run again; default: what was typed. */
  command?: string;
}

/** Runs the stages that `options` ask for. With --json, the result is printed as the last line. */
export async function runStages(options: StageRun) {
  const found = await findRun(options);
  const page = options.ui ? await RunPage.open([found.folder], { ...options, root: dirname(found.folder) }) : undefined;
  try {
    return { ...(await runFound(options, found)), page };
  } catch (error) {
    await page?.close();
    throw error;
  }
}

async function runFound(options: StageRun, { config, whereIs, folder, warnings }: FoundRun) {
  const again = mossctlCommand('run', shownPath(join(folder, settingsName)), '--out', `${folder}-again`);
  const command = options.command ?? (options.only === undefined ? typedCommand() : again);
  const isNamed = options.out !== undefined || options.config !== undefined;
  const { heading, only, from, resume, override, verify } = options;
  const work = reporting('run', { ...options, runDirectory: folder }, ({ reporter, signal }) => {
    const onHeld = (): void => {
      for (const text of warnings) reporter.note('warning', text);
      if (heading !== undefined) reporter.note('info', heading);
    };
    const choice = { only, from, resume, override, verify };
    return runPipeline({
      config,
      whereIs,
      runDirectory: folder,
      isNamed,
      ...choice,
      reporter,
      signal,
      onHeld,
      communicator: communicator(),
    });
  });
  const result = await work.catch(async (error: unknown) => {
    // What there is so far is worth looking at; why it ended is worth more than a report that cannot be written.
    const isOwn = !(error instanceof FolderInUse) && (await exists(join(folder, metricsName)));
    if (isOwn) await writeReport(folder, { command, speech: chosenSpeech() }).catch(() => undefined);
    throw error;
  });
  const models = result.models.map((model) => ({ ...model, path: relative(result.runDirectory, model.path) }));
  const report = await keepWorking(join(folder, reportName), () =>
    writeReport(folder, { command, models, speech: chosenSpeech() }),
  );
  if (options.json) printJson({ type: 'result', ...result, report });
  // Both as a person would type them: relative to where they are.
  return { ...result, folder, config, report: report === null ? 'not written' : shownPath(report) };
}

/** Writes a report. What stops it is a warning, and no reason to lose the work or the rest of it; then null is returned. */
export async function keepWorking(path: string, write: () => Promise<string>): Promise<string | null> {
  try {
    return await write();
  } catch (error) {
    warnOnStderr((asUserError(error, path) as Error).message);
    addIncomplete(path);
    return null;
  }
}

/** What to type after a stage: with the run folder as a person types it, the settings of the run and what the stage made. */
type NextStep = (folder: string, config: PipelineConfig, output?: StageOutput) => string | Promise<string>;

/** The closing lines of a stage command: what it made, and what to type next. */
export async function runOneStage(only: StageName, options: StageRun, next: NextStep) {
  const { outputs, skipped, report, folder, config, page, ...failed } = await runStages({ ...options, only });
  if (!options.json) {
    const output = outputs[only];
    const place = join(failed.runDirectory, kebabCase(only));
    if (output !== undefined) printLine(outcomeLine(output.path, place, skipped.includes(only)));
    printLine(`report  ${report}\nnext    ${await next(folder, config, output)}`);
  }
  await endPage(page, options);
  failOnMissing(failed);
}

/** What came of a stage. @param place its folder: alignment that promotes nothing hands on the model it was given, which lies elsewhere. */
export function outcomeLine(path: string, place: string, isSkipped: boolean): string {
  if (relative(place, path).startsWith('..')) return `kept  ${shownPath(path)}, nothing was promoted`;
  return `${isSkipped ? 'unchanged' : 'wrote'}  ${shownPath(path)}`;
}

/** What a command with a page does once all is printed. */
export async function endPage(page: RunPage | undefined, options: StageRun): Promise<void> {
  await page?.stay(options);
  await page?.close();
}

/**
 * The last thing a command does: a run that could not save all its checkpoints, or measure all that it should, has failed,
 * though it has a result. @throws UserError (exit code 1) naming them.
 */
export function failOnMissing({ unsaved, unmeasured }: Pick<PipelineResult, 'unsaved' | 'unmeasured'>): void {
  const faults: Fault[] = [];
  if (unsaved.length > 0) {
    faults.push({
      what: 'not every checkpoint could be saved while it trained',
      where: firstFew(unsaved.map(shownPath)),
      why: 'every stage ended with a whole one, but a crash in between would have cost more than it should',
      next: 'Look at the warnings above, and free space or fix permissions before the next run',
    });
  }
  if (unmeasured.length > 0) {
    faults.push({
      what: 'not every evaluation and sample succeeded while it trained',
      where: firstFew(unmeasured),
      why: 'the checkpoints are whole',
      next: 'The warnings above say what failed; `mossctl eval` and `mossctl chat` show what the checkpoint can do',
    });
  }
  if (faults.length > 0) throw new UserError(faults, { exitCode: 1 });
}

function firstFew(all: readonly string[]): string {
  const names = [...new Set(all)];
  return names.slice(0, 5).join(', ') + (names.length > 5 ? `, … (${names.length} in all)` : '');
}

type FoundRun = Awaited<ReturnType<typeof findRun>>;

/** Without --config, the settings of the run folder itself are taken, where it has been used before. */
export async function findRun(options: StageRun) {
  const earlier = options.out === undefined ? undefined : join(options.out, settingsName);
  const isRepeat = options.config === undefined && earlier !== undefined && (await exists(earlier));
  const { only } = options;
  if (options.config === undefined && !isRepeat) refuseUnsaid(options);
  const training = only === undefined ? { flags: {}, set: options.set } : trainingFlags(only, options);
  const warnings: string[] = [];
  let whereIs: WhereIs | undefined;
  const config = await loadPipeline({
    config: isRepeat ? earlier : options.config,
    size: options.size,
    set: training.set,
    flags: { seed: options.seed, ...computeFlags(options), ...training.flags, ...options.flags },
    blocks: only && [only, ...(options.blocks ?? [])],
    warn: (text) => warnings.push(text),
    locate: (found) => {
      whereIs = found;
    },
  });
  return { config, whereIs, warnings, folder: options.out ?? join('runs', config.name) };
}

/** What a stage cannot begin without, said before its schema says it of a key. */
const firstNeeds: Partial<Record<StageName, { key: string; what: string; next: string }>> = {
  data: {
    key: 'data.spec',
    what: 'no text was named',
    next: `Name folders, files, or a data-spec: ${mossctlCommand('data', 'build', 'novels/')}`,
  },
  selfInstruct: {
    key: 'selfInstruct.seeds',
    what: 'no seed tasks were named',
    next: 'Give a pipeline that has some (--config quickstart), or a file of them: --set selfInstruct.seeds=FILE',
  },
};

function refuseUnsaid({ only, set = [], flags = {} }: StageRun): void {
  const need = only && firstNeeds[only];
  if (need === undefined || flags[need.key] !== undefined) return;
  if (set.some((text) => text.startsWith(`${need.key}=`))) return;
  throw new UserError({ what: need.what, next: need.next });
}

export function typedCommand(): string {
  return mossctlCommand(...process.argv.slice(2));
}
