// A pipeline that a program runs: the same runner as the command line's, with the events for the program instead of a terminal.
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import type { z } from 'zod';
import { asUserError } from '../base/errors.js';
import { reportName, settingsName } from '../base/layout.js';
import { commandLine } from '../base/shell.js';
import type { WhereIs } from '../base/yaml.js';
import type { pipelineSchema, StageName } from '../config/pipeline.js';
import { withFetching } from '../network/fetching.js';
import { loadPipeline } from '../pipeline/load.js';
import { runPipeline } from '../pipeline/run.js';
import { type EvaluationTable, type Event, type Reporter, stageReporter } from '../report/event.js';
import { writeReport } from '../report/html.js';
import { createReporter } from '../report/reporter.js';
import { checkKeys } from './checked.js';

/** The keys of a pipeline file, as `mossctl COMMAND --help` lists them. */
export type Pipeline = z.input<typeof pipelineSchema>;
/** What happens while it runs: steps with their losses, held-out results, samples, notes, progress. */
export type TrainEvent = Event;

export interface TrainOptions {
  /** Folder of the run. Default: runs/NAME, of the pipeline's `name`. */
  out?: string;
  /** `a.b=c`, over what the pipeline says. */
  set?: readonly string[];
  /** One stage alone, and what prepares its data. */
  only?: StageName;
  /** The model that the first stage that trains starts from. */
  from?: string;
  /** Keys are taken out of what it hears. What it throws ends the run. */
  onEvent?(event: TrainEvent): void;
  /** Asks it to save and stop. */
  signal?: AbortSignal;
}

export interface TrainResult {
  /** Real path of the run folder. */
  runDirectory: string;
  /** What each stage made, now or earlier: the path for later stages, its digest, and numbers of it. */
  outputs: Partial<Record<StageName, { path: string; digest: string; metrics: Readonly<Record<string, number>> }>>;
  /** Stages that were done already. */
  skipped: StageName[];
  /** The models, oldest stage first. */
  models: { stage: StageName; path: string; digest: string }[];
  /** What was measured of each, where the pipeline has an `eval` block. */
  table?: EvaluationTable;
  /** Checkpoints that could not be saved on the way, and steps whose evaluation failed. */
  unsaved: string[];
  unmeasured: string[];
  /** Files beside the work that are not whole, metrics.jsonl and report.html among them: events of warnings say why. */
  incomplete: string[];
  /** Path of report.html; null where it could not be written. */
  report: string | null;
}

const trainKeys = ['out', 'set', 'only', 'from', 'onEvent', 'signal'] satisfies (keyof TrainOptions)[];

export async function run(pipeline: string | Pipeline, options: TrainOptions): Promise<TrainResult> {
  checkKeys(options, trainKeys);
  const { out, set, only, from, onEvent, signal } = options;
  let whereIs: WhereIs | undefined;
  const locate = (found: WhereIs): void => {
    whereIs = found;
  };
  const config = await loadPipeline({ config: pipeline, set, locate, ...(only !== undefined && { blocks: [only] }) });
  const runDirectory = resolve(out ?? join('runs', config.name));
  const nowhere = new Writable({ write: (_, __, done) => done() });
  const incomplete = new Set<string>();
  let fault: { error: unknown } | undefined;
  const kept = createReporter({
    runDirectory,
    mode: 'quiet',
    stdout: nowhere,
    stderr: nowhere,
    onIncomplete: (path) => incomplete.add(path),
    onEvent: (event) => {
      try {
        onEvent?.(event);
      } catch (error) {
        fault ??= { error };
      }
    },
  });
  const reporter: Reporter = {
    emit(event) {
      kept.emit(event);
      if (fault !== undefined) throw fault.error; // of the program that listens: no sink of ours
    },
  };
  const finish = async (): Promise<Omit<TrainResult, 'incomplete'>> => {
    const result = await withFetching(
      (fetch) => fetch({ reporter: stageReporter(reporter, 'fetch'), signal: signal ?? new AbortController().signal }),
      () => runPipeline({ config, whereIs, runDirectory, only, from, signal, reporter }),
    );
    const command = commandLine(
      'npx',
      'mossctl',
      'run',
      join(runDirectory, settingsName),
      '--out',
      `${runDirectory}-again`,
    );
    const report = await writeReport(runDirectory, { command, models: result.models }).catch((error: unknown) => {
      // The work is done, and worth more than what is written about it.
      const path = join(runDirectory, reportName);
      stageReporter(kept, 'report').note('warning', (asUserError(error, path) as Error).message, { incomplete: path });
      return null;
    });
    return { ...result, report };
  };
  const result = await finish().finally(() => kept.close());
  return { ...result, incomplete: [...incomplete] };
}
