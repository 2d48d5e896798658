// Compute backends, from the fastest to the one that always works. An explicit choice never falls back silently, of a
// backend, a thread count or a precision; `auto` takes the first that runs here as asked and says why others were skipped.
import { type Fault, UserError, wholeMessage } from '../base/errors.js';
import { countOf, shorten } from '../base/format.js';
import type { BackendChoice, ComputeSettings, Precision } from '../config/compute.js';
import { registerGradients } from './gradients.js';
import type { configureNative } from './native/index.js';
import { registerOps } from './ops/index.js';
import { configureTensorflow, loadTensorflow, refuseThreads, whyNoGpu } from './tensorflow.js';
import { enableProdMode, engine, setBackend } from './tf.js';
import { repairWasm } from './wasm-repairs.js';

export type BackendName = Exclude<BackendChoice, 'auto'>;

interface Backend {
  name: BackendName;
  /** Loads it; throws with the reason where it cannot run. */
  load(settings: ComputeSettings): Promise<unknown>;
  /** Why `auto` should not take it, though it may run: asked before it is loaded, and again after. */
  unfit?(): string | undefined;
  /** What it can be told no longer: asked before it becomes the current one. */
  refuses?(settings: ComputeSettings): Fault | undefined;
  /** What it can be told; else it computes in fp32, on threads of its own choice. */
  takes: readonly (keyof ComputeSettings)[];
  /** Sets these, defaults too. */
  configure?(settings: ComputeSettings): Promise<Partial<Configured>>;
}

type Configured = ReturnType<typeof configureNative>;

const backends: readonly Backend[] = [
  {
    name: 'tensorflow',
    load: loadTensorflow,
    unfit: whyNoGpu,
    takes: ['threads'],
    refuses: refuseThreads,
    configure: configureTensorflow,
  },
  {
    name: 'native',
    load: async () => (await import('./native/index.js')).loadNative(),
    takes: ['threads', 'precision'],
    configure: async (settings) => (await import('./native/index.js')).configureNative(settings),
  },
  { name: 'wasm', load: () => import('@tensorflow/tfjs-backend-wasm').then(repairWasm), takes: [] },
  { name: 'cpu', load: () => import('@tensorflow/tfjs-backend-cpu'), takes: [] },
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
let instructions: string | undefined;

/** The instruction set that the current backend computes with, where it says so: `avx512`. */
export function instructionSet(): string | undefined {
  return instructions;
}

/**
 * Makes `choice` the current backend, with every fused op and gradient registered; threads and precision are set anew.
 * @throws UserError where it cannot run here, or not as asked; the one before stays the current one then.
 */
export async function openBackend(choice: BackendChoice, settings: ComputeSettings = {}): Promise<OpenedBackend> {
  enableProdMode(); // silences the banner of the cpu backend
  const before = engine().backendName;
  try {
    return await openFirst(choice, settings, before);
  } catch (error) {
    if (before) await setBackend(before);
    throw error;
  }
}

async function openFirst(choice: BackendChoice, settings: ComputeSettings, before: string): Promise<OpenedBackend> {
  const skipped: string[] = [];
  for (const backend of backends) {
    const { name } = backend;
    if (choice !== 'auto' && choice !== name) continue;
    const lacks = lacksOf(backend, settings);
    if (lacks.length > 0 && choice !== 'auto') throw cannotAsAsked(name, lacks, settings);
    const refusal = backend.refuses?.(settings);
    if (refusal !== undefined && choice !== 'auto') throw new UserError(refusal);
    const lack = lacks.length > 0 ? `it ${lackInWords(lacks)}` : refusal?.what;
    const skip = lack ?? (await tryOpen(backend, settings, choice === 'auto'))?.reason;
    if (skip === undefined) return configure(backend, settings, { before, skipped });
    skipped.push(`${name}: ${skip}`);
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
  const { threads = null, precision = 'fp32', isa, inWords, warning } = (await configure?.(settings)) ?? {};
  const details = [...(inWords === undefined ? [] : [inWords]), ...skipped];
  const note = `backend ${name}${details.length > 0 ? ` (${details.join('; ')})` : ''}`;
  instructions = isa;
  const previous = configured;
  configured = JSON.stringify({ name, threads, precision });
  const fresh = before !== name || previous !== configured;
  return { name, threads, precision, note, ...(warning !== undefined && { warning }), fresh };
}

/** What was asked for that a backend cannot do. */
function lacksOf({ takes }: Backend, { threads, precision = 'fp32' }: ComputeSettings): (keyof ComputeSettings)[] {
  const asked = { precision: precision !== 'fp32', threads: threads !== undefined };
  return (['precision', 'threads'] as const).filter((key) => asked[key] && !takes.includes(key));
}

const wordsOfLack = { precision: 'computes in fp32 only', threads: 'takes no thread count' };

/** `computes in fp32 only and takes no thread count`. */
function lackInWords(lacks: readonly (keyof ComputeSettings)[]): string {
  return lacks.map((key) => wordsOfLack[key]).join(' and ');
}

function cannotAsAsked(
  name: BackendName,
  lacks: readonly (keyof ComputeSettings)[],
  { threads = 1 }: ComputeSettings,
): UserError {
  const asked = { precision: 'precision bf16', threads: `the ${countOf(threads, 'thread')}` };
  return new UserError({
    what: `the backend ${name} ${lackInWords(lacks)}`,
    next: `Omit ${lacks.map((key) => asked[key]).join(' and ')}, or use \`--backend native\``,
  });
}

/** Tries each backend in turn, for `mossctl doctor` and for test suites that run on whatever is there. */
export async function checkBackends(): Promise<{ name: BackendName; available: boolean; reason: string }[]> {
  enableProdMode();
  const checks = [];
  for (const backend of backends) {
    const { name } = backend;
    const { reason = 'ready', isSpare = false, isUntried = false } = (await tryOpen(backend, {}, true)) ?? {};
    const installed = isUntried ? 'installed, not tried' : 'installed';
    const spare = `${installed}; ${reason}, so auto passes over it (\`--backend ${name}\` computes on the CPU)`;
    const isReady = reason === 'ready';
    checks.push({ name, available: isReady || isSpare, reason: isSpare ? spare : reason });
  }
  return checks;
}

interface NotOpened {
  reason: string;
  /** It would run, where it is asked for by name. */
  isSpare?: true;
  /** It was not loaded. */
  isUntried?: true;
}

async function tryOpen(
  backend: Backend,
  settings: ComputeSettings,
  onlyIfFit: boolean,
): Promise<NotOpened | undefined> {
  const unfit = (): string | undefined => (onlyIfFit ? backend.unfit?.() : undefined);
  try {
    const early = unfit();
    if (early !== undefined) return { reason: early, isSpare: true, isUntried: true };
    await backend.load(settings);
    if (!(await setBackend(backend.name))) return { reason: 'it did not start' };
    const late = unfit();
    if (late !== undefined) return { reason: late, isSpare: true };
    registerOps(backend.name);
    registerGradients();
    return undefined;
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/** As one line. (Node's of a missing module ends with who wanted it.) */
function reasonOf(error: unknown): string {
  const message = wholeMessage(error).split('\nRequire stack:')[0];
  return shorten(message.trim().replace(/\s+/g, ' '), 300);
}
