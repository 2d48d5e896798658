// Forward passes over pieces of many sequences, of any lengths side by side: no token is padding. Each looks into a stretch
// of its own of the one cache. Passes of single tokens, which is what decoding is, are recorded and run again.
import { sizeOf } from '../base/host-tensor.js';
import type { KeyValueCache } from '../model/cache.js';
import { forward, logits } from '../model/forward.js';
import { disposePacked, type Model } from '../model/model.js';
import { packModel, repackModel } from '../model/packed.js';
import { embedding } from '../tensor/ops/embedding.js';
import { createRecorder, type Recorded, type RecordedInput, type Recorder } from '../tensor/recorded.js';
import {
  concat,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor,
  tensor1d,
  tidy,
  zeros,
} from '../tensor/tf.js';

export interface Piece {
  /** Ids to read, at least one. */
  ids: readonly number[];
  /** How many tokens of the sequence are in the cache already. */
  from: number;
  /** The cache's column of the sequence's first token. */
  start: number;
  /** Another column from which on there are the same keys and values as from `start` on, and how many. Absent: none. */
  twin?: { start: number; count: number };
  /** Those of `ids`, by their place among them, whose logits are wanted. */
  wanted: readonly number[];
}

/** Recordings that are kept, one for each number of sequences: those used last. */
const maxRecordings = 24;

/** Fewer decoding rows are not halved: what attention waits for is too little to pay for reading the weights twice. */
const minRowsOfTwo = 24;

export class TokenReader {
  readonly #source: Model;
  #model: Model | undefined;
  readonly #recorder: Recorder | undefined = createRecorder();
  #recordings = new Map<number, Recorded>();
  /** The cache that the recordings read and write, at the size that it had. */
  #recorded: { cache: KeyValueCache; capacity: number } | undefined;
  #isStale = false;
  /** Where the weights lay when they were recorded. */
  #places: readonly unknown[] = [];

  /** Borrows the model, and packs its weights when it is first asked. */
  constructor(model: Model) {
    this.#source = model;
  }

