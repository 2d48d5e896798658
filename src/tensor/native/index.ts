// Opens the native backend: the addon, TensorFlow.js's registry entry, and the kernels; then its threads and precision.
import '@tensorflow/tfjs-backend-cpu';
import { availableCores } from '../../base/cores.js';
import { countOf } from '../../base/format.js';
import type { ComputeSettings } from '../../config/compute.js';
import { getKernelsForBackend, registerBackend } from '../tf.js';
import { defaultThreads, loadAddon } from './addon.js';
import { NativeBackend } from './backend.js';
import { registerFused } from './fused.js';
import { registerPlain } from './plain.js';

let loaded: NativeBackend | undefined;

/** Makes `native` known to TensorFlow.js, once. Throws where there is no addon that runs here. */
export function loadNative(): NativeBackend {
  if (loaded !== undefined) return loaded;
  const backend = new NativeBackend(loadAddon());
  registerFused();
  registerPlain(getKernelsForBackend('cpu'));
  registerBackend('native', () => backend, 0);
  loaded = backend;
  return backend;
}

/** Sets both, to their defaults where they are absent. `inWords` says what a run should know: `avx512, 2 threads`. */
export function configureNative({ threads = defaultThreads(), precision = 'fp32' }: ComputeSettings) {
  const { addon } = loadNative();
  addon.setThreads(threads);
  addon.setPrecision(precision);
  const isa = addon.isa();
  const engine = `${isa}, ${countOf(threads, 'thread')}`;
  const warning = beyondCores(threads);
  if (precision === 'fp32') return { threads, precision, isa, inWords: engine, warning };
  const gain = addon.bf16IsFast() ? '' : ': no faster than fp32 on this processor';
  return { threads, precision, isa, inWords: `${engine}, bf16${gain}`, warning };
}

/** Threads that wait for each other, and for a core: each product then takes as long as the slowest of them. */
function beyondCores(threads: number, cores = availableCores()): string | undefined {
  if (threads <= cores) return undefined;
  return `${threads} threads on ${countOf(cores, 'core')} wait for each other and compute more slowly, many of them much more slowly: --threads ${cores}, or fewer where other programs run here`;
}

/** The native backend, where it is loaded. */
export function nativeBackend(): NativeBackend | undefined {
  return loaded;
}
