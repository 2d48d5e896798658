// Work that reports as it goes and that Ctrl-C ends; the terminal and the signals are given back whatever happens.
import { type StageReporter, stageReporter } from '../report/event.js';
import { createReporter } from '../report/reporter.js';
import type { OutputOptions } from './options.js';
import { printError } from './output.js';

interface Context {
  reporter: StageReporter;
  signal: AbortSignal;
}

/** Reports as `stage`. With a run folder, the events are kept there too. */
export async function reporting<T>(
  stage: string,
  { json, quiet, runDirectory }: OutputOptions & { runDirectory?: string },
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const mode = json ? 'json' : quiet ? 'quiet' : 'terminal';
  const reporter = createReporter({ runDirectory, mode, stdout: process.stdout, stderr: process.stderr });
  const interrupt = watchInterrupt();
  try {
    return await work({ reporter: stageReporter(reporter, stage), signal: interrupt.signal });
  } finally {
    interrupt.release();
    await reporter.close();
  }
}

/** Ctrl-C: the first asks the work to save and stop, the second stops at once. */
function watchInterrupt(): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const { signal } = controller;
  const onKill = (): void => {
    if (signal.aborted) process.exit(130);
    controller.abort();
    printError('\nmossctl: finishing the step and saving; press Ctrl-C again to stop at once');
  };
  const kills = ['SIGINT', 'SIGTERM'] as const;
  for (const kill of kills) process.on(kill, onKill);
  return {
    signal,
    release() {
      if (signal.aborted) return; // on its way out: a second signal still ends it with 130, and does not kill it
      for (const kill of kills) process.off(kill, onKill);
    },
  };
}
