// How long something takes: warmed up first, then the median of several samples, because on a shared machine the mean
// measures the neighbours.
import { quantile } from '../base/statistics.js';
import { reshape, slice, type Tensor, tidy } from '../tensor/tf.js';

export interface Spread {
  median: number;
  /** Quartiles. */
  low: number;
  high: number;
}

/** Shortest sample, in seconds: far above the clock's and the engine's own overhead. */
const sampleSeconds = 0.01;

export interface MeasureOptions {
  /** Seconds to spend on it, about; one call that takes longer is made three times all the same. */
  seconds?: number;
}

/** Seconds that one call of `work` takes. `work` gives one of the tensors it made, and leaves the rest to the scope. */
export function secondsPerCall(work: () => Tensor, { seconds = 1 }: MeasureOptions = {}): Spread {
  const warmUpEnds = performance.now() + 250 * seconds;
  let once = sample(work, 1);
  while (performance.now() < warmUpEnds) once = Math.min(once, sample(work, 1));
  const calls = Math.max(1, Math.min(1000, Math.ceil(sampleSeconds / once)));
  const samples: number[] = [];
  const ends = performance.now() + 750 * seconds;
  while (samples.length < 3 || performance.now() < ends) samples.push(sample(work, calls) / calls);
  return spreadOf(samples);
}

/** Median and quartiles, interpolated between neighbours. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => quantile(sorted, share);
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

function sample(work: () => Tensor, calls: number): number {
  const start = performance.now();
  for (let call = 1; call <= calls; call++) {
    tidy(() => {
      const result = work();
      if (call === calls) settle(result);
    });
  }
  return (performance.now() - start) / 1000;
}

/** Waits until it is computed: a GPU runs behind the program, and only reading a number waits for it. */
function settle(result: Tensor): void {
  slice(reshape(result, [-1]), [0], [1]).dataSync();
}
