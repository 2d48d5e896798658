// A computation on a few ids and places that is run over and over, as a decoding step is: the native backend makes its
// kernel calls again in one go, without TensorFlow.js. Other backends cannot: there it is computed anew.
import { NativeRecorder } from './native/recorder.js';
import { engine, type Tensor } from './tf.js';

/** An int32 tensor. */
export interface RecordedInput {
  values: Int32Array;
  shape: number[];
}

export interface Recorder {
  /** How many parts run at once: 2 where one part's arithmetic hides the other's waiting for memory. */
  readonly width: 1 | 2;
  /**
   * Computes once, and keeps how: something of each part's inputs, then one thing of all parts' results.
   * `compute` may use tensors that stay where they are (weights, a cache), but no two parts may write to the same place,
   * nor one read what the other writes.
   */
  record(
    parts: readonly (readonly RecordedInput[])[],
    compute: (inputs: Tensor[]) => Tensor,
    join: (results: Tensor[]) => Tensor,
  ): Recorded;
  /** After all that it recorded. */
  dispose(): void;
}

export interface Recorded {
  /** What was computed last; gone when anything of the same recorder runs. Not the caller's to dispose. */
  readonly result: Tensor;
  /** Computes with other values of each part's inputs. */
  run(values: readonly (readonly Int32Array[])[]): void;
  dispose(): void;
}

/** A recorder for the current backend, where that records. */
export function createRecorder(): Recorder | undefined {
  const { backend } = engine();
  return NativeRecorder.of(backend);
}
