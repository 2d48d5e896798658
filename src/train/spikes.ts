// Spikes: a step whose loss or gradient norm stands far above those of the steps before it, or is not finite. The trainer
// then goes back to its last checkpoint and on with other data, as Chowdhery et al. 2022 (PaLM, §5.1) did by hand.
import type { ManifestFields } from '../checkpoint/manifest.js';

export interface SpikeState {
  /** Loss and gradient norm of the latest steps, oldest first: of a checkpoint's training state. */
  recent: [loss: number, gradientNorm: number][];
  /** Spikes, and the data that were left out for them: of a checkpoint's manifest. */
  skipped: NonNullable<ManifestFields['skipped']>;
}

/** Ids that a manifest names for one spike. */
export const mostIds = 1000;

/** Steps that a new one is compared with, and the fewest that say anything. */
const window = 64;
const fewest = 16;
/** Spread that is taken for granted, as a share: a loss that hardly moves must not make every change a spike. */
const leastSpread = 0.02;

/** Why the step is a spike: `limit` standard deviations above the recent ones, in their logarithms. Undefined: it is none. */
export function spikeOf(
  { recent }: Pick<SpikeState, 'recent'>,
  [loss, gradientNorm]: readonly [number, number],
  limit: number,
): string | undefined {
  for (const [at, name, value] of [[0, 'loss', loss] as const, [1, 'gradient norm', gradientNorm] as const]) {
    if (!Number.isFinite(value)) return `its ${name} is ${value}`;
    if (recent.length < fewest) continue;
    const logs = recent.map((pair) => Math.log(Math.max(pair[at], 1e-12)));
    const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
    const deviation = Math.sqrt(logs.reduce((total, x) => total + (x - mean) ** 2, 0) / logs.length);
    const most = Math.exp(mean + limit * Math.max(deviation, leastSpread));
    if (value > most) return `its ${name} of ${value.toPrecision(3)} is above ${most.toPrecision(3)}`;
  }
  return undefined;
}

/** The state after a step that was none. */
export function withStep(state: SpikeState, step: [number, number]): SpikeState {
  return { ...state, recent: [...state.recent, step].slice(-window) };
}
