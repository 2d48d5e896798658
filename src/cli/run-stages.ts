// What `run` and the stage commands share: flags → configuration → pipeline → the closing lines.
import { join, relative } from 'node:path';
import { exists } from '../base/files.js';
import { loadPipeline } from '../pipeline/load.js';
import { type PipelineResult, runPipeline } from '../pipeline/run.js';
import { writeReport } from '../report/html.js';
import { createReporter } from '../report/reporter.js';
import type { StageName } from '../stages/stage.js';
import { watchInterrupt } from './interrupt.js';
import { computeFlags, type OutputOptions, type RunOptions } from './options.js';
import { printJson, printLine } from './output.js';

export interface StageRun extends RunOptions {
  only?: StageName;
  /** Said before the first stage. */
  heading?: string;
  /** What the report says to type for this run again; default: what was typed. */
  command?: string;
}

export interface StageRunResult extends PipelineResult {
  /** As a person would type it: relative to where they are. */
  folder: string;
  report: string;
}

/** Runs the stages that `options` ask for. With --json, the result is printed as the last line. */
export async function runStages(options: StageRun): Promise<StageRunResult> {
  const { config, folder } = await findRun(options);
  const reporter = createReporter({
    runDirectory: folder,
    mode: outputMode(options),
    stdout: process.stdout,
    stderr: process.stderr,
  });
  const interrupt = watchInterrupt();
  const again = `npx mossctl run ${shownPath(join(folder, 'pipeline.yaml'))}`;
  const command = options.command ?? (options.only === undefined ? typedCommand() : again);
  if (options.heading !== undefined) {
    reporter.emit({ type: 'note', stage: 'run', level: 'info', text: options.heading });
  }
  let result: PipelineResult;
  try {
    result = await runPipeline({
      config,
      runDirectory: folder,
      only: options.only,
      from: options.from,
      resume: options.resume,
      reporter,
      interrupt,
    });
  } catch (error) {
    await reporter.close();
    // What there is so far is worth looking at; why it ended is worth more than a report that cannot be written.
    if (await exists(join(folder, 'metrics.jsonl'))) await writeReport(folder, { command }).catch(() => undefined);
    throw error;
  } finally {
    interrupt.release();
    await reporter.close();
  }
  const models = result.models.map((model) => ({ ...model, path: relative(result.runDirectory, model.path) }));
  const report = await writeReport(folder, { command, models });
  if (options.json) printJson({ type: 'result', ...result, report });
  return { ...result, folder, report: shownPath(report) };
}

/** The closing lines of a stage command: what it made, and what to type next. */
export async function runOneStage(only: StageName, options: RunOptions, next: (folder: string) => string) {
  const result = await runStages({ ...options, only });
  if (options.json) return;
  const output = result.outputs[only];
  if (output !== undefined)
    printLine(`${result.skipped.includes(only) ? 'unchanged' : 'wrote'}  ${shownPath(output.path)}`);
  printLine(`report  ${result.report}`);
  printLine(`next    ${next(result.folder)}`);
}

export function outputMode(options: OutputOptions): 'terminal' | 'json' | 'quiet' {
  return options.json ? 'json' : options.quiet ? 'quiet' : 'terminal';
}

/** Without --config, the settings of the run folder itself are taken, where it has been used before. */
export async function findRun(options: StageRun) {
  const earlier = options.out === undefined ? undefined : join(options.out, 'pipeline.yaml');
  const isRepeat = options.config === undefined && earlier !== undefined && (await exists(earlier));
  const { only } = options;
  const config = await loadPipeline({
    config: isRepeat ? earlier : options.config,
    set: [...(options.set ?? []), ...(options.data === undefined ? [] : [`sft.data=${options.data}`])],
    flags: { seed: options.seed, ...computeFlags(options) },
    blocks: only === undefined || only === 'tokens' ? [] : [only],
  });
  return { config, folder: options.out ?? join('runs', config.name) };
}

/** The command as it was typed, quoted where a shell needs it. */
export function typedCommand(): string {
  const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
  return ['npx', 'mossctl', ...process.argv.slice(2).map(quote)].join(' ');
}

/** `runs/x/sft/step-000100`, as a person would type it. */
export function shownPath(path: string): string {
  const near = relative('.', path);
  return near === '' ? '.' : near.startsWith('..') ? path : near;
}
