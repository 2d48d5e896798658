// Compute backends, from the fastest to the one that always works. An explicit choice never falls back silently;
// `auto` takes the first that really runs here and says why the others were skipped.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { UserError } from '../base/errors.js';
import type { BackendChoice } from '../config/pipeline.js';
import { registerGradients } from './gradients.js';
import { registerOps } from './ops/index.js';
import { enableProdMode, engine, setBackend } from './tf.js';
import { repairWasm } from './wasm-repairs.js';

export type BackendName = Exclude<BackendChoice, 'auto'>;

interface Backend {
  name: BackendName;
  /** Loads it; throws with the reason where it cannot run. */
  load(): Promise<void>;
  /** Why `auto` should not take it, though it loads. */
  unfit?(): string | undefined;
}

const backends: readonly Backend[] = [
  { name: 'tensorflow', load: loadTensorflow, unfit: () => (usesGpu() ? undefined : 'it found no GPU') },
  {
    name: 'native',
    load: async () => {
      const { loadNative } = await import('./native/index.js');
      loadNative();
    },
  },
  {
    name: 'wasm',
    load: async () => {
      await import('@tensorflow/tfjs-backend-wasm');
      repairWasm();
    },
  },
  {
    name: 'cpu',
    load: async () => {
      await import('@tensorflow/tfjs-backend-cpu');
    },
  },
];

export interface OpenedBackend {
  name: BackendName;
  /** One line: what was chosen and why each faster one was skipped. */
  note: string;
  /** False where this backend was already the current one. */
  fresh: boolean;
}

/** Makes `choice` the current backend, with every fused op and gradient registered. */
export async function openBackend(choice: BackendChoice): Promise<OpenedBackend> {
  enableProdMode(); // silences the banner of the cpu backend
  const skipped: string[] = [];
  const before = engine().backendName;
  for (const backend of backends) {
    if (choice !== 'auto' && choice !== backend.name) continue;
    const reason = await tryOpen(backend, choice === 'auto');
    if (reason === undefined) {
      const why = skipped.length > 0 ? ` (${skipped.join('; ')})` : '';
      return { name: backend.name, note: `backend ${backend.name}${why}`, fresh: before !== backend.name };
    }
    skipped.push(`${backend.name}: ${reason}`);
  }
  throw new UserError({
    what: choice === 'auto' ? 'no compute backend runs here' : `the backend ${choice} cannot run here`,
    why: skipped.map((line) => line.replace(`${choice}: `, '')).join('; '),
    next: 'Type `mossctl doctor` to see every backend, or use `--backend auto`',
  });
}

export interface BackendCheck {
  name: BackendName;
  available: boolean;
  reason: string;
}

/** Tries each backend in turn, for `mossctl doctor` and for test suites that run on whatever is there. */
export async function checkBackends(): Promise<BackendCheck[]> {
  enableProdMode();
  const checks: BackendCheck[] = [];
  for (const backend of backends) {
    const reason = await tryOpen(backend, true);
    checks.push({ name: backend.name, available: reason === undefined, reason: reason ?? 'ready' });
  }
  return checks;
}

async function tryOpen(backend: Backend, onlyIfFit: boolean): Promise<string | undefined> {
  try {
    await backend.load();
    const set = await setBackend(backend.name);
    if (!set) return 'it did not start';
    const unfit = onlyIfFit ? backend.unfit?.() : undefined;
    if (unfit !== undefined) return unfit;
    registerOps(backend.name);
    registerGradients();
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

function firstLine(error: unknown): string {
  const line = String(error instanceof Error ? error.message : error).split('\n')[0];
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

/**
 * The optional GPU package. Importing it without its binding would load the whole tfjs umbrella, with gradients of its
 * own, before it fails: so the binding is looked for first. And it needs a function that Node 23 removed.
 */
async function loadTensorflow(): Promise<void> {
  const name = '@tensorflow/tfjs-node-gpu';
  const folder = packageFolder(name);
  if (folder === undefined) throw new Error('not installed');
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
