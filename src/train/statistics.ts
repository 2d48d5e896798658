// What one step did to each part of the model, on request: how large the states are that go through it, its gradients,
// and how far it moved. Everything is read on the host and nothing is computed on the backend that the step itself computes
// with, so that the weights are the same with and without.
import { isTrained, type ParameterSpec } from '../architecture/parameters.js';
import type { Observe } from '../model/forward.js';
import { type Model, weight } from '../model/model.js';
import type { Event, Metrics } from '../report/event.js';
import { read, readResult } from '../tensor/host.js';
import { globalNorm } from '../tensor/ops/global-norm.js';
import type { Tensor } from '../tensor/tf.js';

/** Of one step: made before it, given what happens in it, read after it. */
export class StepStatistics {
  readonly #model: Model;
  /** Of the weights of each part that are trained. */
  readonly #names = new Map<string, string[]>();
  /** Those, as they were. */
  readonly #before: Map<string, Float32Array>;
  readonly #parts = new Map<string, Metrics>();
  readonly #squares = new Map<string, { sum: number; count: number }>();
  readonly #maxNorms = { queries: new Map<number, number>(), keys: new Map<number, number>() };

  static async of(model: Model): Promise<StepStatistics> {
    const before = new Map<string, Float32Array>();
    for (const { name } of model.parameters.filter(isTrained)) before.set(name, await read(weight(model, name)));
    return new StepStatistics(model, before);
  }

  private constructor(model: Model, before: Map<string, Float32Array>) {
    this.#model = model;
    this.#before = before;
    for (const row of model.parameters.filter(isTrained)) {
      const part = partOf(row);
      this.#part(part);
      this.#names.set(part, [...(this.#names.get(part) ?? []), row.name]);
    }
  }

  /** Reads at once, inside the forward pass: to keep the states until they can be awaited would take the memory of all. */
  readonly observe: Observe = (layer, what, states) => {
    const part = `layer ${layer} ${what === 'mlp' ? 'mlp' : 'attention'}`;
    if (what === 'queries' || what === 'keys') this.#compare(part, layer, what, states);
    else this.#measure(part, states.dataSync() as Float32Array);
  };

  /** `gradients` are sums over `total` tokens (or pairs). */
  async gradients(gradients: ReadonlyMap<string, Tensor>, total: number): Promise<void> {
    for (const [part, names] of this.#names) {
      const own = names.flatMap((name) => gradients.get(name) ?? []);
      if (own.length === 0) continue;
      const [norm] = await readResult(() => globalNorm(own));
      this.#part(part).gradientNorm = norm / total;
    }
  }

  /** After the step: how far each part moved, as a share of how long it was. */
  async event(): Promise<Pick<Event & { type: 'statistics' }, 'parts'>> {
    for (const [part, names] of this.#names) {
      let [moved, length] = [0, 0];
      for (const name of names) {
        const [now, before] = [await read(weight(this.#model, name)), this.#before.get(name) ?? new Float32Array()];
        for (let i = 0; i < before.length; i++) {
          moved += (now[i] - before[i]) ** 2;
          length += before[i] ** 2;
        }
      }
      this.#part(part).updateRatio = Math.sqrt(moved / Math.max(length, Number.MIN_VALUE));
    }
    for (const [part, { sum, count }] of this.#squares) this.#part(part).rms = Math.sqrt(sum / count);
    return { parts: [...this.#parts].map(([part, values]) => ({ part, values })) };
  }

  #measure(part: string, states: Float32Array): void {
    let [sum, max] = [0, 0];
    for (const value of states) {
      sum += value * value;
      max = Math.max(max, Math.abs(value));
    }
    const before = this.#squares.get(part) ?? { sum: 0, count: 0 };
    this.#squares.set(part, { sum: before.sum + sum, count: before.count + states.length });
    const values = this.#part(part);
    values.max = Math.max(values.max ?? 0, max);
  }

  /** No logit q·k/√D is larger than the longest query times the longest key (Cauchy–Schwarz): cheap, and no T×T matrix. */
  #compare(part: string, layer: number, what: 'queries' | 'keys', states: Tensor): void {
    const dimension = states.shape[states.shape.length - 1];
    const values = states.dataSync() as Float32Array;
    let maxNorm = this.#maxNorms[what].get(layer) ?? 0;
    for (let at = 0; at < values.length; at += dimension) {
      let sum = 0;
      for (let i = at; i < at + dimension; i++) sum += values[i] * values[i];
      maxNorm = Math.max(maxNorm, Math.sqrt(sum));
    }
    this.#maxNorms[what].set(layer, maxNorm);
    const other = this.#maxNorms[what === 'keys' ? 'queries' : 'keys'].get(layer);
    if (other !== undefined) this.#part(part).logitBound = (maxNorm * other) / Math.sqrt(dimension);
  }

  #part(name: string): Metrics {
    const values = this.#parts.get(name) ?? {};
    this.#parts.set(name, values);
    return values;
  }
}

/** As a person reads it: `layer 3 mlp`. */
function partOf({ layer, part, critic }: ParameterSpec): string {
  if (critic) return 'critic';
  return layer === undefined ? outsideLayers[part] : `layer ${layer} ${part}`;
}

const outsideLayers: Readonly<Record<string, string>> = {
  ...{ embedding: 'embedding', norm: 'last norm', head: 'output', value: 'output' },
};
