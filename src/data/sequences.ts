// Token sequences laid out in the rows of a batch. A sequence of n tokens takes n−1 columns: the last is only predicted.
// Sequences that share a row never see each other: positions restart and `ranges` end at the sequence's own edge. Those that
// begin alike may share that beginning: it is computed once, and its keys are laid out again before those of each of them.
import { UserError } from '../base/errors.js';
import type { TokenBatch, TokenSequence } from './types.js';

export interface BatchShape {
  rows: number;
  columns: number;
  /** Held by padding positions, as input and as target. */
  padId: number;
  /** Keys of a row, where sequences share beginnings. Absent: one for each column. */
  keyColumns?: number;
}

/** Input positions of a sequence: one less than its tokens. */
export function inputLength(sequence: TokenSequence): number {
  return Math.max(0, sequence.tokens.length - 1);
}

/** Of what follows input `token`. */
function weightOf({ loss }: TokenSequence, token: number): number {
  return loss === undefined ? 1 : loss[token + 1];
}

/** One batch being filled, row by row. Positions that nothing is placed on are padding. */
export class BatchBuilder {
  readonly #batch: TokenBatch;

  constructor({ rows, columns, padId, keyColumns }: BatchShape) {
    const size = rows * columns;
    const ranges = new Int32Array(size * 2);
    // Padding attends to itself, or else to a key that is anybody's.
    for (let i = 0; i < size; i++) ranges[2 * i] = ranges[2 * i + 1] = i % columns;
    this.#batch = {
      rows,
      columns,
      tokens: new Int32Array(size).fill(padId),
      targets: new Int32Array(size).fill(padId),
      weights: new Float32Array(size),
      positions: new Int32Array(size),
      ranges,
      ...(keyColumns !== undefined && {
        keys: Int32Array.from({ length: rows * keyColumns }, (_, key) => Math.floor(key / keyColumns) * columns),
      }),
      owners: new Int32Array(size).fill(-1),
      ids: [],
      weight: 0,
      tokenCount: 0,
    };
  }

  /** Puts the `count` inputs of `sequence` that start at token `from` into `row`, from `column` on. */
  place(sequence: TokenSequence, at: { row: number; column: number; from: number; count: number }): void {
    const owner = this.#owner(sequence, at.from);
    for (let i = 0; i < at.count; i++) {
      const column = at.column + i;
      this.#put(sequence, at.from + i, { row: at.row, column, owner, position: i, first: at.column, last: column });
    }
  }

  /**
   * Puts the inputs of `sequence` into `row`, from `column` on, but for its first `shared` ones, which lie from column
   * `beginning` on already. Its keys, theirs among them, are those of the row from `key` on.
   */
  placeAfter(
    sequence: TokenSequence,
    at: { row: number; column: number; key: number; shared: number; beginning: number },
  ): void {
    const owner = this.#owner(sequence, 0);
    const { keys, rows, columns } = this.#batch;
    const keyColumns = keys === undefined ? 0 : keys.length / rows;
    for (let i = 0; i < inputLength(sequence); i++) {
      const column = i < at.shared ? at.beginning + i : at.column + i - at.shared;
      if (keys !== undefined) keys[at.row * keyColumns + at.key + i] = at.row * columns + column;
      if (i < at.shared) continue;
      this.#put(sequence, i, { row: at.row, column, owner, position: i, first: at.key, last: at.key + i });
    }
  }

  #put(
    sequence: TokenSequence,
    token: number,
    at: { row: number; column: number; owner: number; position: number; first: number; last: number },
  ): void {
    const batch = this.#batch;
    const cell = at.row * batch.columns + at.column;
    batch.tokens[cell] = sequence.tokens[token];
    batch.targets[cell] = sequence.tokens[token + 1];
    batch.weights[cell] = weightOf(sequence, token);
    batch.weight += batch.weights[cell];
    batch.positions[cell] = at.position;
    batch.ranges[2 * cell] = at.first;
    batch.ranges[2 * cell + 1] = at.last;
    batch.owners[cell] = at.owner;
    batch.tokenCount++;
  }

  finish(): TokenBatch {
    return this.#batch;
  }

  /** Parts of one sequence, placed one after the other, share an owner. */
  #owner(sequence: TokenSequence, from: number): number {
    const { ids } = this.#batch;
    const continues = from > 0 && ids.at(-1) === sequence.id;
    if (!continues) ids.push(sequence.id);
    return ids.length - 1;
  }
}

