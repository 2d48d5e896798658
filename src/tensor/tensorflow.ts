// Opens the backend `tensorflow`: the optional package @tensorflow/tfjs-node-gpu, with what it would otherwise change for
// everybody put right around the load. It brings half a gigabyte of library, gradients for every op, and a banner.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import util from 'node:util';
import { availableCores } from '../base/cores.js';
import type { Fault } from '../base/errors.js';
import { countOf } from '../base/format.js';
import type { ComputeSettings } from '../config/compute.js';
import { keepGradients } from './gradients.js';
import { engine } from './tf.js';

const packageName = '@tensorflow/tfjs-node-gpu';

/** Of the optional package. */
export const notInstalled =
  process.platform === 'linux' && process.arch === 'x64'
    ? 'not installed: `mossctl tensorflow build` gets it'
    : 'not installed';

/** That `mossctl tensorflow build` puts into the package's folder, and its binding loads. */
const library = join('deps', 'lib', 'libtensorflow_cc.so.2');

/** On how many threads TensorFlow computes; it asks once per process, when it is loaded. */
let loadedThreads: number | undefined;

/** Makes `tensorflow` known to TensorFlow.js, once. Throws where there is no package, or none that runs here. */
export async function loadTensorflow({ threads }: ComputeSettings): Promise<void> {
  const folder = findPackage();
  if (loadedThreads !== undefined) return;
  const { env } = process;
  const wanted = threads ?? threadsIn(env.TF_NUM_INTRAOP_THREADS) ?? availableCores();
  env.TF_NUM_INTRAOP_THREADS = String(wanted);
  env.TF_CPP_MIN_LOG_LEVEL ??= '3'; // its banner, and what its CUDA build says of libraries that it registers twice
  env.NVIDIA_TF32_OVERRIDE ??= '0'; // else cards since Ampere multiply fp32 with 10 bits of mantissa
  env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true'; // else each process takes nearly all of the card's memory, and commands start several
  // It calls both. Node 22 warns of them, Node 24 has no isNullOrUndefined.
  const isNullOrUndefined = (value: unknown): boolean => value === null || value === undefined;
  Object.assign(util, { isArray: Array.isArray, isNullOrUndefined });
  keepGradients(() => createRequire(import.meta.url)(folder)); // `import` takes no folder
  loadedThreads = wanted;
}

/** What the environment says, where it is a whole number from 1. */
export function threadsIn(text: string | undefined): number | undefined {
  const threads = Number(text);
  return Number.isSafeInteger(threads) && threads >= 1 ? threads : undefined;
}

/** On a GPU their number is none of what computes. */
export async function configureTensorflow() {
  const threads = loadedThreads;
  const where = usesGpu() ? 'on a GPU' : `on the CPU, ${countOf(threads ?? 0, 'thread')}`;
  return { threads, precision: 'fp32' as const, inWords: where, warning: unusedCard({ usesGpu: usesGpu() }) };
}

/** Of another number of threads, which TensorFlow does not take once it is loaded. */
export function refuseThreads({ threads = loadedThreads }: ComputeSettings): Fault | undefined {
  if (loadedThreads === undefined || threads === loadedThreads || usesGpu()) return undefined;
  return {
    what: `the backend tensorflow computes on ${countOf(loadedThreads, 'thread')} here`,
    why: 'it takes their number once, when a process loads it',
    next: `Start another process for ${countOf(threads ?? 0, 'thread')}`,
  };
}

/** Of a machine that seems to have a card, though TensorFlow found none. */
export function unusedCard(found: { usesGpu: boolean; hasDriver?: boolean }): string | undefined {
  const { usesGpu, hasDriver: isThere = hasDriver() } = found;
  if (usesGpu || !isThere) return undefined;
  return "NVIDIA's driver is here, but TensorFlow found no GPU and computes on the CPU, more slowly than `--backend native`. It needs the driver 525 or newer, and the library of `mossctl tensorflow build --cuda`; TF_CPP_MIN_LOG_LEVEL=0 before the same command shows what it says itself";
}

/**
 * Why `auto` should pass it over, though it would run: asked before the load too, which then need not be.
 * Throws where there is no package.
 */
export function whyNoGpu(): string | undefined {
  findPackage();
  const mayHave = loadedThreads === undefined ? hasDriver() : usesGpu();
  return mayHave ? undefined : 'it found no GPU';
}

/**
 * The folder of the package: in the one that MOSSCTL_TENSORFLOW names, else among our dependencies. Loading it without its
 * binding would load the whole tfjs umbrella before it fails: so the binding is looked for.
 */
function findPackage(): string {
  const { MOSSCTL_TENSORFLOW: chosen } = process.env;
  const folder = chosen ? join(resolve(chosen), 'node_modules', packageName) : installedPackage();
  if (chosen && existsSync(join(chosen, 'built.json')) && !existsSync(join(`${folder}`, library))) {
    throw new Error(`${library} is missing in ${chosen}: type \`mossctl tensorflow build --out\` and that folder`);
  }
  if (folder !== undefined && hasBinding(folder)) return folder;
  if (chosen)
    throw new Error(`MOSSCTL_TENSORFLOW names ${chosen}, where \`mossctl tensorflow build\` has built nothing`);
  if (folder === undefined) throw new Error(notInstalled);
  throw new Error('installed without its TensorFlow library, which `mossctl tensorflow build` gets from elsewhere');
}

function installedPackage(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`));
  } catch {
    return undefined;
  }
}

function hasBinding(folder: string): boolean {
  const lib = join(folder, 'lib');
  const versions = existsSync(lib) ? readdirSync(lib) : [];
  return versions.some((version) => existsSync(join(lib, version, 'tfjs_binding.node')));
}

/** Whether NVIDIA's driver is there: on Linux, in Windows' own Linux, on Windows. */
function hasDriver(): boolean {
  const { platform, env } = process;
  const signs =
    platform === 'win32'
      ? [join(env.SystemRoot ?? 'C:\\Windows', 'System32', 'nvcuda.dll')]
      : ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/usr/lib/wsl/lib/libcuda.so.1'];
  return signs.some((path) => existsSync(path));
}

/** How many times what a training step takes of memory on `native` it takes here; on a card it is the card's memory. */
export function memoryFactor(): number {
  return engine().backendName === 'tensorflow' && !usesGpu() ? 3 : 1;
}

function usesGpu(): boolean {
  const backend = engine().findBackend('tensorflow') as { isUsingGpuDevice?: boolean } | null;
  return backend?.isUsingGpuDevice === true;
}
