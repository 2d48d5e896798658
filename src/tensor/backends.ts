// Compute backends, from the fastest to the one that always works. An explicit choice never falls back silently, of a
// backend, a thread count or a precision; `auto` takes the first that runs here as asked and says why others were skipped.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { UserError } from '../base/errors.js';
import { countOf, shorten } from '../base/format.js';
import type { BackendChoice, ComputeSettings, Precision } from '../config/compute.js';
import { registerGradients } from './gradients.js';
import type { configureNative } from './native/index.js';
import { registerOps } from './ops/index.js';
import { enableProdMode, engine, setBackend } from './tf.js';
import { repairWasm } from './wasm-repairs.js';

export type BackendName = Exclude<BackendChoice, 'auto'>;

interface Backend {
  name: BackendName;
  /** Loads it; throws with the reason where it cannot run. */
  load(): Promise<unknown>;
  /** Why `auto` should not take it, though it loads. */
  unfit?(): string | undefined;
  /** Sets threads and precision, defaults too. A backend without it computes in fp32 on threads of its own choice. */
  configure?(settings: ComputeSettings): Promise<ReturnType<typeof configureNative>>;
}

const backends: readonly Backend[] = [
  { name: 'tensorflow', load: loadTensorflow, unfit: () => (usesGpu() ? undefined : 'it found no GPU') },
  {
    name: 'native',
    load: async () => (await import('./native/index.js')).loadNative(),
    configure: async (settings) => (await import('./native/index.js')).configureNative(settings),
  },
  { name: 'wasm', load: () => import('@tensorflow/tfjs-backend-wasm').then(repairWasm) },
  { name: 'cpu', load: () => import('@tensorflow/tfjs-backend-cpu') },
];

export interface OpenedBackend {
  name: BackendName;
  /** Null where they are not ours to choose. */
  threads: number | null;
  precision: Precision;
  /** One line: what was chosen, how it computes, and why each faster one was skipped. */
  note: string;
  /** What is wrong with how it was asked to compute, though it can. */
  warning?: string;
  /** False where it was already the current one, with these settings. */
  fresh: boolean;
}

/** The last backend that was opened and its settings: a change of either is worth saying. */
let configured = '';

/**
 * Makes `choice` the current backend, with every fused op and gradient registered; threads and precision are set anew.
 * @throws UserError where it cannot run here, or not as asked.
 */
export async function openBackend(choice: BackendChoice, settings: ComputeSettings = {}): Promise<OpenedBackend> {
  enableProdMode(); // silences the banner of the cpu backend
  const skipped: string[] = [];
  const before = engine().backendName;
  for (const backend of backends) {
    const { name } = backend;
    if (choice !== 'auto' && choice !== name) continue;
    const lack = lackOf(backend, settings);
    if (lack !== undefined && choice !== 'auto') throw cannotAsAsked(name, lack, settings);
    const reason = lack ?? (await tryOpen(backend, choice === 'auto'));
    if (reason === undefined) return configure(backend, settings, { before, skipped });
    skipped.push(`${name}: ${reason}`);
  }
  throw new UserError({
    what: choice === 'auto' ? 'no compute backend runs here as asked' : `the backend ${choice} cannot run here`,
    why: skipped.map((line) => line.replace(`${choice}: `, '')).join('; '),
    next: 'Type `mossctl doctor` to see every backend, or use `--backend auto`',
  });
}

async function configure(
  { name, configure }: Backend,
  settings: ComputeSettings,
  { before, skipped }: { before: string; skipped: readonly string[] },
): Promise<OpenedBackend> {
  const { threads = null, precision = 'fp32', inWords, warning } = (await configure?.(settings)) ?? {};
  const details = [...(inWords === undefined ? [] : [inWords]), ...skipped];
  const note = `backend ${name}${details.length > 0 ? ` (${details.join('; ')})` : ''}`;
  const previous = configured;
  configured = JSON.stringify({ name, threads, precision });
  const fresh = before !== name || previous !== configured;
  return { name, threads, precision, note, ...(warning !== undefined && { warning }), fresh };
}

/** What was asked for that a backend cannot do: `it computes in fp32 only`. */
function lackOf(backend: Backend, { threads, precision = 'fp32' }: ComputeSettings): string | undefined {
  if (backend.configure !== undefined) return undefined;
  const lacks = [
    ...(precision === 'fp32' ? [] : ['computes in fp32 only']),
    ...(threads === undefined ? [] : ['takes no thread count']),
  ];
  return lacks.length === 0 ? undefined : `it ${lacks.join(' and ')}`;
}

function cannotAsAsked(name: BackendName, lack: string, { threads, precision }: ComputeSettings): UserError {
  const asked = [
    ...(precision === 'bf16' ? ['precision bf16'] : []),
    ...(threads === undefined ? [] : [`the ${countOf(threads, 'thread')}`]),
  ];
  return new UserError({
    what: lack.replace('it ', `the backend ${name} `),
    next: `Omit ${asked.join(' and ')}, or use \`--backend native\``,
  });
}

/** Of the optional one. */
export const notInstalled = 'not installed';

/** Tries each backend in turn, for `mossctl doctor` and for test suites that run on whatever is there. */
export async function checkBackends(): Promise<{ name: BackendName; available: boolean; reason: string }[]> {
  enableProdMode();
  const checks = [];
  for (const backend of backends) {
    const reason = await tryOpen(backend, true);
    checks.push({ name: backend.name, available: reason === undefined, reason: reason ?? 'ready' });
  }
  return checks;
}

async function tryOpen(backend: Backend, onlyIfFit: boolean): Promise<string | undefined> {
  try {
    await backend.load();
    if (!(await setBackend(backend.name))) return 'it did not start';
    const unfit = onlyIfFit ? backend.unfit?.() : undefined;
    if (unfit !== undefined) return unfit;
    registerOps(backend.name);
    registerGradients();
    return undefined;
  } catch (error) {
    return shorten(String(error instanceof Error ? error.message : error).split('\n')[0], 160);
  }
}

/**
 * The optional GPU package. Importing it without its binding would load the whole tfjs umbrella, with gradients of its
 * own, before it fails: so the binding is looked for first. And it needs a function that Node 23 removed.
 */
async function loadTensorflow(): Promise<void> {
  const name = '@tensorflow/tfjs-node-gpu';
  const folder = packageFolder(name);
  if (folder === undefined) throw new Error(notInstalled);
  const built = await readdir(join(folder, 'lib')).catch(() => []);
  if (!built.some((entry) => existsSync(join(folder, 'lib', entry, 'tfjs_binding.node')))) {
    throw new Error('installed without its TensorFlow library');
  }
  if (!('isNullOrUndefined' in util)) {
    Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
  }
  await import(name as string); // optional: not resolved at compile time
}

function packageFolder(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

function usesGpu(): boolean {
  return (engine().backend as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}
