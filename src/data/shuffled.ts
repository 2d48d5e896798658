// Every row once an epoch, in an order that is shuffled anew for each. The position in it is two numbers.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { Random } from '../base/random.js';

/** The order in which `length` rows are read. At the end of an epoch its user begins the next. */
export class ShuffledOrder {
  readonly #shuffled: (epoch: number) => Uint32Array;
  #order: Uint32Array;
  epoch = 0;
  /** Rows of this epoch that were read. */
  index = 0;

  /** `name`: of the random stream, a different one for each use of a seed. */
  constructor(length: number, { seed, name = 'epoch' }: { seed: number; name?: string }) {
    const rows = Uint32Array.from({ length }, (_, row) => row);
    this.#shuffled = (epoch) => Random.stream(seed, `${name}-${epoch}`).shuffle(rows.slice());
    this.#order = this.#shuffled(0);
  }

  get isOver(): boolean {
    return this.index === this.#order.length;
  }

  /** The next row. */
  get row(): number {
    return this.#order[this.index];
  }

  take(): number {
    return this.#order[this.index++];
  }

  begin(epoch: number, index = 0): void {
    if (epoch !== this.epoch) this.#order = this.#shuffled(epoch);
    this.epoch = epoch;
    this.index = index;
  }
}

/** Batches of `size` rows (all, where there are fewer) without end; one batch may hold rows of two epochs. */
export function shuffledBatches<Row>(rows: readonly Row[], options: { size: number; seed: number; name?: string }) {
  const order = new ShuffledOrder(rows.length, options);
  const cursor = z.object({ epoch: z.int().min(0), index: z.int().min(0).max(rows.length) });
  return {
    next: (): Row[] =>
      Array.from({ length: Math.min(options.size, rows.length) }, () => {
        if (order.isOver) order.begin(order.epoch + 1);
        return rows[order.take()];
      }),
    state: () => ({ epoch: order.epoch, index: order.index }),
    restore: (saved: unknown): void => {
      const { epoch, index } = parsePosition(cursor, saved);
      order.begin(epoch, index);
    },
  };
}

/** A position as a checkpoint holds it. @throws UserError where it is of other data. */
export function parsePosition<Schema extends z.ZodType>(schema: Schema, saved: unknown): z.output<Schema> {
  const result = schema.safeParse(saved);
  if (result.success) return result.data;
  throw new UserError({
    what: 'the checkpoint holds no position in this data',
    next: 'Resume with the settings and the data it was trained with, or start a new run',
  });
}
