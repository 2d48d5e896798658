// What the ranks of a step send each other: gradients to who keeps the moments of them, new weights back to all, and, for a
// checkpoint, the moments. In one process nothing is sent, and nothing is copied.
import type { ParameterSpec } from '../architecture/parameters.js';
import { type HostTensor, sizeOf } from '../base/host-tensor.js';
import type { TrainConfig } from '../config/train.js';
import { type Model, weight } from '../model/model.js';
import type { Communicator } from '../tensor/communicator.js';
import { copyOf, overwrite, readInto } from '../tensor/host.js';
import { dispose, reshape, slice, type Tensor, tidy, type Variable, variable } from '../tensor/tf.js';
import { momentKinds, momentName, type OptimizerState, optimizerStep, type UpdateContext } from './optimizer.js';
import { type Bucket, countsOf, isWhole, type Piece, parametersOf } from './shards.js';

/**
 * `gradients`, which are sums over this rank's parts of the step, become sums over all ranks: of each of `rows` the elements
 * that this rank updates, in the parameter's shape where these are all, else [n]; and of the rest nothing.
 */
export async function reduceGradients(
  communicator: Communicator,
  optimizer: OptimizerState,
  rows: readonly ParameterSpec[],
  gradients: Map<string, Tensor>,
): Promise<void> {
  const { rank, size } = communicator;
  if (size === 1) return;
  for (const { bucket, values } of bucketsWith(optimizer, rows)) {
    for (const { row, at, size: length } of parametersOf(bucket)) {
      const own = gradients.get(row.name);
      gradients.delete(row.name);
      if (own === undefined) values.fill(0, at, at + length);
      else await readInto(own, values.subarray(at, at + length));
      own?.dispose();
    }
    await communicator.reduceScatter(values, countsOf(bucket, size));
    for (const { piece, at } of placesOf(bucket)) {
      if (piece.rank !== rank) continue;
      const length = piece.to - piece.from;
      const shape = isWhole(piece) ? piece.row.shape : [length];
      gradients.set(piece.row.name, copyOf(values.subarray(at, at + length), shape));
    }
  }
}

/** One step of `rows`, each rank's own part of it, after which all have the same weights. `gradients` as `reduceGradients` left them. */
export async function updateWeights(
  communicator: Communicator,
  model: Model,
  optimizer: OptimizerState,
  gradients: ReadonlyMap<string, Tensor>,
  config: TrainConfig,
  { rows, ...at }: UpdateContext & { rows: readonly ParameterSpec[] },
): Promise<void> {
  const { rank, size } = communicator;
  if (size === 1) return optimizerStep(model, optimizer, gradients, config, { rows, ...at });
  for (const { bucket, values } of bucketsWith(optimizer, rows)) {
    const own = [...placesOf(bucket)].filter(({ piece }) => piece.rank === rank);
    const cut = new Map<string, Variable>();
    try {
      for (const { piece } of own) if (!isWhole(piece)) cut.set(piece.row.name, partOf(model, piece));
      const ownRows = own.map(({ piece }) => piece.row);
      if (ownRows.length > 0) optimizerStep(model, optimizer, gradients, config, { rows: ownRows, cut, ...at });
      for (const { piece, at: place } of own) {
        const { name } = piece.row;
        await readInto(cut.get(name) ?? weight(model, name), values.subarray(place, place + piece.to - piece.from));
      }
    } finally {
      dispose([...cut.values()]);
    }
    await communicator.allGather(values, countsOf(bucket, size));
    const done = new Set(own.filter(({ piece }) => isWhole(piece)).map(({ piece }) => piece.row.name));
    for (const { row, at: place, size: length } of parametersOf(bucket)) {
      if (!done.has(row.name)) overwrite(weight(model, row.name), values.subarray(place, place + length));
    }
  }
}

/**
 * All moments, each as a whole, under the names and in the order that a checkpoint stores them by. The first rank's are
 * its own to keep; the others, who call it too, get none.
 * @param roomFor memory for the tensor of this name, of so many numbers.
 */
export async function collectMoments(
  communicator: Communicator,
  optimizer: OptimizerState,
  roomFor: (name: string, size: number) => Float32Array,
): Promise<HostTensor[]> {
  const { rank, size } = communicator;
  const pieces = new Map<string, Piece[]>();
  for (const piece of optimizer.buckets.flat()) {
    pieces.set(piece.row.name, [...(pieces.get(piece.row.name) ?? []), piece]);
  }
  const collected: HostTensor[] = [];
  for (const row of optimizer.rows) {
    const own = optimizer.moments.get(row.name);
    for (const kind of momentKinds(row, optimizer.kind)) {
      const [name, length] = [momentName(kind, row.name), sizeOf(row.shape)];
      const values = rank === 0 ? roomFor(name, length) : optimizer.room.subarray(0, length); // a bucket holds it
      const parts = pieces.get(row.name) ?? [];
      const moment = own?.[kind];
      const part = parts.find((piece) => piece.rank === rank);
      if (moment !== undefined && part !== undefined) await readInto(moment, values.subarray(part.from, part.to));
      if (size > 1) await communicator.allGather(values, countsOf(parts, size));
      if (rank === 0) collected.push({ name, shape: [...row.shape], data: values });
    }
  }
  return collected;
}

/** What of each bucket is in `rows`, with memory for it that the next one takes over. */
function* bucketsWith(
  { buckets, room }: OptimizerState,
  rows: readonly ParameterSpec[],
): Generator<{ bucket: Bucket; values: Float32Array }> {
  const names = new Set(rows.map(({ name }) => name));
  for (const all of buckets) {
    const bucket = all.filter(({ row }) => names.has(row.name));
    if (bucket.length === 0) continue;
    const length = bucket.reduce((sum, { from, to }) => sum + to - from, 0);
    if (room.length < length) throw new Error('the optimizer was created for another number of ranks');
    yield { bucket, values: room.subarray(0, length) };
  }
}

/** Where in its bucket each piece begins. */
function* placesOf(bucket: Bucket): Generator<{ piece: Piece; at: number }> {
  let at = 0;
  for (const piece of bucket) {
    yield { piece, at };
    at += piece.to - piece.from;
  }
}

/** A copy of it, [n]. */
function partOf(model: Model, { row, from, to }: Piece): Variable {
  const values = tidy(() => slice(reshape(weight(model, row.name), [-1]), [from], [to - from]));
  const part = variable(values, false);
  values.dispose();
  return part;
}
