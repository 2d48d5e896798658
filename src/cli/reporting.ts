// Work that reports as it goes and that Ctrl-C ends; the terminal and the signals are given back whatever happens.
import { type Fetching, withFetching } from '../network/fetching.js';
import { type StageReporter, stageReporter } from '../report/event.js';
import { createReporter } from '../report/reporter.js';
import type { LogForm } from '../report/sink.js';
import type { OutputOptions } from './options.js';
import { addIncomplete, chosenSpeech, warnThrough } from './output.js';
import { watchInterrupt } from './signals.js';

interface Context {
  reporter: StageReporter;
  signal: AbortSignal;
}

/** Reports as `stage`. With a run folder, the events are kept there too. */
export async function reporting<T>(
  stage: string,
  {
    json,
    quiet,
    runDirectory,
    log,
    tables,
  }: OutputOptions & { runDirectory?: string; log?: LogForm; tables?: boolean },
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const mode = json ? 'json' : quiet ? 'quiet' : 'terminal';
  const { stdout, stderr } = process;
  const reporter = createReporter({
    runDirectory,
    log,
    mode,
    stdout,
    stderr,
    tables,
    speech: chosenSpeech(),
    onIncomplete: addIncomplete,
  });
  const interrupt = watchInterrupt(() => reporter.clear());
  const restoreWarnings = warnThrough((text) => stageReporter(reporter, 'report').note('warning', text));
  try {
    const { signal } = interrupt;
    const fetching: Fetching = (fetch) => fetch({ reporter: stageReporter(reporter, 'fetch'), signal });
    return await withFetching(fetching, () => work({ reporter: stageReporter(reporter, stage), signal }));
  } finally {
    interrupt.release();
    restoreWarnings();
    await reporter.close();
  }
}