/** The rows of a batch from `begin` up to `end`, without it. All ids stay, so that `owners` do. */
export function rowsOf(batch: TokenBatch, begin: number, end: number): TokenBatch {
  const { rows, columns, keys } = batch;
  if (begin === 0 && end === rows) return batch;
  const [from, to] = [begin * columns, end * columns];
  const keyColumns = keys === undefined ? 0 : keys.length / rows;
  const weights = batch.weights.subarray(from, to);
  const owners = batch.owners.subarray(from, to);
  return {
    ...batch,
    ...{ rows: end - begin, weights, owners },
    tokens: batch.tokens.subarray(from, to),
    targets: batch.targets.subarray(from, to),
    positions: batch.positions.subarray(from, to),
    ranges: batch.ranges.subarray(2 * from, 2 * to),
    ...(keys && { keys: keys.slice(begin * keyColumns, end * keyColumns).map((position) => position - from) }),
    weight: weights.reduce((sum, weight) => sum + weight, 0),
    tokenCount: owners.reduce((count, owner) => count + (owner >= 0 ? 1 : 0), 0),
  };
}

/**
 * The sequences in order, once, every target counted exactly once: for evaluation. A sequence that fits in a row is
 * never cut, so its figures do not depend on its neighbours; a longer one continues in the next row without its past.
 * The last batch has only the rows it needs.
 */
export function batchesOnce(sequences: readonly TokenSequence[], shape: BatchShape): TokenBatch[] {
  const { rows, columns } = shape;
  const places: { sequence: TokenSequence; row: number; column: number; from: number; count: number }[] = [];
  let row = 0;
  let column = 0;
  for (const sequence of sequences) {
    const length = inputLength(sequence);
    for (let from = 0; from < length; ) {
      if (column === columns || (from === 0 && column > 0 && length > columns - column)) {
        row++;
        column = 0;
      }
      const count = Math.min(length - from, columns - column);
      places.push({ sequence, row, column, from, count });
      from += count;
      column += count;
    }
  }
  const total = places.length === 0 ? 0 : row + 1;
  const builders = Array.from({ length: Math.ceil(total / rows) }, (_, i) => {
    return new BatchBuilder({ ...shape, rows: Math.min(rows, total - i * rows) });
  });
  for (const { sequence, row: at, ...rest } of places) {
    builders[Math.floor(at / rows)].place(sequence, { row: at % rows, ...rest });
  }
  return builders.map((builder) => builder.finish());
}

/**
 * One sequence a row, padded on the right to the longest, or to `columns`; row r's owner is r.
 * Throws a UserError where a sequence is longer than `columns` + 1 tokens.
 */
export function padSequences(
  sequences: readonly TokenSequence[],
  options: { padId: number; columns?: number },
): TokenBatch {
  const columns = options.columns ?? Math.max(1, ...sequences.map(inputLength));
  const misfit = sequences.find((sequence) => inputLength(sequence) > columns);
  if (misfit !== undefined) throw tooLong(misfit, columns);
  const builder = new BatchBuilder({ rows: sequences.length, columns, padId: options.padId });
  sequences.forEach((sequence, row) => {
    builder.place(sequence, { row, column: 0, from: 0, count: inputLength(sequence) });
  });
  return builder.finish();
}

/**
 * The sequences whole, in rows that share the work evenly: sequence i's owner is i. As many rows as make the fewest
 * positions, none longer than two of the longest sequence, because some backends take the square of a row's length.
 * `groups`: of whom may begin alike, by their places. What all of a group begin with, before anything that counts, is there
 * once, and owned by the first; of a group that would make a row too long, once for each part of it.
 */
