// Records on the native backend: see tensor/recorded.ts.
import { keep, type Tensor, tensor, tidy } from '../tf.js';
import type { Arena } from './arena.js';
import { NativeBackend } from './backend.js';
import { createWorkspace, Recording } from './recording.js';

export class NativeRecorder {
  readonly #backend: NativeBackend;
  readonly #workspace: Arena;

  private constructor(backend: NativeBackend) {
    this.#backend = backend;
    this.#workspace = createWorkspace(backend.addon);
  }

  static of(backend: unknown): NativeRecorder | undefined {
    return backend instanceof NativeBackend ? new NativeRecorder(backend) : undefined;
  }

  record(
    inputs: readonly { values: Int32Array; shape: number[] }[],
    compute: (inputs: Tensor[]) => Tensor,
  ): NativeRecorded {
    const backend = this.#backend;
    const recording = new Recording(backend.addon, this.#workspace);
    const places = inputs.map(({ values, shape }) => keep(tensor(values, shape, 'int32')));
    backend.recording = recording;
    try {
      const result = keep(tidy(() => compute(places)));
      backend.lend(result); // logits of every number of rows side by side would be more than a small model
      return new NativeRecorded(backend, recording, places, result);
    } catch (error) {
      for (const place of places) place.dispose();
      recording.constants.dispose();
      throw error;
    } finally {
      backend.recording = undefined;
    }
  }

  dispose(): void {
    this.#workspace.dispose();
  }
}

class NativeRecorded {
  readonly result: Tensor;
  readonly #backend: NativeBackend;
  readonly #recording: Recording;
  readonly #inputs: readonly Tensor[];
  readonly #frames: Float64Array;

  constructor(backend: NativeBackend, recording: Recording, inputs: readonly Tensor[], result: Tensor) {
    this.#backend = backend;
    this.#recording = recording;
    this.#inputs = inputs;
    this.#frames = recording.frames;
    this.result = result;
  }

  run(values: readonly Int32Array[]): void {
    for (const [i, input] of this.#inputs.entries()) this.#backend.overwrite(input, values[i]);
    this.#backend.addon.replay(this.#frames);
  }

  dispose(): void {
    for (const tensor of [...this.#inputs, this.result]) tensor.dispose();
    this.#recording.constants.dispose();
  }
}
