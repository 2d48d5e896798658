// Opens the native backend: the addon, TensorFlow.js's registry entry, and the kernels.
import '@tensorflow/tfjs-backend-cpu';
import { getKernelsForBackend, registerBackend } from '../tf.js';
import { loadAddon } from './addon.js';
import { NativeBackend } from './backend.js';
import { registerFused } from './fused.js';
import { registerPlain } from './plain.js';

let loaded: NativeBackend | undefined;

/** Makes `native` known to TensorFlow.js, once. Throws where there is no addon that runs here. */
export function loadNative(): void {
  if (loaded !== undefined) return;
  const addon = loadAddon();
  const backend = new NativeBackend(addon);
  registerFused(addon.kernels);
  registerPlain(getKernelsForBackend('cpu'));
  registerBackend('native', () => backend, 0);
  loaded = backend;
}

/** The native backend, where it is loaded. */
export function nativeBackend(): NativeBackend | undefined {
  return loaded;
}
