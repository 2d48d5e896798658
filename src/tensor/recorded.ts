// A computation on a few ids and places that is run over and over, as a decoding step is: the native backend makes its
// kernel calls again in one go, without TensorFlow.js. Other backends cannot: there it is computed anew.
import { NativeRecorder } from './native/recorder.js';
import { engine, type Tensor } from './tf.js';

/** Inputs are int32. */
export interface Recorder {
  /** Computes once, and keeps how. `compute` may use tensors that stay where they are: weights, a cache. */
  record(inputs: readonly { values: Int32Array; shape: number[] }[], compute: (inputs: Tensor[]) => Tensor): Recorded;
  /** After all that it recorded. */
  dispose(): void;
}

export interface Recorded {
  /** What was computed last; gone when anything of the same recorder runs. Not the caller's to dispose. */
  readonly result: Tensor;
  /** Computes with other values of the inputs. */
  run(values: readonly Int32Array[]): void;
  dispose(): void;
}

/** A recorder for the current backend, where that records. */
export function createRecorder(): Recorder | undefined {
  const { backend } = engine();
  return NativeRecorder.of(backend);
}
