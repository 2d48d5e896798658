// The build script of the native engine, and what there is of the engine here.
import { describeFault } from '../base/errors.js';
import { addonPath, describeAddon, loadAddon } from '../tensor/native/addon.js';

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
export function buildScript(): Promise<BuildScript> {
  return import(new URL('../../scripts/build-native.mjs', import.meta.url).href) as Promise<BuildScript>;
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
