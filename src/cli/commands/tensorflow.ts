// mossctl tensorflow build: the library of the backend `tensorflow`, from npm and PyPI, for those whose install could not
// download it, and with --cuda for an NVIDIA card.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { shellQuoted } from '../../base/shell.js';
import { cacheDirectory } from '../../network/cache.js';
import type { OutputOptions } from '../options.js';
import { noteOnStderr, printError, printJson, printLine } from '../output.js';

interface Build {
  built: boolean;
  out: string;
  version: string;
  gpu: boolean;
}

interface BuildScript {
  buildTensorflow(options: {
    out: string;
    cuda?: boolean;
    force?: boolean;
    onStep(text: string): void;
  }): Promise<Build>;
  describeTensorflow(build: Build): string;
  BuildFailure: new (...args: never[]) => Error & { next: string; log: string };
}

interface BuildOptions extends OutputOptions {
  cuda?: boolean;
  force?: boolean;
  out?: string;
}

export async function build({ cuda, force, out, json, quiet }: BuildOptions): Promise<void> {
  const script = new URL('../../../scripts/build-tensorflow.mjs', import.meta.url).href;
  const { buildTensorflow, describeTensorflow, BuildFailure } = (await import(script)) as BuildScript;
  const onStep = (text: string): void => {
    if (!json && !quiet) noteOnStderr(text);
  };
  try {
    const result = await buildTensorflow({ out: out ?? join(cacheDirectory(), 'tensorflow'), cuda, force, onStep });
    if (json) return printJson({ type: 'result', ...result });
    if (!quiet) printLine(describeTensorflow(result));
    printLine(`export MOSSCTL_TENSORFLOW=${shellQuoted(result.out)}`);
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    if (error.log !== '') printError(error.log);
    const fault = { what: 'the backend tensorflow was not built', why: error.message, next: error.next };
    throw new UserError(fault, { exitCode: 1 });
  }
}
