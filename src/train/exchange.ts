// What the ranks of a step send each other: gradients to who keeps the moments of them, new weights back to all, and, for a
// checkpoint or an evaluation, what each has a share of. What is sent within a pass is in layer-shards.ts. In one process nothing
// is sent, and nothing is copied.
import type { ParameterSpec } from '../architecture/parameters.js';
import { type HostTensor, sizeOf } from '../base/host-tensor.js';
import type { TrainConfig } from '../config/train.js';
import { type Model, weight } from '../model/model.js';
import type { Communicator } from '../tensor/communicator.js';
import { copyOf, overwrite, readInto, variableOf } from '../tensor/host.js';
import { dispose, type Tensor, type Variable } from '../tensor/tf.js';
import { shardsOf } from './layer-shards.js';
import { momentKinds, momentName, type OptimizerState, optimizerStep, type UpdateContext } from './optimizer.js';
import { type Bucket, bucketSize, countsOf, isWhole, type Piece, parametersOf, partOf, placesOf } from './shards.js';

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
  const shards = shardsOf(model);
  if (shards !== undefined) {
    const cut = shards.shares;
    optimizerStep(model, optimizer, gradients, config, { rows: rows.filter(({ name }) => cut.has(name)), cut, ...at });
  }
  for (const { bucket, values } of bucketsWith(optimizer, wholeRows(model, rows))) {
    const own = [...placesOf(bucket)].filter(({ piece }) => piece.rank === rank);
    const cut = new Map<string, Variable>();
    try {
      for (const { piece } of own) {
        const { name } = piece.row;
        if (!isWhole(piece)) cut.set(name, partOf(weight(model, name), piece));
      }
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
  const pieces = piecesByName(optimizer.buckets);
  const collected: HostTensor[] = [];
  for (const row of optimizer.rows) {
    const own = optimizer.moments.get(row.name);
    for (const kind of momentKinds(row, optimizer.kind)) {
      const [name, length] = [momentName(kind, row.name), sizeOf(row.shape)];
      const isFirst = communicator.rank === 0;
      const values = isFirst ? roomFor(name, length) : optimizer.room.subarray(0, length); // a bucket holds it
      await collect(communicator, { parts: pieces.get(row.name) ?? [], own: own?.[kind], values });
      if (isFirst) collected.push({ name, shape: [...row.shape], data: values });
    }
  }
  return collected;
}

/** The same of the weights that ranks hold in shares, by name; none where each holds all of them. */
export async function collectWeights(
  communicator: Communicator,
  model: Model,
  roomFor: (name: string, size: number) => Float32Array,
): Promise<Map<string, HostTensor>> {
  const collected = new Map<string, HostTensor>();
  const shards = shardsOf(model);
  if (shards === undefined) return collected;
  const pieces = piecesByName(shards.buckets);
  for (const { name, shape } of model.parameters) {
    if (!shards.has(name)) continue;
    const isFirst = communicator.rank === 0;
    const values = isFirst ? roomFor(name, sizeOf(shape)) : shards.room.subarray(0, sizeOf(shape));
    await collect(communicator, { parts: pieces.get(name) ?? [], own: shards.shares.get(name), values });
    if (isFirst) collected.set(name, { name, shape: [...shape], data: values });
  }
  return collected;
}

/**
 * `work` with a model of whole weights on the first rank, which holds those of all layers for as long as it lasts; on the others, which must
 * call it too, and where each rank has all weights anyway, with the model as it is. To ask for it throws where there was no room for it:
 * the first rank takes part in all exchanges even so, and it is for `work` to say to the others that nothing comes of it.
 */
export async function withWholeWeights<Result>(
  communicator: Communicator,
  model: Model,
  work: (whole: () => Model) => Promise<Result>,
): Promise<Result> {
  const shards = shardsOf(model);
  if (shards === undefined) return work(() => model);
  const weights = new Map(model.weights);
  const gathered: Variable[] = [];
  let full: { error: unknown } | undefined;
  try {
    const pieces = piecesByName(shards.buckets);
    for (const { name, shape } of model.parameters) {
      if (!shards.has(name)) continue;
      const values = shards.room.subarray(0, sizeOf(shape));
      await collect(communicator, { parts: pieces.get(name) ?? [], own: shards.shares.get(name), values });
      if (communicator.rank > 0 || full !== undefined) continue;
      try {
        const value = variableOf(values, shape);
        gathered.push(value);
        weights.set(name, value);
      } catch (error) {
        full = { error };
        dispose(gathered.splice(0));
      }
    }
    return await work(() => {
      if (full !== undefined) throw full.error;
      return communicator.rank > 0 ? model : { ...model, weights, shards: undefined };
    });
  } finally {
    dispose(gathered);
  }
}

/** A whole parameter's numbers into `values`, from what each rank has of them. */
async function collect(
  communicator: Communicator,
  { parts, own, values }: { parts: readonly Piece[]; own: Tensor | undefined; values: Float32Array },
): Promise<void> {
  const { rank, size } = communicator;
  const part = parts.find((piece) => piece.rank === rank);
  if (own !== undefined && part !== undefined) await readInto(own, values.subarray(part.from, part.to));
  if (size > 1) await communicator.allGather(values, countsOf(parts, size));
}

function piecesByName(buckets: readonly Bucket[]): Map<string, Piece[]> {
  const pieces = new Map<string, Piece[]>();
  for (const piece of buckets.flat()) pieces.set(piece.row.name, [...(pieces.get(piece.row.name) ?? []), piece]);
  return pieces;
}

/** Those of which each rank has the whole weight. */
export function wholeRows({ shards }: Model, rows: readonly ParameterSpec[]): readonly ParameterSpec[] {
  return shards === undefined ? rows : rows.filter(({ name }) => !shards.has(name));
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
    const length = bucketSize(bucket);
    if (room.length < length) throw new Error('the optimizer was created for another number of ranks');
    yield { bucket, values: room.subarray(0, length) };
  }
}
