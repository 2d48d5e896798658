// Records on the native backend: see tensor/recorded.ts. Two parts run side by side, the second behind the first: while
// one's attention reads its cache, the other multiplies.
import { keep, type Tensor, tensor, tidy } from '../tf.js';
import type { Arena } from './arena.js';
import { NativeBackend } from './backend.js';
import { createWorkspace, Recording } from './recording.js';

interface Input {
  values: Int32Array;
  shape: number[];
}

/** Until one part has come to it, the other's threads help it. */
const readsMemory = 'CachedAttention';

export class NativeRecorder {
  readonly #backend: NativeBackend;
  /** One for each part: what parts compute side by side cannot share memory. */
  readonly #workspaces: readonly Arena[];

  private constructor(backend: NativeBackend) {
    this.#backend = backend;
    this.#workspaces = [createWorkspace(backend.addon), createWorkspace(backend.addon)];
  }

  static of(backend: unknown): NativeRecorder | undefined {
    return backend instanceof NativeBackend ? new NativeRecorder(backend) : undefined;
  }

  get width(): 1 | 2 {
    return this.#backend.addon.threads() > 1 ? 2 : 1;
  }

  record(
    parts: readonly (readonly Input[])[],
    compute: (inputs: Tensor[]) => Tensor,
    join: (results: Tensor[]) => Tensor,
  ): NativeRecorded {
    if (parts.length > this.#workspaces.length) throw new Error(`record: ${parts.length} parts, at most 2`);
    const backend = this.#backend;
    const places = parts.map((inputs) => inputs.map(({ values, shape }) => keep(tensor(values, shape, 'int32'))));
    const isOne = parts.length === 1;
    const own = isOne ? [0] : [...parts.keys(), 0];
    const recordings = own.map((i) => new Recording(backend.addon, this.#workspaces[i]));
    const results: Tensor[] = [];
    try {
      for (const [i, inputs] of places.entries()) {
        backend.recording = recordings[i];
        results.push(keep(tidy(() => (isOne ? join([compute(inputs)]) : compute(inputs)))));
      }
      if (!isOne) {
        backend.recording = recordings.at(-1);
        results.push(keep(tidy(() => join(results))));
      }
      // Logits of every number of rows side by side would be more than a small model.
      for (const result of results) backend.lend(result);
      return new NativeRecorded(backend, recordings, places, results);
    } catch (error) {
      for (const each of [...places.flat(), ...results]) each.dispose();
      for (const { constants } of recordings) constants.dispose();
      throw error;
    } finally {
      backend.recording = undefined;
    }
  }

  dispose(): void {
    for (const workspace of this.#workspaces) workspace.dispose();
  }
}

class NativeRecorded {
  readonly result: Tensor;
  readonly #backend: NativeBackend;
  readonly #recordings: readonly Recording[];
  readonly #inputs: readonly (readonly Tensor[])[];
  readonly #results: readonly Tensor[];
  readonly #frames: readonly Float64Array[];
  readonly #lead: number;

  /** Of each part, and of what joins two. */
  constructor(
    backend: NativeBackend,
    recordings: readonly Recording[],
    inputs: readonly (readonly Tensor[])[],
    results: readonly Tensor[],
  ) {
    this.#backend = backend;
    this.#recordings = recordings;
    this.#inputs = inputs;
    this.#results = results;
    this.#frames = recordings.map(({ frames }) => frames);
    this.#lead = recordings[0].before(backend.addon.kernels.indexOf(readsMemory));
    this.result = results[results.length - 1];
  }

  run(values: readonly (readonly Int32Array[])[]): void {
    for (const [part, inputs] of this.#inputs.entries()) {
      for (const [i, input] of inputs.entries()) this.#backend.overwrite(input, values[part][i]);
    }
    const { addon } = this.#backend;
    const [first, second, join] = this.#frames;
    if (second !== undefined) addon.replayTwo(first, second, this.#lead);
    addon.replay(join ?? first);
  }

  dispose(): void {
    for (const tensor of [...this.#inputs.flat(), ...this.#results]) tensor.dispose();
    for (const { constants } of this.#recordings) constants.dispose();
  }
}
