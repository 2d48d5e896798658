// The build script of the native engine, and what there is of the engine here.
import { describeFault } from '../base/errors.js';
import { describeAddon, loadAddon } from '../tensor/native/addon.js';
import { canCompile, type EngineFile, findEngine } from '../tensor/native/engine-file.js';

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
  digestOfSources(): Promise<string>;
  BuildFailure: new (...args: never[]) => BuildFailure;
}

/** The script is plain JavaScript outside src/, because an install runs it before anything is compiled. */
export function buildScript(): Promise<BuildScript> {
  return import(new URL('../../scripts/build-native.mjs', import.meta.url).href) as Promise<BuildScript>;
}

/** For doctor: the instruction set, threads and bf16 of the engine, and where it is from; or why there is none and what would help. */
export async function inspectNative(): Promise<{ ok: boolean; detail: string }> {
  let file: EngineFile | undefined;
  try {
    file = findEngine();
    return { ok: true, detail: `${describeAddon(loadAddon(file.path))}; ${await originOf(file)}` };
  } catch (error) {
    const detail = (error as Error).message;
    if (file?.origin !== 'local') return { ok: false, detail };
    const { isUpToDate } = await buildScript();
    return { ok: false, detail: await isUpToDate().then(() => detail, whyNoBuild) };
  }
}

/** `prebuilt by zig 0.17.1 (avx2, avx512)`, `compiled here`; and that it is of other sources, where it is. */
async function originOf({ path, origin, prebuilt }: EngineFile): Promise<string> {
  if (origin === 'chosen') return `MOSSCTL_NATIVE: ${path}`;
  const { digestOfSources, isUpToDate } = await buildScript();
  if (prebuilt !== undefined) {
    const text = `prebuilt by ${prebuilt.compiler} (${prebuilt.instructionSets.join(', ')})`;
    const isOld = (await digestOfSources()) !== prebuilt.sources;
    if (!isOld) return text;
    return canCompile()
      ? `${text} from other sources: type \`mossctl native build\``
      : `${text} from other sources: install mossctl again`;
  }
  const isCurrent = await isUpToDate().catch(() => true); // without a compiler there is nothing to compare with
  const stale = 'built from other sources or by another compiler: type `mossctl native build`';
  return isCurrent ? 'compiled here' : stale;
}

/** What would stop a build here, now: no compiler, a platform that the engine is not made for, … */
function whyNoBuild({ message, next }: BuildFailure): string {
  return describeFault({ what: `not built: ${message}`, next });
}
