// Who keeps which moments, where several ranks train together (ZeRO stage 1, Rajbhandari et al. 2020). What AdamW steps is cut anywhere,
// into equal shares; a matrix that Muon steps is one rank's as a whole. Every rank works the same out for itself.
import type { ParameterSpec } from '../architecture/parameters.js';
import { bucketElements } from '../architecture/rank-plan.js';
import { sizeOf } from '../base/host-tensor.js';
import type { TrainConfig } from '../config/train.js';
import { reshape, slice, tidy, type Variable, variable } from '../tensor/tf.js';

/** Elements `from` up to `to` of a parameter, which `rank` updates. */
export interface Piece {
  row: ParameterSpec;
  rank: number;
  from: number;
  to: number;
}

/** What is sent together: by rank, and the pieces of a parameter behind each other, so that it lies there as a whole. */
export type Bucket = readonly Piece[];

export function isByMuon({ update }: ParameterSpec, kind: TrainConfig['optimizer']): boolean {
  return kind === 'muon' && update === 'muon';
}

/** All of `rows`, for `size` ranks. `byLayer`: no bucket has rows of two layers. */
export function bucketsOf(
  rows: readonly ParameterSpec[],
  { kind, size, byLayer = false }: { kind: TrainConfig['optimizer']; size: number; byLayer?: boolean },
): Bucket[] {
  const [whole, divisible] = [true, false].map((muon) => rows.filter((row) => isByMuon(row, kind) === muon));
  const owners = ownersOf(whole, size);
  const apart = (some: readonly ParameterSpec[]) => (byLayer ? layersOf(some) : [some]).flatMap(filled);
  const uncut = apart(whole).map((some) =>
    some
      .map((row): Piece => ({ row, rank: owners.get(row.name) ?? 0, from: 0, to: sizeOf(row.shape) }))
      .sort((a, b) => a.rank - b.rank),
  );
  return [...uncut, ...apart(divisible).map((some) => equalShares(some, size))];
}

/** Rows of each layer, and those of none. */
function layersOf(rows: readonly ParameterSpec[]): ParameterSpec[][] {
  const layers = new Set(rows.map(({ layer }) => layer));
  return [...layers].map((layer) => rows.filter((row) => row.layer === layer));
}

/** @returns numbers of each rank. */
export function countsOf(bucket: Bucket, size: number): number[] {
  const counts = new Array<number>(size).fill(0);
  for (const { rank, from, to } of bucket) counts[rank] += to - from;
  return counts;
}

/** The parameters of a bucket, and where in it they begin. */
export function parametersOf(bucket: Bucket): { row: ParameterSpec; at: number; size: number }[] {
  const found: { row: ParameterSpec; at: number; size: number }[] = [];
  let at = 0;
  for (const { row, from, to } of bucket) {
    if (from === 0) found.push({ row, at, size: sizeOf(row.shape) });
    at += to - from;
  }
  return found;
}

/** Numbers in it. */
export function bucketSize(bucket: Bucket): number {
  return bucket.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** Where in its bucket each piece begins. */
export function* placesOf(bucket: Bucket): Generator<{ piece: Piece; at: number }> {
  let at = 0;
  for (const piece of bucket) {
    yield { piece, at };
    at += piece.to - piece.from;
  }
}

/** A copy of it, of the whole parameter: of its shape where that is all, else [n]. */
export function partOf(whole: Variable, piece: Piece): Variable {
  const { from, to, row } = piece;
  const shape = isWhole(piece) ? row.shape : [to - from];
  const values = tidy(() => reshape(slice(reshape(whole, [-1]), [from], [to - from]), shape));
  const part = variable(values, false);
  values.dispose();
  return part;
}

export function isWhole({ row, from, to }: Piece): boolean {
  return to - from === sizeOf(row.shape);
}

/** Row after row, as many as fit. */
function filled(rows: readonly ParameterSpec[]): ParameterSpec[][] {
  const buckets: ParameterSpec[][] = [];
  let room = 0;
  for (const row of rows) {
    const size = sizeOf(row.shape);
    if (size > room) {
      buckets.push([]);
      room = bucketElements;
    }
    buckets.at(-1)?.push(row);
    room -= size;
  }
  return buckets;
}

/** All numbers of these rows in a row, cut into `size` runs that differ by one at most. */
function equalShares(rows: readonly ParameterSpec[], size: number): Piece[] {
  const total = rows.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const ends = Array.from({ length: size }, (_, rank) => Math.floor((total * (rank + 1)) / size));
  const pieces: Piece[] = [];
  let [at, rank] = [0, 0];
  for (const row of rows) {
    const length = sizeOf(row.shape);
    for (let from = 0; from < length; ) {
      while (ends[rank] <= at) rank++;
      const to = Math.min(length, from + ends[rank] - at);
      pieces.push({ row, rank, from, to });
      at += to - from;
      from = to;
    }
  }
  return pieces;
}

/** The most work first, each to the rank that has least so far; matrices of one shape are dealt out evenly, and so is their memory. */
function ownersOf(rows: readonly ParameterSpec[], size: number): Map<string, number> {
  const loads = new Array<number>(size).fill(0);
  const owners = new Map<string, number>();
  // A step of Muon multiplies about as often as the short side squared times the long one.
  const work = ({ shape }: ParameterSpec): number => Math.min(...shape) * sizeOf(shape);
  for (const row of [...rows].sort((a, b) => work(b) - work(a))) {
    const rank = loads.indexOf(Math.min(...loads));
    owners.set(row.name, rank);
    loads[rank] += work(row);
  }
  return owners;
}
