// An endless, seeded, resumable supply of packed batches.
// 'stream' (pretraining) cuts sequences wherever a row ends, so no position is wasted; 'whole' (fine-tuning) cuts none
// and fills each row with the sequences that leave the least room. Its position is four numbers and a short list.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { BatchBuilder, type BatchShape, inputLength, tooLong } from './sequences.js';
import { ShuffledOrder } from './shuffled.js';
import type { TokenBatch, TokenSequence } from './types.js';

export interface SequenceSource {
  readonly length: number;
  /** Tokens of all sequences, where it is known without reading them. */
  readonly tokenCount?: number;
  /** Tokens of each sequence, where they are known: 'whole' then reads only what it places. */
  readonly lengths?: ArrayLike<number>;
  get(index: number): TokenSequence | Promise<TokenSequence>;
}

export interface PackingOptions extends BatchShape {
  source: SequenceSource;
  seed: number;
  mode: 'stream' | 'whole';
}

const count = z.int().min(0);
const stateSchema = z.object({
  /** Length of the source, to notice that the data has changed. */
  length: count,
  epoch: count,
  /** Place in the epoch's shuffled order of the next sequence to take. */
  index: count,
  /** 'stream': inputs of that sequence already used. */
  offset: count,
  /** 'whole': sequences taken from the order and not yet placed, oldest first. */
  waiting: z.array(count),
});
/** The position between two batches. Plain JSON: a checkpoint holds it. */
export type PackingState = z.output<typeof stateSchema>;

/** Taken from the order and not yet placed; kept beside its index, so that it is fetched once, where it had to be fetched for its length. */
interface WaitingSequence {
  index: number;
  inputs: number;
  sequence?: TokenSequence;
}

/** How many sequences 'whole' chooses from. */
const lookAhead = 128;

export class PackedBatches {
  readonly #options: PackingOptions;
  readonly #order: ShuffledOrder;
  #offset = 0;
  #waiting: WaitingSequence[] = [];
  /** Indices of a restored state, fetched by the next call. */
  #restored: number[] = [];

  /** Throws a UserError where the source is empty. */
  constructor(options: PackingOptions) {
    if (options.source.length === 0) throw nothingToTrainOn();
    this.#options = options;
    this.#order = new ShuffledOrder(options.source.length, options);
  }

  /** Passes over the data that are complete. */
  get epoch(): number {
    return this.#order.epoch;
  }

