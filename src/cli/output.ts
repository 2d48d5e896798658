// Everything that is printed goes through here: results to stdout, progress and errors to stderr.
import { relative } from 'node:path';
import pc from 'picocolors';
import { asUserError, describeFault, Interrupted, UserError } from '../base/errors.js';
import { printable } from '../base/format.js';

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** `runs/x/sft/step-000100`, as a person would type it. */
export function shownPath(path: string): string {
  const near = relative('.', path);
  return near === '' ? '.' : near.startsWith('..') ? path : near;
}

/** Says what went wrong and returns the exit code: 1 failed, 2 wrong usage or input, 130 interrupted. */
export function reportFailure(thrown: unknown): number {
  const error = asUserError(thrown);
  const debug = Boolean(process.env.MOSSCTL_DEBUG);
  const label = process.stderr.isTTY ? pc.red('mossctl: error:') : 'mossctl: error:';
  if (debug && thrown instanceof Error) printError(thrown.stack ?? thrown.message);
  if (error instanceof UserError) {
    for (const fault of error.faults) printError(`${label} ${printable(describeFault(fault))}`);
    return error.exitCode;
  }
  if (error instanceof Interrupted) {
    printError(`mossctl: interrupted: ${error.message}`);
    printError('Run the same command again to resume from there.');
    return 130;
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  printError(`${label} something failed that should not have: ${printable(message.split('\n')[0])}`);
  if (!debug) printError('Set MOSSCTL_DEBUG=1 and run the same command again to see where.');
  return 1;
}

/** `mossctl … | head` ends quietly; but a reader that went away does not end a training, which watches for Ctrl-C. */
export function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (process.listenerCount('SIGTERM') === 0) process.exit(0);
    });
  }
}
