// mossctl native build: compiles the native engine again, for those whose install did not (npm 12 blocks install
// scripts of packages) or who have a compiler only now.
import { describeFault, UserError } from '../../base/errors.js';
import { addonPath, describeAddon, loadAddon } from '../../tensor/native/addon.js';
import type { OutputOptions } from '../options.js';
import { printError, printJson, printLine } from '../output.js';

interface Build {
  built: boolean;
  path: string;
  seconds: number;
  instructionSets: string[];
  warnings: string;
}

/** What scripts/build-native.mjs throws when there is no compiler, when the sources do not compile, … */
interface BuildFailure extends Error {
  next: string;
  log: string;
}

interface BuildScript {
  buildNative(options?: { force?: boolean }): Promise<Build>;
  describeBuild(build: Build): string;
  isUpToDate(): Promise<boolean>;
  BuildFailure: new (...args: never[]) => BuildFailure;
}

/** The script is plain JavaScript outside src/, because an install runs it before anything is compiled. */
function buildScript(): Promise<BuildScript> {
  return import(new URL('../../../scripts/build-native.mjs', import.meta.url).href) as Promise<BuildScript>;
}

export async function build(options: OutputOptions & { force?: boolean }): Promise<void> {
  const { buildNative, describeBuild, BuildFailure } = await buildScript();
  try {
    const result = await buildNative({ force: options.force });
    const engine = describeAddon(loadAddon(result.path));
    const { built, path, seconds, instructionSets, warnings } = result;
    if (options.json) printJson({ type: 'result', built, path, seconds, instructionSets, engine });
    else if (!options.quiet) printLine(`${describeBuild(result)}\nthis machine uses ${engine}`);
    if (warnings !== '' && !options.quiet) printError(warnings);
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    if (error.log !== '') printError(error.log);
    throw new UserError(
      { what: 'the native engine was not built', why: error.message, next: error.next },
      { exitCode: 1 },
    );
  }
}

/** For doctor: the instruction set, threads and bf16 of the engine, or why there is none and what would help. */
export async function inspectNative(): Promise<{ ok: boolean; detail: string }> {
  const { isUpToDate } = await buildScript();
  const isChosen = Boolean(process.env.MOSSCTL_NATIVE);
  try {
    const engine = describeAddon(loadAddon());
    if (isChosen) return { ok: true, detail: `${engine} (${addonPath()})` };
    const isCurrent = await isUpToDate().catch(() => true); // without a compiler there is nothing to compare with
    const stale = 'built from other sources or by another compiler: type `mossctl native build`';
    return { ok: true, detail: isCurrent ? engine : `${engine}; ${stale}` };
  } catch (error) {
    const detail = (error as Error).message;
    const noBuild = isChosen ? undefined : await isUpToDate().then(() => undefined, whyNoBuild);
    return { ok: false, detail: noBuild ?? detail };
  }
}

/** What would stop a build here, now: no compiler, a platform that the engine is not made for, … */
function whyNoBuild({ message, next }: BuildFailure): string {
  return describeFault({ what: `not built: ${message}`, next });
}
