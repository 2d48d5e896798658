// Batches whose rows come from two supplies: most from the main one, a fixed share from a second. What fine-tuning uses to
// go on reading plain text, so that it does not forget it.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import type { PackedBatches } from './packing.js';
import { BatchBuilder, type BatchShape } from './sequences.js';
import type { TokenBatch } from './types.js';

/** The states of the supplies are theirs to check. */
const stateSchema = z.object({ main: z.unknown(), second: z.unknown(), batches: z.int().min(0) });

export interface MixedOptions extends BatchShape {
  main: PackedBatches;
  second: PackedBatches;
  /** Of the rows, from 0 to 1, without 1: kept on average over the batches, so that any share is possible with few rows. */
  secondShare: number;
}

/** Both supplies must have the shape that is given here. */
export class MixedBatches {
  readonly #options: MixedOptions;
  #batches = 0;

  constructor(options: MixedOptions) {
    this.#options = options;
  }

  get state(): z.output<typeof stateSchema> {
    return { main: this.#options.main.state, second: this.#options.second.state, batches: this.#batches };
  }

  /** Goes on where another instance with the same options stood. Throws a UserError where the state is of other data. */
  restore(saved: unknown): void {
    const state = stateSchema.safeParse(saved).data;
    if (state === undefined) {
      throw new UserError({
        what: 'the checkpoint holds no position in two kinds of data',
        next: 'Resume with the settings it was trained with, or start a new run',
      });
    }
    this.#options.main.restore(state.main);
    this.#options.second.restore(state.second);
    this.#batches = state.batches;
  }

  /** The rows of the second supply come last. */
  async next(): Promise<TokenBatch> {
    const { main, second, rows } = this.#options;
    const builder = new BatchBuilder(this.#options);
    const mainRows = rows - (this.#secondRows(this.#batches + 1) - this.#secondRows(this.#batches));
    await main.fill(builder, 0, mainRows);
    await second.fill(builder, mainRows, rows);
    this.#batches++;
    return builder.finish();
  }

  /** Batches in one pass over the main supply, rounded up. */
  async countBatches(): Promise<number> {
    return Math.ceil((await this.#options.main.countBatches()) / (1 - this.#options.secondShare));
  }

  /** Rows of the second supply in the first `batches` batches. */
  #secondRows(batches: number): number {
    return Math.floor(batches * this.#options.rows * this.#options.secondShare + 1e-9);
  }
}
