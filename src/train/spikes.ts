// Spikes: a step whose loss or gradient norm is far above those of the steps before it, or is not finite. The training
// then rolls back to its last checkpoint and on with other data, as Chowdhery et al. 2022 (PaLM, §5.1) did by hand.
import type { ManifestFields } from '../checkpoint/manifest.js';

export interface SpikeState {
  /** Loss and gradient norm of the latest steps, oldest first: of a checkpoint's training state. */
  recent: [loss: number, gradientNorm: number][];
  /** Spikes, and the data that were skipped for them: of a checkpoint's manifest. */
  skipped: NonNullable<ManifestFields['skipped']>;
}

/** Times that a training rolls back to the same checkpoint before it gives up. */
const maxRollbacks = 3;
/** Ids that a manifest names for one spike. */
const maxIds = 1000;

/** Steps that a new one is compared with, and the fewest that say anything. */
const window = 64;
const minSteps = 16;
/** Spread that is taken for granted, as a share: a loss that hardly moves must not make every change a spike. */
const minSpread = 0.02;

/** Judges each step, and keeps what a checkpoint says of the spikes so far. */
export class SpikePolicy {
  readonly #limit: number;
  state: SpikeState = { recent: [], skipped: [] };
  /** Documents of the steps since the last checkpoint. */
  #unsaved: { step: number; ids: readonly string[] }[] = [];
  #spike = { step: 0, reason: '' };

  constructor(limit: number) {
    this.#limit = limit;
  }

  after(
    step: number,
    { loss, gradientNorm }: { loss: number; gradientNorm: number },
    ids: readonly string[],
  ): 'keep' | 'rollback' {
    this.#unsaved.push({ step, ids });
    const reason = spikeOf(this.state, [loss, gradientNorm], this.#limit);
    this.state = withStep(this.state, [loss, gradientNorm]);
    if (reason === undefined) return 'keep';
    this.#spike = { step, reason };
    return 'rollback';
  }

  /** The newest checkpoint is that of `step`. */
  saved(step: number): void {
    this.#unsaved = this.#unsaved.filter((unsaved) => unsaved.step > step);
  }

  /**
   * Counts the spike that `after` has found, with the data that are skipped for it; says so in words. `recent`: of the
   * checkpoint that is rolled back to. Undefined where that has been tried often enough.
   */
  rollback(backTo: number, recent: SpikeState['recent'] = []): string | undefined {
    const { skipped } = this.state;
    if (skipped.filter((spike) => spike.backTo === backTo).length >= maxRollbacks) return undefined;
    const { step, reason } = this.#spike;
    const ids = [...new Set(this.#unsaved.flatMap((unsaved) => (unsaved.step > backTo ? unsaved.ids : [])))];
    this.#unsaved = [];
    const spike = { step, backTo, reason, documents: ids.length, ids: ids.slice(0, maxIds) };
    this.state = { recent, skipped: [...skipped, spike] };
    return `step ${step} is a spike: ${reason}. Back to step ${backTo}, without the data since then: ${firstOf(ids)}`;
  }
}

/** Why the step is a spike: `limit` standard deviations above the recent ones, in their logarithms. Undefined: it is none. */
export function spikeOf(
  { recent }: Pick<SpikeState, 'recent'>,
  [loss, gradientNorm]: readonly [number, number],
  limit: number,
): string | undefined {
  for (const [at, name, value] of [[0, 'loss', loss] as const, [1, 'gradient norm', gradientNorm] as const]) {
    if (!Number.isFinite(value)) return `its ${name} is ${value}`;
    if (recent.length < minSteps) continue;
    const logs = recent.map((pair) => Math.log(Math.max(pair[at], 1e-12)));
    const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
    const deviation = Math.sqrt(logs.reduce((total, x) => total + (x - mean) ** 2, 0) / logs.length);
    const max = Math.exp(mean + limit * Math.max(deviation, minSpread));
    if (value > max) return `its ${name} of ${value.toPrecision(3)} is above ${max.toPrecision(3)}`;
  }
  return undefined;
}

/** The state after a step that was none. */
export function withStep(state: SpikeState, step: [number, number]): SpikeState {
  return { ...state, recent: [...state.recent, step].slice(-window) };
}

/** The first ids, in words. */
export function firstOf(ids: readonly string[]): string {
  return ids.slice(0, 20).join(', ') + (ids.length > 20 ? `, … (${ids.length} in all)` : '');
}
