// The weights of decoder layers in shares (ZeRO stage 3, Rajbhandari et al. 2020): each rank keeps the elements that it also keeps
// the moments of, a layer is gathered just before it computes, forward and again backward, and let go after; its gradients are
// summed over the ranks as soon as its backward pass is done. While it trains, no rank holds more than one layer as a whole.
//
// The passes are synchronous, and so are these exchanges: every rank makes as many passes as every other (`idlePass`).
import { isTrained, type ParameterSpec } from '../architecture/parameters.js';
import type { TrainConfig } from '../config/train.js';
import { type LayerShards, type Model, weight } from '../model/model.js';
import type { Communicator } from '../tensor/communicator.js';
import { copyOf, overwrite, readNow, variableOf } from '../tensor/host.js';
import type { Lent } from '../tensor/recompute.js';
import { add, dispose, keep, type Tensor, type Variable } from '../tensor/tf.js';
import {
  type Bucket,
  bucketSize,
  bucketsOf,
  countsOf,
  isWhole,
  type Piece,
  parametersOf,
  partOf,
  placesOf,
} from './shards.js';

interface ShardedModel {
  config: Model['config'];
  /** All of them are trained. */
  parameters: readonly ParameterSpec[];
  optimizer: TrainConfig['optimizer'];
  communicator: Communicator;
}

/**
 * A model of which this rank holds its share of the layers, and as a whole what is outside them.
 * @param made the model of some of the parameters, or of more: called for what is outside the layers, then for one layer after
 * another, and what it gives of these is cut and disposed before the next.
 */
export function shardedModel(
  { config, parameters, optimizer, communicator }: ShardedModel,
  made: (rows: readonly ParameterSpec[]) => Model,
): Model & { shards: RankShards } {
  const frozen = parameters.find((row) => !isTrained(row));
  if (frozen !== undefined) throw new Error(`${frozen.name} is not trained, and only what is trained can be sharded`);
  const shards = new RankShards(parameters, optimizer, communicator);
  const outside = parameters.filter((row) => !shards.has(row.name));
  const whole = made(outside);
  for (const { name } of outside) shards.weights.set(name, weight(whole, name));
  for (const rows of shards.layers) {
    const layer = made(rows);
    for (const { name } of rows) {
      const value = weight(layer, name);
      shards.cut(name, value);
      value.dispose();
    }
  }
  return { config, parameters, weights: shards.weights, shards };
}

/** Of a model whose layers several ranks hold in shares. */
export function shardsOf({ shards }: Pick<Model, 'shards'>): RankShards | undefined {
  return shards instanceof RankShards ? shards : undefined;
}

/** This rank's shares of all layers. */
export class RankShards implements LayerShards {
  readonly #communicator: Communicator;
  /** Of each layer, what is exchanged of it at a time. */
  readonly #buckets: Bucket[][] = [];
  /** By parameter: which elements are this rank's. */
  readonly #pieces: ReadonlyMap<string, Piece>;
  /** Their values: of the parameter's shape where these are all, else [n]. */
  readonly #shares = new Map<string, Variable>();
  /** Their gradients, summed over the ranks and so far over the micro-batches. */
  readonly #sums = new Map<string, Tensor>();
  readonly #names: ReadonlySet<string>;
  /** Rows of each layer. */
  readonly layers: ParameterSpec[][] = [];
  /** Of the model: those of a layer are there while that computes. */
  readonly weights: Map<string, Variable>;
  /** All parameters, for moments and weights alike. */
  readonly buckets: readonly Bucket[];
  /** For any bucket that is exchanged. */
  readonly room: Float32Array;