export function packSequences(
  sequences: readonly TokenSequence[],
  { padId, groups = sequences.map((_, i) => [i]) }: { padId: number; groups?: readonly (readonly number[])[] },
): TokenBatch {
  const lengths = sequences.map(inputLength);
  const families = groups.flatMap((group) => familiesOf(sequences, group));
  const { places, ...size } = compactLayout(families.map((family) => family.length));
  const keyEnds = new Array<number>(size.rows).fill(0);
  const placeOf: Parameters<BatchBuilder['placeAfter']>[1][] = [];
  const inOrder = [...families.keys()].sort((a, b) => places[a].column - places[b].column);
  for (const i of inOrder) {
    const { members, shared } = families[i];
    const { row, column: beginning } = places[i];
    let column = beginning;
    for (const member of members) {
      const isFirst = member === members[0];
      placeOf[member] = { row, column, key: keyEnds[row], shared: isFirst ? 0 : shared, beginning };
      column += lengths[member] - placeOf[member].shared;
      keyEnds[row] += lengths[member];
    }
  }
  const isShared = families.some(({ members, shared }) => members.length > 1 && shared > 0);
  const builder = new BatchBuilder({ ...size, padId, ...(isShared && { keyColumns: Math.max(...keyEnds) }) });
  sequences.forEach((sequence, i) => {
    builder.placeAfter(sequence, placeOf[i]);
  });
  return builder.finish();
}

/** Pairs of sequences, as `packSequences` has them: the owners are all firsts, then all seconds. */
export function packPairs(
  pairs: readonly (readonly [TokenSequence, TokenSequence])[],
  { padId }: { padId: number },
): TokenBatch {
  const sequences = [...pairs.map(([first]) => first), ...pairs.map(([, second]) => second)];
  return packSequences(sequences, { padId, groups: pairs.map((_, i) => [i, pairs.length + i]) });
}

/** Sequences that lie one after the other, behind the inputs that they share. */
interface Family {
  members: number[];
  shared: number;
  /** Inputs in all. */
  length: number;
}

/** Columns of a row in which more than two share a beginning, or as many as two of the longest have. */
const maxFamily = 1024;

function familiesOf(sequences: readonly TokenSequence[], group: readonly number[]): Family[] {
  const shared = Math.min(...group.slice(1).map((i) => sharedInputs(sequences[group[0]], sequences[i])));
  const lengths = group.map((i) => inputLength(sequences[i]));
  if (group.length === 1 || shared === 0) {
    return group.map((member, i) => ({ members: [member], shared: 0, length: lengths[i] }));
  }
  const limit = Math.max(maxFamily, 2 * Math.max(...lengths));
  const families: Family[] = [];
  for (const [i, member] of group.entries()) {
    const family = families.at(-1);
    if (family !== undefined && family.length + lengths[i] - shared <= limit) {
      family.members.push(member);
      family.length += lengths[i] - shared;
    } else {
      families.push({ members: [member], shared, length: lengths[i] });
    }
  }
  return families;
}

/** Inputs that two sequences begin with alike, as far as nothing that follows one of them counts. */
function sharedInputs(a: TokenSequence, b: TokenSequence): number {
  const most = Math.min(inputLength(a), inputLength(b));
  let count = 0;
  const isShared = (i: number) => a.tokens[i] === b.tokens[i] && weightOf(a, i) === 0 && weightOf(b, i) === 0;
  while (count < most && isShared(count)) count++;
  return count;
}

function compactLayout(lengths: readonly number[]): ReturnType<typeof evenRows> {
  const longest = Math.max(1, ...lengths);
  const all = lengths.map((_, index) => index).sort((a, b) => lengths[b] - lengths[a] || a - b);
  let best = evenRows(lengths, all, Math.max(1, lengths.length)); // one a row
  for (let rows = lengths.length - 1; rows > 0; rows--) {
    const next = evenRows(lengths, all, rows);
    if (next.columns > 2 * longest) break;
    if (rows * next.columns < best.rows * best.columns) best = next;
  }
  return best;
}

/** Longest first, each at the end of the row that has least. */
function evenRows(lengths: readonly number[], longestFirst: readonly number[], rows: number) {
  const ends = new Array<number>(rows).fill(0);
  const places: { row: number; column: number }[] = [];
  for (const index of longestFirst) {
    const row = ends.indexOf(Math.min(...ends));
    places[index] = { row, column: ends[row] };
    ends[row] += lengths[index];
  }
  return { rows, columns: Math.max(1, ...ends), places };
}

/** A sequence that would have to be cut where cutting is not allowed. */
export function tooLong(sequence: TokenSequence, columns: number): UserError {
  return new UserError({
    what: `a sequence of ${sequence.tokens.length} tokens does not fit in a row of ${columns}`,
    where: sequence.id,
    why: `a row of ${columns} positions holds at most ${columns + 1} tokens of one sequence`,
    next: 'Raise contextLength, or shorten that entry',
  });
}