  get state(): PackingState {
    const waiting = [...this.#restored, ...this.#waiting.map(({ index }) => index)];
    const { epoch, index } = this.#order;
    return { length: this.#options.source.length, epoch, index, offset: this.#offset, waiting };
  }

  /** Resumes where another instance with the same options stopped. Throws a UserError where the state is of other data. */
  restore(saved: unknown): void {
    const state = stateSchema.safeParse(saved).data;
    const { length } = this.#options.source;
    if (state === undefined || !fits(state, length)) {
      throw new UserError({
        what: 'the position in the data that the checkpoint holds does not belong to this data',
        why: `the checkpoint was written with ${state?.length ?? 'an unknown number of'} sequences, there are ${length} now`,
        next: 'Resume with the data it was trained on, or start a new run',
      });
    }
    this.#order.begin(state.epoch, state.index);
    this.#offset = state.offset;
    this.#restored = [...state.waiting];
    this.#waiting = [];
  }

  /** The next batch. There is no last one; call it again only when the previous call has settled. */
  async next(): Promise<TokenBatch> {
    const builder = new BatchBuilder(this.#options);
    await this.fill(builder, 0, this.#options.rows);
    return builder.finish();
  }

  /** Fills the rows from `begin` up to `end`, without it, of a batch of this shape that other supplies may share. */
  async fill(builder: BatchBuilder, begin: number, end: number): Promise<void> {
    for (let row = begin; row < end; row++) {
      if (this.#options.mode === 'stream') await this.#fillRow(builder, row);
      else await this.#packRow(builder, row);
    }
  }

  /**
   * Rows in one pass over the data, not rounded ('whole': in the first pass; later ones pack a little otherwise).
   * Reads every sequence unless the source knows its `tokenCount`.
   */
  async countRows(): Promise<number> {
    const { source, columns, mode } = this.#options;
    if (mode === 'whole') {
      const dryRun = new PackedBatches(this.#options);
      let filled = 0;
      for (; dryRun.epoch === 0; filled++) await dryRun.#nextRow();
      return filled;
    }
    let inputs = 0;
    if (source.tokenCount !== undefined) inputs = source.tokenCount - source.length;
    else for (let i = 0; i < source.length; i++) inputs += inputLength(await source.get(i));
    return inputs / columns;
  }

  /** 'stream': fills the row to its end, over as many sequences (and epochs) as it takes. */
  async #fillRow(builder: BatchBuilder, row: number): Promise<void> {
    const { source, columns } = this.#options;
    const firstEpoch = this.epoch;
    for (let column = 0; column < columns; ) {
      const sequence = await source.get(this.#order.row);
      const count = Math.max(0, Math.min(inputLength(sequence) - this.#offset, columns - column));
      if (count > 0) builder.place(sequence, { row, column, from: this.#offset, count });
      this.#offset += count;
      column += count;
      if (this.#offset >= inputLength(sequence)) this.#advance();
      if (column === 0 && this.epoch > firstEpoch + 1) throw nothingToTrainOn();
    }
  }

  #advance(): void {
    this.#offset = 0;
    this.#order.take();
    if (this.#order.isOver) this.#order.begin(this.epoch + 1);
  }

  async #packRow(builder: BatchBuilder, row: number): Promise<void> {
    let column = 0;
    for (const { index, sequence = await this.#options.source.get(index) } of await this.#nextRow()) {
      const count = inputLength(sequence);
      builder.place(sequence, { row, column, from: 0, count });
      column += count;
    }
  }

  /**
   * 'whole': the sequences of the next row. The oldest waiting one opens the row, so none waits for ever; then those that
   * leave the least room. A row holds sequences of one epoch; a batch may straddle two.
   */
  async #nextRow(): Promise<WaitingSequence[]> {
    await this.#lookAhead();
    const [oldest, ...others] = this.#waiting;
    if (oldest === undefined) throw nothingToTrainOn();
    const chosen = fullest(
      others.map(({ inputs }) => inputs),
      this.#options.columns - oldest.inputs,
    );
    this.#waiting = others.filter((_, index) => !chosen.has(index));
    await this.#lookAhead();
    if (this.#waiting.length === 0) this.#order.begin(this.epoch + 1);
    return [oldest, ...others.filter((_, index) => chosen.has(index))];
  }

  /** Fills the waiting list from the order; sequences with nothing to predict are passed over. */
  async #lookAhead(): Promise<void> {
    const { columns } = this.#options;
    for (const index of this.#restored) this.#waiting.push(await this.#at(index));
    this.#restored = [];
    while (this.#waiting.length < lookAhead && !this.#order.isOver) {
      const next = await this.#at(this.#order.take());
      if (next.inputs > columns) throw tooLong(await this.#options.source.get(next.index), columns);
      if (next.inputs > 0) this.#waiting.push(next);
    }
  }

  async #at(index: number): Promise<WaitingSequence> {
    const { source } = this.#options;
    if (source.lengths !== undefined) return { index, inputs: Math.max(0, source.lengths[index] - 1) };
    const sequence = await source.get(index);
    return { index, inputs: inputLength(sequence), sequence };
  }
}

/** Indices of the lengths whose sum comes closest to `room` from below: of such sets one with long ones, the rarest to fit. */
function fullest(lengths: readonly number[], room: number): Set<number> {
  const longestFirst = lengths.map((_, index) => index).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const last = new Int32Array(room + 1).fill(-1); // of each sum that was reached, the index added last
  const isReached = (sum: number): boolean => sum === 0 || last[sum] !== -1;
  for (const index of longestFirst) {
    if (isReached(room)) break;
    // From above, so that no index is added twice.
    for (let sum = room; sum >= lengths[index]; sum--) {
      if (last[sum] === -1 && isReached(sum - lengths[index])) last[sum] = index;
    }
  }
  let sum = room;
  while (!isReached(sum)) sum--;
  const chosen = new Set<number>();
  for (; sum > 0; sum -= lengths[last[sum]]) chosen.add(last[sum]);
  return chosen;
}

function fits({ length, index, waiting }: PackingState, sourceLength: number): boolean {
  const insideOrder = index < length || (index === length && waiting.length > 0);
  return length === sourceLength && insideOrder && waiting.length <= lookAhead && waiting.every((i) => i < length);
}

function nothingToTrainOn(): UserError {
  return new UserError({
    what: 'there is nothing to train on',
    why: 'no sequence has two tokens or more',
    next: 'Check the data: the report of its stage says what was dropped and why',
  });
}