  /**
   * Reads the pieces into the cache, which has room for them. The logits [rows, V] after the wanted tokens, piece by piece
   * and in the order of `wanted`; the caller says when it needs them no longer (`release`), before it reads again.
   */
  read(cache: KeyValueCache, pieces: readonly Piece[]): Tensor2D {
    if (this.#model === undefined) {
      this.#model = packModel(this.#source);
      this.#places = placesOf(this.#model);
    }
    if (this.#isStale) this.#follow(this.#model);
    this.#isStale = false;
    const inputs = inputsOf(pieces);
    const isDecoding = pieces.every(({ ids, wanted }) => ids.length === 1 && wanted.length === 1);
    return isDecoding && this.#recorder !== undefined
      ? this.#decode(this.#recorder, cache, inputs)
      : this.#readOnce(cache, inputs, pieces);
  }

  /** What a recording computed stays with that: only other logits are disposed. */
  release(logits: Tensor2D): void {
    if (![...this.#recordings.values()].some(({ result }) => result === logits)) logits.dispose();
  }

  /** To be called where the model's weights have changed. */
  weightsChanged(): void {
    this.#isStale = true;
  }

  dispose(): void {
    this.#forget();
    this.#recorder?.dispose();
    if (this.#model !== undefined && this.#model !== this.#source) disposePacked(this.#model);
  }

  /** Weights that have changed in place have to be packed again; others lie elsewhere, where no recording looks. */
  #follow(model: Model): void {
    if (model !== this.#source) repackModel(model);
    const places = placesOf(model);
    if (places.some((place, i) => place !== this.#places[i])) this.#forget();
    this.#places = places;
  }

  #readOnce(cache: KeyValueCache, inputs: readonly Int32Array[], pieces: readonly Piece[]): Tensor2D {
    const wanted: number[] = [];
    let before = 0;
    for (const { ids, wanted: own } of pieces) {
      wanted.push(...own.map((i) => before + i));
      before += ids.length;
    }
    return tidy(() => {
      const shapes = shapesOf(before);
      const hidden = this.#forward(
        cache,
        inputs.map((values, i) => tensor(values, shapes[i], 'int32')),
      );
      if (wanted.length === 0) return zeros([0, this.#source.config.vocab_size]) as Tensor2D;
      const chosen = wanted.length === before ? hidden : embedding(hidden, tensor1d(wanted, 'int32'));
      return logits(this.#model as Model, chosen);
    });
  }

  #decode(recorder: Recorder, cache: KeyValueCache, inputs: readonly Int32Array[]): Tensor2D {
    if (this.#recorded?.cache !== cache || this.#recorded.capacity !== cache.capacity) this.#forget();
    this.#recorded = { cache, capacity: cache.capacity };
    const rows = inputs[0].length;
    const parts = rows < minRowsOfTwo || recorder.width === 1 ? [inputs] : halvesOf(inputs);
    let recorded = this.#recordings.get(rows);
    if (recorded === undefined) {
      recorded = recorder.record(
        parts.map(withShapes),
        (tensors) => this.#forward(cache, tensors),
        // Of all rows at once: the vocabulary is most of a small model's weights, and is read once then.
        (hidden) => logits(this.#model as Model, concat(hidden as Tensor2D[], 0)),
      );
    } else {
      recorded.run(parts);
      this.#recordings.delete(rows);
    }
    this.#recordings.set(rows, recorded); // the last in order is the one used last
    if (this.#recordings.size > maxRecordings) {
      const [oldest] = this.#recordings.keys();
      this.#recordings.get(oldest)?.dispose();
      this.#recordings.delete(oldest);
    }
    return recorded.result as Tensor2D;
  }

  #forward(cache: KeyValueCache, [tokens, positions, ranges, columns, twins]: readonly Tensor[]): Tensor2D {
    const input = {
      tokens: tokens as Tensor1D,
      positions: positions as Tensor1D,
      ranges: ranges as Tensor3D,
    };
    return forward(this.#model as Model, input, {
      cache: { cache, columns: columns as Tensor1D, twins: twins as Tensor2D },
    });
  }

  #forget(): void {
    for (const recorded of this.#recordings.values()) recorded.dispose();
    this.#recordings.clear();
  }
}

/** A variable's tensor is in another place when another one was assigned to it. */
function placesOf({ weights }: Model): unknown[] {
  return [...weights.values()].map(({ dataId }) => dataId);
}

/** Ids, positions, the range of columns that each token sees, the column that it goes to, and its twin. */
function inputsOf(pieces: readonly Piece[]): Int32Array[] {
  const count = pieces.reduce((sum, { ids }) => sum + ids.length, 0);
  const inputs = shapesOf(count).map((shape) => new Int32Array(sizeOf(shape)));
  const [tokens, positions, ranges, columns, twins] = inputs;
  let at = 0;
  for (const { ids, from, start, twin = { start, count: from } } of pieces) {
    for (let i = 0; i < ids.length; i++, at++) {
      tokens[at] = ids[i];
      positions[at] = from + i;
      columns[at] = start + from + i;
      ranges[2 * at] = start;
      ranges[2 * at + 1] = columns[at];
      twins[2 * at] = twin.start;
      twins[2 * at + 1] = twin.count;
    }
  }
  return inputs;
}

function withShapes(inputs: readonly Int32Array[]): RecordedInput[] {
  const shapes = shapesOf(inputs[0].length);
  return inputs.map((values, i) => ({ values, shape: shapes[i] }));
}

/** The inputs of the first half of the rows, and of the second. */
function halvesOf(inputs: readonly Int32Array[]): Int32Array[][] {
  const rows = inputs[0].length;
  const cut = (values: Int32Array) => (Math.ceil(rows / 2) * values.length) / rows;
  return [
    inputs.map((values) => values.subarray(0, cut(values))),
    inputs.map((values) => values.subarray(cut(values))),
  ];
}

/** Of these inputs, for so many tokens. */
function shapesOf(count: number): number[][] {
  return [[count], [count], [1, count, 2], [count], [count, 2]];
}