  constructor(parameters: readonly ParameterSpec[], kind: TrainConfig['optimizer'], communicator: Communicator) {
    this.#communicator = communicator;
    this.buckets = bucketsOf(parameters, { kind, size: communicator.size, byLayer: true });
    const own = this.buckets.flat().filter(({ rank }) => rank === communicator.rank);
    this.#pieces = new Map(own.map((piece) => [piece.row.name, piece]));
    for (const row of parameters) {
      if (row.layer === undefined) continue;
      this.layers[row.layer] ??= [];
      this.layers[row.layer].push(row);
    }
    for (const bucket of this.buckets) {
      const { layer } = bucket[0].row;
      if (layer === undefined) continue;
      this.#buckets[layer] ??= [];
      this.#buckets[layer].push(bucket);
    }
    this.#names = new Set(this.layers.flat().map(({ name }) => name));
    this.weights = new PresentWeights(this.#names);
    this.room = new Float32Array(Math.max(...this.buckets.map(bucketSize)));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  get shares(): ReadonlyMap<string, Variable> {
    return this.#shares;
  }

  /** Takes what this rank keeps of a whole parameter. */
  cut(name: string, whole: Variable): void {
    const piece = this.#pieces.get(name);
    if (piece !== undefined) this.#shares.set(name, partOf(whole, piece));
  }

  assign(name: string, values: Float32Array): void {
    const piece = this.#pieces.get(name);
    const share = this.#shares.get(name);
    if (piece !== undefined && share !== undefined) overwrite(share, values.subarray(piece.from, piece.to));
  }

  lend(layer: number): Lent {
    return {
      take: () => this.#gather(layer),
      giveBack: () => this.#release(layer),
      learn: (gradients) => {
        this.#reduce(layer, new Map(this.layers[layer].map(({ name }, i) => [name, gradients[i]])));
      },
    };
  }

  /** The exchanges of one forward and backward pass, of a rank that has nothing to compute in it. */
  idlePass(): void {
    for (const layer of this.layers.keys()) for (const bucket of this.#buckets[layer]) this.#collect(layer, bucket);
    for (const layer of [...this.layers.keys()].reverse()) {
      for (const bucket of this.#buckets[layer]) this.#collect(layer, bucket);
      this.#reduce(layer, new Map());
    }
  }

  /** This rank's gradients of the step, which are the caller's to dispose: as `reduceGradients` leaves them. */
  takeSums(): Map<string, Tensor> {
    const sums = new Map(this.#sums);
    this.#sums.clear();
    return sums;
  }

  dispose(): void {
    dispose([...this.#shares.values(), ...this.#sums.values()]);
    this.#sums.clear();
  }

  #collect(layer: number, bucket: Bucket): Float32Array {
    const { rank, size } = this.#communicator;
    const values = this.room.subarray(0, bucketSize(bucket));
    for (const { piece, at } of placesOf(bucket)) {
      const share = piece.rank === rank ? this.#shares.get(piece.row.name) : undefined;
      if (share !== undefined) readNow(share, values.subarray(at, at + share.size));
    }
    this.#communicator.allGatherNow(values, countsOf(bucket, size), layer);
    return values;
  }

  #gather(layer: number): Variable[] {
    for (const bucket of this.#buckets[layer]) {
      const values = this.#collect(layer, bucket);
      for (const { row, at, size } of parametersOf(bucket)) {
        this.weights.set(row.name, variableOf(values.subarray(at, at + size), row.shape));
      }
    }
    return this.layers[layer].map(({ name }) => this.weights.get(name) as Variable);
  }

  #release(layer: number): void {
    for (const { name } of this.layers[layer]) {
      if (!this.weights.has(name)) continue; // it could not be gathered
      this.weights.get(name)?.dispose();
      this.weights.delete(name);
    }
  }

  /** @param gradients of this rank's pass; without one, 0. */
  #reduce(layer: number, gradients: ReadonlyMap<string, Tensor>): void {
    const { rank, size: ranks } = this.#communicator;
    for (const bucket of this.#buckets[layer]) {
      const values = this.room.subarray(0, bucketSize(bucket));
      for (const { row, at, size } of parametersOf(bucket)) {
        const gradient = gradients.get(row.name);
        if (gradient === undefined) values.fill(0, at, at + size);
        else readNow(gradient, values.subarray(at, at + size));
      }
      this.#communicator.reduceScatterNow(values, countsOf(bucket, ranks), layer);
      for (const { piece, at } of placesOf(bucket)) {
        if (piece.rank !== rank) continue;
        const { name, shape } = piece.row;
        const length = piece.to - piece.from;
        const fresh = copyOf(values.subarray(at, at + length), isWhole(piece) ? shape : [length]);
        const before = this.#sums.get(name);
        // A backward pass has scopes of its own, which these outlive.
        this.#sums.set(name, keep(before === undefined ? fresh : add(before, fresh)));
        if (before !== undefined) dispose([before, fresh]);
      }
    }
  }
}

/** Weights by name, some of which are there at times: to ask for one at another throws, where undefined could be taken for a layer without it. */
class PresentWeights extends Map<string, Variable> {
  readonly #coming: ReadonlySet<string>;

  constructor(coming: ReadonlySet<string>) {
    super();
    this.#coming = coming;
  }

  override get(name: string): Variable | undefined {
    const found = super.get(name);
    if (found !== undefined || !this.#coming.has(name)) return found;
    throw new Error(`${name} is held in shares by several ranks, and its layer is not gathered`);
  }
}
